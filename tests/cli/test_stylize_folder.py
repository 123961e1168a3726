"""`impasto stylize FOLDER` in one pass: what is said of many pictures, and what is refused."""

import json
from pathlib import Path

import PIL.Image
import pytest

from impasto.cli import main
from impasto.image import read_image

ONE_PASS = ("--method", "multistyle", "--model", "model.safetensors", "--style", "dawn")


@pytest.fixture(autouse=True)
def photos(folder: Path, two_styles: str) -> Path:
    """Two pictures and a broken one; one more in a folder within."""
    photos = folder / "photos"
    (photos / "deeper").mkdir(parents=True)
    with PIL.Image.open("cat.png") as cat:
        for name in ("a.png", "b.png", "deeper/c.png"):
            cat.save(photos / name)
    (photos / "broken.jpg").write_bytes(b"not a jpeg")
    return photos


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str]]:
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


def test_a_folder(photos: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["stylize", "photos", *ONE_PASS, "--size", "32", "--json"]) == 2
    out, lines = said(capsys)
    answer = json.loads(out)
    assert answer == {
        "output": "photos-dawn",
        "manifest": "photos-dawn/manifest.jsonl",
        "painted": 2,
        "kept": 0,
        "failed": 1,
        "seconds": answer["seconds"],
    }
    assert lines[0].startswith("impasto: broken.jpg is not a picture")
    assert lines[1].startswith("photos-dawn: 2 painted, ")
    assert lines[2] == (
        "impasto: 1 of 3 pictures could not be painted; they are named in photos-dawn/manifest.jsonl"
    )
    assert len(lines) == 3
    assert sorted(path.name for path in Path("photos-dawn").iterdir()) == [
        "a-dawn.png",
        "b-dawn.png",
        "manifest.jsonl",
    ]
    assert read_image("photos-dawn/a-dawn.png").width == 32
    (photos / "broken.jpg").unlink()
    assert main(["stylize", "photos", *ONE_PASS, "--size", "32"]) == 0
    (line,) = said(capsys)[1]
    assert line.startswith("photos-dawn: 0 painted, 2 kept that were finished before, ")


def test_folders_within(photos: Path):
    (photos / "broken.jpg").unlink()
    assert main(["stylize", "photos", "--nested", *ONE_PASS, "-o", "new/painted"]) == 0
    assert Path("new/painted/deeper/c-dawn.png").is_file()


def test_several_contents_are_painted_as_ever(capsys: pytest.CaptureFixture[str]):
    assert main(["stylize", "cat.png", "poppies.png", *ONE_PASS, "-o", "out", "--json"]) == 0
    answer = json.loads(said(capsys)[0])
    assert [each["output"] for each in answer["pictures"]] == ["out/cat-dawn.png", "out/poppies-dawn.png"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("cat.png", "--engine", "ray"), "are for one folder"),
        (("cat.png", "--nested"), "are for one folder"),
        (("photos", "--preview"), "leave it out"),
        (("photos", "-o", "-"), "stands for one picture"),
        (("photos", "-o", "out.png"), "names one picture"),
        (("photos", "-o", "photos"), "among the photos"),
        (("photos", "--engine", "spark"), "spark"),
    ],
)
def test_refusals(words: tuple[str, ...], wanted: str, refused):
    assert wanted in refused("stylize", *words, *ONE_PASS)


def test_a_method_in_many_steps_has_no_engine(refused):
    assert "--engine" in refused("stylize", "photos", "--style", "wave.png", "--engine", "ray")
