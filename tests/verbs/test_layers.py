"""The two classic experiments: one layer alone decides, and depth forgets."""

from pathlib import Path

import numpy as np
import pytest

import impasto
from impasto.errors import SettingError
from impasto.image import read_image
from impasto.methods.gatys import GatysSettings
from impasto.verbs.layers import LAYERS, classic_layers, layers


def cell(grid, index: int, columns: int, width: int, height: int) -> np.ndarray:
    """Cut a cell out of a grid with a line of labels below each row."""
    gap = 6
    below = (grid.height - gap) // -(-6 // columns) - height
    x, y = gap + index % columns * (width + gap), gap + index // columns * (height + below)
    return grid.pixels[y : y + height, x : x + width].astype(float)


def test_shallow_layers_give_the_pixels_back_and_deep_ones_do_not(folder: Path):
    result = layers("content", "cat.png", size=48, steps=60)
    original = read_image("cat.png").pixels.astype(float)
    assert np.array_equal(cell(result.image, 0, 3, 48, 36), original)
    apart = [np.abs(cell(result.image, index, 3, 48, 36) - original).mean() for index in range(1, 6)]
    assert apart[0] < 8
    assert apart[0] < apart[1] < apart[2] < apart[3]


def test_one_layer_alone_decides(folder: Path):
    content = layers("content", "cat.png", layers=["relu1_2"], size=32, steps=3)
    assert all(losses.keys() == {"content", "total"} for losses in content.trace)
    deep = layers("content", "cat.png", layers=["relu4_2"], size=32, steps=3)
    assert all(losses.keys() == {"content", "tv", "total"} for losses in deep.trace)
    style = layers("style", "wave.png", layers=["relu4_1"], size=32, steps=3)
    assert all(losses.keys() == {"style", "total"} for losses in style.trace)


@pytest.mark.parametrize("layer", ["relu2_2", "relu3_1", "relu4_1"])
def test_strokes_come_near_the_gram_matrix(layer: str, folder: Path):
    trace = layers("style", "wave.png", layers=[layer], size=48, steps=40).trace
    assert min(losses["style"] for losses in trace) < 0.1 * trace[0]["style"]


def test_the_classic_layers():
    assert classic_layers("style", "vgg19-imagenet") == LAYERS["style"]
    missing = set(LAYERS["style"]) - set(classic_layers("style", "vgg16"))
    assert missing == {"relu4_4", "relu5_4"}
    assert classic_layers("content", "vgg16") == LAYERS["content"]


def test_every_step_and_cell_is_reported(folder: Path):
    steps, cells = [], []
    result = layers(
        "style",
        "wave.png",
        layers=["relu2_2", "relu3_1", "relu3_2"],
        size=32,
        steps=2,
        on_step=lambda step: steps.append((step.index, step.total)),
        on_cell=cells.append,
    )
    assert steps == [(index, 6) for index in range(1, 7)] and len(result.trace) == 6
    assert [partial.recipe["interrupted"] for partial in cells] == [{"cell": 1, "of": 3}, {"cell": 2, "of": 3}]
    assert all(partial.image.pixels.shape == result.image.pixels.shape for partial in cells)
    assert "interrupted" not in result.recipe and result.image.recipe == result.recipe


def test_the_seed_decides(folder: Path):
    def painted(seed: int) -> np.ndarray:
        settings = GatysSettings(pooling="average", seed=seed)
        return layers("style", "wave.png", layers=["relu2_2"], size=32, steps=2, settings=settings).image.pixels

    assert np.array_equal(painted(1), painted(1)) and not np.array_equal(painted(1), painted(2))


def test_raising_cancels(folder: Path):
    with pytest.raises(KeyError):
        layers("style", "wave.png", size=32, steps=2, on_step=lambda step: {}["stop"])


@pytest.mark.parametrize(
    ("kind", "choices", "wanted"),
    [
        ("colour", {}, "kind is 'colour'; choose one of content, style"),
        ("style", {"layers": ["relu9"]}, "layer is 'relu9'; choose one of"),
        ("style", {"size": 3}, "size is 3"),
        ("style", {"steps": 0}, "steps is 0"),
    ],
)
def test_refusals(kind: str, choices: dict, wanted: str, folder: Path):
    with pytest.raises(SettingError, match=wanted):
        impasto.layers(kind, "wave.png", **choices)
