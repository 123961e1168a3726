"""`impasto reproduce`: the same pixels, or why not."""

import json
from pathlib import Path

import numpy as np
import pytest

from impasto.cli import main
from impasto.image import Image, read_image, write_image

PAINT = ("stylize", "cat.png", "--style", "wave.png", "--size", "32", "--steps", "2")


def test_identical_pixels(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*PAINT, "-o", "painted.png"]) == 0
    capsys.readouterr()
    assert main(["reproduce", "painted.png", "--json"]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["identical"] is True and answer["max_difference"] == 0 and answer["warnings"] == []
    assert np.array_equal(read_image("painted.png").pixels, read_image(answer["output"]).pixels)
    assert answer["output"] == "painted-again.png"
    assert captured.err.startswith("painted-again.png: identical, every pixel; ")


def test_a_changed_picture_is_told_apart(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*PAINT, "-o", "painted.png"]) == 0
    painted = read_image("painted.png")
    pixels = painted.pixels.copy()
    pixels[0, 0, 0] ^= 8
    write_image(Image(pixels, recipe=painted.recipe), "edited.png")
    capsys.readouterr()
    assert main(["reproduce", "edited.png", "-o", "new.png"]) == 0
    assert "new.png: not identical: of 255 levels it differs by 8 at most" in capsys.readouterr().err


def test_what_is_missing_is_named(folder: Path, refused, capsys: pytest.CaptureFixture[str]):
    assert main([*PAINT, "-o", "painted.png"]) == 0
    digest = read_image("wave.png").sha256
    (folder / "elsewhere").mkdir()
    Path("wave.png").rename("elsewhere/renamed.png")
    line = refused("reproduce", "painted.png")
    assert f"missing: wave.png (sha256 {digest}); looked in " in line
    assert main(["reproduce", "painted.png", "--search", "elsewhere"]) == 0
    assert "identical" in capsys.readouterr().err


def test_warnings_are_lines(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main([*PAINT, "-o", "painted.png"]) == 0
    painted = read_image("painted.png")
    recipe = dict(painted.recipe) | {"versions": painted.recipe["versions"] | {"torch": "1.0.0"}}
    write_image(Image(painted.pixels, recipe=recipe), "older.png")
    capsys.readouterr()
    assert main(["reproduce", "older.png"]) == 0
    warning, report = capsys.readouterr().err.splitlines()
    assert warning.startswith("impasto: warning: painted with torch 1.0.0, here it is ")
    assert "identical" in report
