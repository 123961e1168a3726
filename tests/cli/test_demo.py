"""`impasto demo`: it paints, makes its folder and says last where the picture lies."""

import json
from pathlib import Path

import pytest

from impasto.cli import main
from impasto.image import read_image

QUICK = ("--size", "32", "--steps", "1")


def test_demo_prints_where_the_picture_lies(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["demo", *QUICK]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{folder.resolve() / 'out' / 'demo.png'}\n"
    assert captured.err.startswith("out/demo.png: 32×")
    assert read_image("out/demo.png").recipe["inputs"]["style"][0]["name"] == "great_wave.jpg"


def test_demo_json(capsys: pytest.CaptureFixture[str]):
    assert main(["demo", *QUICK, "-o", "new/wave.jpg", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == "new/wave.jpg"
    assert Path("new/wave.jpg").exists()
