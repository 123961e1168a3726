"""A sheet: every combination, each the picture that `stylize` paints with the same settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import impasto
from impasto.errors import SettingError
from impasto.image import read_image
from impasto.methods.gatys import GatysSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.sheet import Cell, sheet, step_costs

QUICK = GatysSettings(steps=1, coarse_steps=1, coarse_size=32, style_weight=3.0)


def test_every_cell_is_what_stylize_paints(folder: Path):
    result = sheet("cat.png", ["wave.png", "poppies.png"], strengths=[0.5, 2], sizes=[32, 40], settings=QUICK)
    assert list(result.cells) == [
        Cell(style, strength, size, 0) for style in (0, 1) for size in (32, 40) for strength in (0.5, 2.0)
    ]
    for cell in (Cell(0, 0.5, 32, 0), Cell(1, 2.0, 40, 0)):
        settings = replace(QUICK, style_weight=3 * cell.strength, size=cell.size)
        alone = impasto.stylize("cat.png", ["wave.png", "poppies.png"][cell.style], settings=settings)
        assert np.array_equal(alone.image.pixels, result.cells[cell].image.pixels)
        assert alone.recipe == result.cells[cell].recipe
    assert result.trace == [losses for painted in result.cells.values() for losses in painted.trace]


def test_the_grid_goes_from_photo_to_painting(folder: Path):
    result = sheet("cat.png", "wave.png", strengths=[1], sizes=[48], settings=QUICK)
    photo, painting = read_image("cat.png").pixels, read_image("wave.png").pixels
    painted = next(iter(result.cells.values())).image.pixels
    sheet_pixels = result.image.pixels
    corners = [
        (x, y)
        for y in range(sheet_pixels.shape[0] - 36)
        for x in range(40)
        if np.array_equal(sheet_pixels[y : y + 36, x : x + 48], photo)
    ]
    ((left, top),) = corners
    for column, picture in enumerate((photo, painted, painting)):
        x = left + column * (48 + 6)
        assert np.array_equal(sheet_pixels[top : top + 36, x : x + 48], picture)


def test_one_progress_over_all(folder: Path):
    steps, sheets = [], []
    result = sheet(
        "cat.png",
        "wave.png",
        strengths=[1],
        seeds=[1, 2, 3],
        settings=replace(QUICK, size=48),
        on_step=lambda step: steps.append((step.index, step.total)),
        on_cell=sheets.append,
    )
    assert steps == [(index, 6) for index in range(1, 7)]
    assert [len(partial.cells) for partial in sheets] == [1, 2]
    assert [partial.recipe["interrupted"]["cell"] for partial in sheets] == [1, 2]
    assert all(partial.image.pixels.shape == result.image.pixels.shape for partial in sheets)
    assert result.recipe["seeds"] == [1, 2, 3] and result.recipe["sizes"] == [48]
    assert "interrupted" not in result.recipe


def test_a_combination_asked_for_twice_is_painted_once(folder: Path):
    result = sheet("cat.png", "wave.png", strengths=[1, 1], sizes=[32], settings=QUICK)
    assert len(result.cells) == 1


def test_one_pass_has_strengths_for_columns(folder: Path):
    result = sheet("cat.png", ["udnie", "the_scream"], method="multistyle", settings=OnePassSettings(size=40))
    assert list(result.cells) == [Cell(style, strength, 40, 0) for style in (0, 1) for strength in (0.4, 0.7, 1.0)]
    alone = impasto.stylize("cat.png", "the_scream", method="multistyle", size=40, strength=0.7)
    cell = result.cells[Cell(1, 0.7, 40, 0)]
    assert np.array_equal(alone.image.pixels, cell.image.pixels) and alone.recipe == cell.recipe
    assert result.recipe["styles"] == ["udnie", "the_scream"] and result.recipe["seeds"] == []
    result.image.save("sheet.png")
    assert impasto.reproduce("sheet.png").identical


def test_one_pass_after_paintings(folder: Path):
    result = sheet("cat.png", ["wave.png"], method="prediction", strengths=[1], sizes=[32, 40])
    assert list(result.cells) == [Cell(0, 1.0, 32, 0), Cell(0, 1.0, 40, 0)]
    assert list(result.recipe["weights"]) == ["prediction.safetensors"]


@pytest.mark.parametrize(
    "settings",
    [QUICK, replace(QUICK, size=64), GatysSettings(size=40, steps=2, coarse_steps=3, coarse_size=16)],
)
def test_step_costs_are_those_that_are_taken(settings: GatysSettings, folder: Path):
    taken: list[int] = []
    impasto.stylize(
        "cat.png", "wave.png", settings=settings, on_step=lambda step: taken.append(step.image[0, 0].numel())
    )
    assert step_costs(read_image("cat.png"), settings) == taken


@pytest.mark.parametrize(
    ("choices", "wanted"),
    [
        ({"strengths": []}, "at least one style and one strength"),
        ({"strengths": [float("nan")]}, "strength is nan"),
        ({"sizes": [5]}, "size is 5"),
        ({"seeds": [-1]}, "seed is -1"),
        ({"method": "magic", "sizes": [32]}, "method is 'magic'"),
        ({"method": "prediction", "seeds": [1]}, "but prediction draws nothing"),
        ({"method": "prediction", "strengths": [2]}, "strength is 2"),
        ({"method": "prediction", "settings": QUICK}, "prediction takes OnePassSettings"),
    ],
)
def test_refusals_come_before_painting(choices: dict, wanted: str, folder: Path):
    with pytest.raises(SettingError, match=wanted):
        sheet("cat.png", "wave.png", **choices, on_step=lambda step: pytest.fail("painted"))
