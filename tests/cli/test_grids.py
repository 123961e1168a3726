"""`impasto layers` and `impasto sheet`: grids of the size they should have, and their JSON."""

import json
from pathlib import Path

import pytest

from impasto.cli import main
from impasto.image import read_image


def test_layers(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--size", "32", "--steps", "2", "--json"]
    assert main(["layers", "content", "cat.png", *words]) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert list(answer["layers"]) == ["relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"]
    assert answer["steps"] == 10 and answer["output"] == "cat-content.png"
    assert captured.err.startswith("cat-content.png: ") and "5 pictures, 10 steps" in captured.err
    grid = read_image("cat-content.png")
    assert [grid.width, grid.height] == answer["size"] and grid.recipe == answer["recipe"]


def test_layers_of_choice_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]):
    words = ["layers", "style", "wave.png", "--layers", "relu2_2", "--layers", "relu3_1", "-o", "-"]
    assert main([*words, "--size", "32", "--steps", "1", "--pooling", "max", "--seed", "3"]) == 0
    recipe = read_image(capfdbinary.readouterr().out).recipe
    assert recipe["layers"] == ["relu2_2", "relu3_1"] and recipe["kind"] == "style"
    assert recipe["settings"]["pooling"] == "max" and recipe["settings"]["seed"] == 3


def test_sheet(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ["sheet", "cat.png", "-s", "wave.png", "poppies.png", "--strengths", "0.5", "2", "--steps", "1"]
    assert main([*words, "--size", "32", "-o", "all.png", "--content-weight", "0.5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(cell["style"], cell["strength"], cell["size"]) for cell in answer["cells"]] == [
        ("wave.png", 0.5, 32),
        ("wave.png", 2.0, 32),
        ("poppies.png", 0.5, 32),
        ("poppies.png", 2.0, 32),
    ]
    assert all(cell["steps"] == 1 and cell["losses"]["total"] > 0 for cell in answer["cells"])
    assert all(cell["seconds"] > 0 and cell["seed"] == 0 for cell in answer["cells"])
    grid = read_image("all.png")
    assert [grid.width, grid.height] == answer["size"]
    assert grid.recipe["strengths"] == [0.5, 2.0] and grid.recipe["settings"]["content_weight"] == 0.5
