"""A folder of pictures: each painted once, told of, and known again by the recipe it carries."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import impasto
from impasto.errors import InputError, SettingError
from impasto.image.io import read_recipe
from impasto.verbs.folder_painter import pictures_of

from ..conftest import write_two_styles

ROW = {"content", "output", "status", "sha256"}


@pytest.fixture
def photos(folder: Path) -> Path:
    """Three pictures, one of them deeper, and what is none."""
    photos = folder / "photos"
    (photos / "deeper").mkdir(parents=True)
    (photos / ".hidden").mkdir()
    with PIL.Image.open("cat.png") as cat:
        for name in ("b.png", "a.jpg", "deeper/a.png", ".hidden/c.png", ".d.png"):
            cat.save(photos / name)
    (photos / "broken.jpg").write_bytes(b"not a jpeg")
    (photos / "notes.txt").write_text("not a picture")
    return photos


def painted(two_styles: str, **changes: object) -> list[impasto.verbs.folder_painter.Outcome]:
    return list(impasto.stylize_folder("photos", "dawn", "out", method="multistyle", model=two_styles, **changes))


def manifest() -> list[dict]:
    return [json.loads(line) for line in Path("out/manifest.jsonl").read_bytes().splitlines()]


def test_a_folder(photos: Path, two_styles: str):
    outcomes = painted(two_styles)
    assert [(each.content, each.status, each.index, each.total) for each in outcomes] == [
        ("a.jpg", "painted", 1, 3),
        ("b.png", "painted", 2, 3),
        ("broken.jpg", "failed", 3, 3),
    ]
    rows = manifest()
    assert rows == [each.as_row() for each in outcomes]
    for row in rows[:2]:
        assert row.keys() == ROW
        assert row["sha256"]["content"] == hashlib.sha256((photos / row["content"]).read_bytes()).hexdigest()
        assert row["sha256"]["output"] == hashlib.sha256(Path("out", row["output"]).read_bytes()).hexdigest()
    assert "broken.jpg is not a picture" in rows[2]["error"]
    assert sorted(path.name for path in Path("out").iterdir()) == ["a-dawn.png", "b-dawn.png", "manifest.jsonl"]


def test_each_is_what_stylize_paints(photos: Path, two_styles: str):
    painted(two_styles, size=40)
    alone = impasto.stylize("photos/b.png", "dawn", method="multistyle", model=two_styles, size=40).image
    together = impasto.read_image("out/b-dawn.png")
    np.testing.assert_array_equal(together.pixels, alone.pixels)
    assert together.recipe == json.loads(json.dumps(alone.recipe))
    assert read_recipe("out/b-dawn.png") == together.recipe


def test_nested_folders_keep_their_places(photos: Path, two_styles: str):
    for output in ("out", "photos/out"):
        outcomes = list(
            impasto.stylize_folder(photos, "dawn", output, method="multistyle", model=two_styles, nested=True)
        )
        assert [each.output for each in outcomes if each.status == "painted"] == [
            "a-dawn.png",
            "b-dawn.png",
            "deeper/a-dawn.png",
        ]
        assert Path(output, "deeper/a-dawn.png").is_file()


def test_pictures_of_one_name_have_different_outputs(folder: Path):
    for name in ("a.jpg", "a.png", "a-2.png", "deeper/a.png"):
        Path("photos", name).parent.mkdir(parents=True, exist_ok=True)
        Path("photos", name).touch()
    found = pictures_of(Path("photos"), "2", nested=True, without=Path("out"))
    assert list(found) == [
        ("a-2.png", "a-2-2.png"),
        ("a.jpg", "a-2.png"),
        ("a.png", "a-2-3.png"),
        ("deeper/a.png", "deeper/a-2.png"),
    ]


def test_finished_pictures_are_kept(photos: Path, two_styles: str):
    first = painted(two_styles)
    before = Path("out/a-dawn.png").stat().st_mtime_ns
    second = painted(two_styles)
    assert [each.status for each in second] == ["kept", "kept", "failed"]
    assert Path("out/a-dawn.png").stat().st_mtime_ns == before
    assert [each.sha256.get("content") for each in second] == [each.sha256.get("content") for each in first]
    assert len(manifest()) == 3


def test_what_changes_the_picture_paints_it_again(photos: Path, two_styles: str):
    def again(**changes: object) -> list[str]:
        return [each.status for each in painted(two_styles, **changes)][:2]

    assert again() == ["painted", "painted"]
    with PIL.Image.open("wave.png") as wave:
        wave.save("photos/b.png")
    assert again() == ["kept", "painted"], "another content"
    whole = Path("out/a-dawn.png").read_bytes()
    Path("out/a-dawn.png").write_bytes(whole[: len(whole) // 2])
    assert again() == ["painted", "kept"], "a file cut short"
    Path("out/b-dawn.png").write_bytes(Path("cat.png").read_bytes())
    assert again() == ["kept", "painted"], "a picture that we did not paint"
    assert again(strength=0.5) == ["painted", "painted"], "another setting"
    write_two_styles(Path(two_styles), seed=1)
    assert again(strength=0.5) == ["painted", "painted"], "another network of the same name"
    Path(two_styles).rename("moved.safetensors")
    two_styles = "moved.safetensors"
    assert again(strength=0.5) == ["kept", "kept"], "the same network elsewhere"


def test_what_is_painted_from_is_never_painted_over(folder: Path, two_styles: str):
    for path in ("photos/a.png", "out/a-dawn.png"):
        Path(path).parent.mkdir()
        with PIL.Image.open("cat.png") as cat:
            cat.save(path)
    before = Path("out/a-dawn.png").read_bytes()
    Path("mask.png").symlink_to("out/a-dawn.png")
    (outcome,) = painted(two_styles, masks=["mask.png"])
    assert outcome.status == "failed" and "one of the pictures painted from" in outcome.error
    assert Path("out/a-dawn.png").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "gatys"}, "gatys does not paint in one pass; choose one of johnson"),
        ({"style": "noon"}, "'noon', which this network has not learnt"),
        ({"folder": "nope"}, "there is no folder nope"),
        ({"folder": "empty"}, "empty holds no picture"),
        ({"output": "photos"}, "would lie among the photos"),
        ({"output": ".", "nested": True}, "would lie among the photos"),
        ({"output": "cat.png"}, "cat.png is a file"),
        ({"masks": ["cat.png", "cat.png"]}, "2 masks for 1 styles"),
        ({"style_blend": (1.0, 2.0)}, "2 values for 1 styles"),
        ({"steps": 3}, "there is no setting 'steps'"),
        ({"engine": "spark"}, "choose one of local, ray"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_what_would_fail_for_every_picture_is_refused_at_once(
    photos: Path, two_styles: str, changes: dict[str, object], words: str
):
    Path("empty").mkdir()
    given = {"folder": "photos", "style": "dawn", "output": "out", "method": "multistyle"} | changes
    given |= {} if given["method"] == "gatys" else {"model": two_styles}
    with pytest.raises((InputError, SettingError), match=words) as refusal:
        impasto.stylize_folder(**given)
    assert "\n" not in str(refusal.value)
    assert not Path("out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_run_that_was_killed_goes_on(photos: Path, two_styles: str):
    with PIL.Image.open("cat.png") as cat:
        for number in range(60):
            cat.resize((200, 150)).save(photos / f"many{number:02}.png")
    options = f"'photos', 'dawn', 'out', method='multistyle', model={two_styles!r}"
    program = f"import impasto; [0 for _ in impasto.stylize_folder({options})]"
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while len(list(Path("out").glob("many*.png"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = manifest()
    assert 3 <= len(rows) < 63, "every line that a killed run leaves is whole"
    kept = {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*-dawn.png")}
    outcomes = painted(two_styles)
    assert [each.status for each in outcomes].count("kept") == len(kept)
    assert all(Path("out", name).stat().st_mtime_ns == time_ns for name, time_ns in kept.items())
    assert len(list(Path("out").glob("*-dawn.png"))) == len(outcomes) - 1 == 62


@pytest.mark.skipif(sys.platform == "win32", reason="resource is of Unix")
def test_memory_does_not_grow_with_the_folder(folder: Path, two_styles: str):
    photos = folder / "photos"
    photos.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    for number in range(50):
        PIL.Image.fromarray(pixels + np.uint8(number)).save(photos / f"{number:03}.png", compress_level=0)
    high = []
    for outcome in impasto.stylize_folder(photos, "dawn", "out", method="multistyle", model=two_styles, size=8):
        assert outcome.status == "painted"
        high.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    # 40 photos would be 19 MB
    assert high[-1] - high[9] < 8 * 1024
