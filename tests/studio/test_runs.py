"""What the studio reads of runs and folders, and what it unpacks into them."""

import json
import zipfile
from pathlib import Path

import pytest

from impasto.errors import InputError
from impasto.nn.labelled import LabelSettings
from impasto.studio import places as places_of_studio
from impasto.studio.curves import MOST_POINTS, curves_html, points
from impasto.studio.map_paper import drawn_map, inks_of
from impasto.studio.places import RUNS, Places, unpacked
from impasto.studio.runs import read_run
from impasto.training import background


def write_run(folder: Path, method: str = "pix2pix") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"impasto": "1", "method": method, "settings": {}}))
    return folder


def test_a_run_is_read_as_far_as_it_is_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert (read_run(run).status, read_run(run).step, read_run(run).steps) == ("stopped", 0, None)
    state = {"step": 100, "steps": 400, "seconds": 50.0, "done": False, "warnings": ["step 90: a checkerboard"]}
    (run / "state.json").write_text(json.dumps(state))
    rows = [{"step": 10, "gan": 1.0}, {"step": 120, "gan": 0.5, "l1": float("nan")}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 130, "ga')
    (run / "samples").mkdir()
    (run / "samples" / "0000100.png").touch()
    found = read_run(run)
    assert (found.method, found.step, found.steps) == ("pix2pix", 120, 400)
    assert found.curves == {"gan": [(10, 1.0), (120, 0.5)]}
    assert found.sample == run / "samples" / "0000100.png" and found.warnings == ["step 90: a checkerboard"]
    assert not found.resumable and found.seconds_left is None, "nothing is being trained"
    (run / "state.json").write_text(json.dumps(state | {"done": True}))
    assert read_run(run).status == "done"


def test_time_left_is_told_by_the_steps_that_were_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run")
    (run / "state.json").write_text(json.dumps({"step": 100, "steps": 400, "seconds": 50.0}))
    (run / "metrics.jsonl").write_text('{"step": 200}\n')
    monkeypatch.setattr("impasto.studio.runs.is_running", lambda _: True)
    assert read_run(run).seconds_left == pytest.approx(100.0)


def test_curves_are_drawn_between_their_least_and_their_most() -> None:
    curve = [(step, float(step % 7)) for step in range(1000)]
    shown = points(curve)
    assert len(shown) <= MOST_POINTS
    assert sum(value for _, value in shown) / len(shown) == pytest.approx(sum(v for _, v in curve) / 1000, rel=0.01)
    drawn = curves_html({"a <b>": [(1, 2.0)], "held_out_total": [(1, 2.0), (2, 4.0)]})
    assert drawn.index("Held out total") < drawn.index("A &lt;b&gt;")
    assert 'points="4.0,76.0 236.0,4.0"' in drawn


def test_runs_models_and_data_are_found_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    write_run(folder / "runs" / "first")
    (folder / "runs" / "first" / "model.safetensors").touch()
    (folder / "runs" / "first" / "checkpoints").mkdir()
    (folder / "runs" / "first" / "checkpoints" / "last.safetensors").touch()
    (folder / "net.safetensors").touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "secret.safetensors").touch()
    for side in ("trainA", "trainB"):
        (folder / "horses" / side).mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "other.safetensors").touch()
    (folder / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    places = Places([folder])
    assert places.runs() == {"runs/first": folder / "runs" / "first"}
    assert set(places.models()) == {"runs/first", "net.safetensors"}
    assert list(places.data("unpaired")) == ["horses"]
    assert set(Places([folder, tmp_path / "outside"]).models()) == {
        "own/runs/first", "own/net.safetensors", "outside/other.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["../../escape", "/tmp/escape", "..", ".hidden", "a/b", "a\\b"])
def test_a_new_run_lies_in_its_room_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    assert Places([tmp_path]).new(RUNS, name).parent == tmp_path / "runs"


def test_no_room_leads_outside_and_none_is_taken_twice(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    write_run(folder / "runs" / "first")
    with pytest.raises(InputError, match="there is a first in runs already"):
        Places([folder]).new(RUNS, "first")
    (folder / "data").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(InputError, match="data lies outside"):
        Places([folder]).new("data", "streets")


@pytest.mark.parametrize("wrapped", [True, False])
def test_pictures_of_a_zip_are_unpacked_and_nothing_else(tmp_path: Path, wrapped: bool) -> None:
    first = "streets/" if wrapped else ""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for name in ("train/1.png", "classes.csv", "run.sh", ".hidden.png", "train/.2.png"):
            packed.writestr(first + name, b"1")
        for name in ("/etc/3.png", "../4.png", "C:/5.png", "a/../../6.png", "__MACOSX/7.png"):
            packed.writestr(name, b"1")
        link = zipfile.ZipInfo(first + "8.png")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    assert unpacked(tmp_path / "a.zip", tmp_path / "out") == 2
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert found == ["classes.csv", "train/1.png"]
    assert not list(tmp_path.glob("*.png"))


def test_a_zip_that_unpacks_to_too_much_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_of_studio, "MAX_FILE_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.png", bytes(100_000))
    with pytest.raises(InputError, match="unpacks to too much"):
        unpacked(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # one that says less than it holds
    data = (tmp_path / "a.zip").read_bytes().replace((100_000).to_bytes(4, "little"), (500).to_bytes(4, "little"))
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(InputError):
        unpacked(tmp_path / "b.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_classes_have_their_own_colours_or_ours() -> None:
    settings = LabelSettings(classes=3)
    assert [each["name"] for each in inks_of(settings, ())] == ["Class 0", "Class 1", "Class 2"]
    named = inks_of(settings, (("road", "#804080"), ("sky", "")))
    assert [each["name"] for each in named] == ["road", "sky", "Class 2"] and named[0]["color"] == "#804080"
    same = inks_of(settings, (("a", "#000000"), ("b", "#000000")))
    assert len({each["color"] for each in same}) == 3
    assert len({each["color"] for each in inks_of(LabelSettings(classes=200), ())}) == 200
    assert drawn_map(None, "", named) is None  # type: ignore[arg-type] # nobody is asked


def test_what_was_started_elsewhere_is_watched_only(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert not background.can_resume(run)
