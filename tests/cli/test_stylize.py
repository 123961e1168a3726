"""`impasto stylize` that paints: what comes out, where it goes, and what is said about it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from impasto.cli import main
from impasto.image import read_image

from .conftest import impasto

STYLE = ("--style", "wave.png")
QUICK = ("--size", "32", "--steps", "1")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str]]:
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


def test_one_picture(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["stylize", "cat.png", *STYLE, "--steps", "2", "--coarse-size", "64"]) == 0
    out, lines = said(capsys)
    painted = read_image("cat-wave.png")
    assert (painted.width, painted.height) == (64, 48)
    assert painted.recipe["inputs"]["content"] == {"name": "cat.png", "sha256": read_image("cat.png").sha256}
    assert out == "" and len(lines) == 1
    assert lines[0].startswith("cat-wave.png: 64×48, 2 steps, ") and lines[0].endswith(" s")


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]):
    assert main(["stylize", "cat.png", *STYLE, *QUICK, "--content-weight", "0.5", "-o", "new.jpg", "--json"]) == 0
    out, lines = said(capsys)
    answer = json.loads(out)
    assert answer.keys() == {"output", "size", "steps", "seconds", "losses", "recipe"}
    assert answer["output"] == "new.jpg" and answer["size"] == [32, 24] and answer["steps"] == 1
    assert answer["losses"].keys() == {"content", "style", "tv", "total"}
    assert answer["recipe"]["settings"]["content_weight"] == 0.5
    assert answer["recipe"] == read_image("new.jpg").recipe
    assert lines == [f"new.jpg: 32×24, 1 steps, {lines[0].split(', ')[-1]}"]


def test_an_existing_output_is_replaced_and_a_folder_gets_the_usual_name(folder: Path):
    Path("old.png").write_text("earlier")
    Path("out").mkdir()
    assert main(["stylize", "cat.png", *STYLE, *QUICK, "-o", "old.png"]) == 0
    assert main(["stylize", "cat.png", *STYLE, "poppies.png", *QUICK, "-o", "out"]) == 0
    assert read_image("old.png").recipe["verb"] == "stylize"
    assert [path.name for path in Path("out").iterdir()] == ["cat-wave-poppies.png"]


def test_standard_input_and_output(folder: Path):
    photo = Path("cat.png").read_bytes()
    done = impasto("stylize", "-", *STYLE, *QUICK, stdin=photo)
    assert done.returncode == 0
    painted = read_image(done.stdout)
    assert done.stdout.startswith(b"\x89PNG") and (painted.width, painted.height) == (32, 24)
    assert painted.recipe["inputs"]["content"] == {
        "name": "standard input",
        "sha256": read_image("cat.png").sha256,
    }
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("standard output: 32×24, 1 steps")
    assert sorted(path.name for path in folder.iterdir()) == ["cat.png", "poppies.png", "wave.png"]


@pytest.mark.parametrize(("data", "wanted"), [(b"", "is empty"), (b"no picture at all", "is not a picture")])
def test_standard_input_without_a_picture(data: bytes, wanted: str, monkeypatch: pytest.MonkeyPatch, refused):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert f"standard input {wanted}" in refused("stylize", "-", *STYLE, "-o", "out.png")


def test_a_file_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]):
    assert main(["stylize", "cat.png", *STYLE, *QUICK, "-o", "-"]) == 0
    with Pillow.open(io.BytesIO(capfdbinary.readouterr().out)) as painted:
        assert painted.size == (32, 24)


def test_a_folder_goes_on_after_a_broken_file(folder: Path, capsys: pytest.CaptureFixture[str]):
    photos = folder / "photos"
    (photos / "deeper").mkdir(parents=True)
    for name in ("b.png", "a.png", "deeper/c.png"):
        (photos / name).write_bytes(Path("cat.png").read_bytes())
    (photos / "broken.jpg").write_bytes(b"not a jpeg")
    (photos / "notes.txt").write_text("not a picture")
    (photos / ".hidden.png").write_bytes(b"")
    assert main(["stylize", "photos", *STYLE, *QUICK, "--json"]) == 2
    out, lines = said(capsys)
    answer = json.loads(out)
    assert [each["output"] for each in answer["pictures"]] == ["photos-wave/a-wave.png", "photos-wave/b-wave.png"]
    assert [each["content"] for each in answer["failures"]] == ["photos/broken.jpg"]
    assert "broken.jpg is not a picture" in answer["failures"][0]["error"]
    assert sorted(path.name for path in Path("photos-wave").iterdir()) == ["a-wave.png", "b-wave.png"]
    assert lines[2].startswith("impasto: photos/broken.jpg is not a picture")
    assert lines[-1] == "impasto: 1 of 3 pictures could not be painted; they are named above"


def test_several_files_into_a_folder_that_is_made(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "more").mkdir()
    (folder / "more" / "cat.png").write_bytes(Path("cat.png").read_bytes())
    words = ["stylize", "cat.png", "more/cat.png", "poppies.png", *STYLE, *QUICK, "-o", "new/painted"]
    assert main(words) == 0
    names = ["cat-wave-2.png", "cat-wave.png", "poppies-wave.png"]
    assert sorted(path.name for path in Path("new/painted").iterdir()) == names
    assert len(said(capsys)[1]) == 3


def test_a_setting_that_fits_no_picture_is_said_once(folder: Path, refused):
    words = ("stylize", "cat.png", "poppies.png", *STYLE)
    assert "2 values for 1 styles" in refused(*words, "--style-blend", "1", "2")
    assert "nope.png does not exist" in refused(*words, "--init", "nope.png")


def test_a_picture_too_large_to_paint_whole_says_so(capsys: pytest.CaptureFixture[str]):
    Pillow.open("cat.png").resize((1040, 20)).save("long.png")
    assert main(["stylize", "long.png", *STYLE, "--steps", "1", "--coarse-size", "1024"]) == 0
    (line,) = said(capsys)[1]
    assert line.startswith("long-wave.png: 1040×20, 1 steps, ")
    assert line.endswith("; painted at 1024 px and enlarged; --size 1040 paints finer")


def test_grey_and_masks(folder: Path):
    Pillow.open("cat.png").convert("L").save("grey.png")
    assert main(["stylize", "grey.png", *STYLE, *QUICK, "-o", "a.png"]) == 0
    assert main(["stylize", "grey.png", *STYLE, *QUICK, "-o", "b.png", "--no-grey"]) == 0
    assert read_image("a.png").grey and not read_image("b.png").grey
    halves = np.zeros((8, 8), np.uint8)
    halves[:, :4] = 255
    Pillow.fromarray(halves).save("left.png")
    Pillow.fromarray(255 - halves).save("right.png")
    words = ["stylize", "cat.png", "-s", "wave.png", "-s", "poppies.png", "--masks", "left.png", "right.png"]
    assert main([*words, *QUICK, "-o", "c.png"]) == 0
    assert [each["name"] for each in read_image("c.png").recipe["inputs"]["masks"]] == ["left.png", "right.png"]


def test_previews(folder: Path):
    assert main(["stylize", "cat.png", *STYLE, *QUICK, "--preview"]) == 0
    assert sorted(path.name for path in folder.glob("*wave*")) == ["cat-wave.png", "wave.png"]
    assert main(["stylize", "cat.png", *STYLE, *QUICK, "--preview", "now.png"]) == 0
    assert (read_image("now.png").width, read_image("now.png").recipe) == (32, None)
