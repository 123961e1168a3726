"""Painting in one pass: strength, blends, regions, colours and any size, and the recipe that paints it again."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.errors import ImpastoError, SettingError
from impasto.image.io import read_image
from impasto.methods import METHODS
from impasto.methods.adain import AdainSettings, Decoder, decoder_of
from impasto.methods.johnson import Johnson, JohnsonSettings
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.methods.prediction import STATISTICS, Prediction, PredictionSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.reproduce import reproduce
from impasto.verbs.stylize import stylize
from impasto.weights.model import Card, write_model

SMALL = {"base_channels": 4, "num_blocks": 1, "style_size": 48}
METHODS_AND_STYLES = ["johnson", "multistyle", "adain", "prediction"]


def write(method: str, path: Path) -> Path:
    """Write a network that nothing has trained, but whose styles differ."""
    torch.manual_seed(1)
    settings, styles = {
        "johnson": (JohnsonSettings(**SMALL), ("a",)),
        "multistyle": (MultistyleSettings(**SMALL), ("a", "b")),
        "adain": (AdainSettings(base_channels=4, style_size=48, encoded_colors=True), ()),
        "prediction": (PredictionSettings(**SMALL), ()),
    }[method]
    network = {
        "johnson": lambda: Johnson(4, 1), "multistyle": lambda: Multistyle(2, 4, 1),
        "adain": lambda: decoder_of(AdainSettings(base_channels=4, encoded_colors=True)),
        "prediction": lambda: Prediction(4, 1),
    }[method]()  # fmt: skip
    with torch.no_grad():
        if isinstance(network, Multistyle):
            network.rows += 0.5 * torch.randn_like(network.rows)
        if isinstance(network, Prediction):
            network.standardise(torch.rand(4, STATISTICS) * 2)
        if isinstance(network, Decoder):
            for parameter in network.parameters():
                parameter.mul_(2)
    write_model(path, network.state_dict(), Card(method, asdict(settings), styles))
    return path


def styles_for(method: str, painting: Tensor, other_painting: Tensor) -> list:
    return ["a", "b"] if METHODS[method].named_styles else [painting, other_painting]


@pytest.fixture(params=METHODS_AND_STYLES)
def method(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def settings(method: str, tmp_path: Path) -> OnePassSettings:
    return OnePassSettings(model=str(write(method, tmp_path / "model.safetensors")), precision="fp32", device="cpu")


def pixels(result: object) -> np.ndarray:
    return result.image.pixels / np.iinfo(result.image.pixels.dtype).max


def test_a_picture_of_any_size_keeps_it(method: str, settings: OnePassSettings, photo, painting, other_painting):
    style = styles_for(method, painting, other_painting)[:1]
    for height, width in ((40, 48), (37, 31), (9, 40)):
        result = stylize(photo[..., :height, :width], style, method=method, settings=settings)
        assert (result.image.height, result.image.width) == (height, width)
    larger = stylize(photo, style, method=method, settings=settings, size=72)
    assert (larger.image.height, larger.image.width) == (60, 72)


def test_less_strength_is_nearer_to_the_photo(
    method: str, settings: OnePassSettings, photo, painting, other_painting
):
    style = styles_for(method, painting, other_painting)[:1]
    none, some, all_of_it = (
        pixels(stylize(photo, style, method=method, settings=settings, strength=strength))
        for strength in (0.0, 0.5, 1.0)
    )
    assert np.abs(none - all_of_it).mean() > 0.002
    assert np.abs(some - none).mean() < np.abs(all_of_it - none).mean()
    if method == "johnson":
        assert np.abs(none - photo[0].permute(1, 2, 0).numpy()).max() < 1 / 255


def test_a_region_has_its_own_style_and_strength(photo, painting, other_painting, tmp_path: Path):
    """With a norm over the whole picture a region is not as if it were alone, but one style's share is its own."""
    settings = OnePassSettings(model=str(write("multistyle", tmp_path / "m.safetensors")), precision="fp32")
    left = np.zeros((40, 48), np.uint8)
    left[:, :24] = 255
    both = stylize(photo, ["a", "b"], method="multistyle", settings=settings, masks=[left, 255 - left])
    swapped = stylize(photo, ["b", "a"], method="multistyle", settings=settings, masks=[255 - left, left])
    assert np.array_equal(pixels(both), pixels(swapped))
    alone = stylize(photo, ["a"], method="multistyle", settings=settings, masks=[left])
    split = replace(settings, style_strengths=(1.0, 0.0))
    same = stylize(photo, ["a", "b"], method="multistyle", settings=split, masks=[left, 255 - left])
    assert np.abs(pixels(alone) - pixels(same)).max() <= 1 / 255
    assert np.abs(pixels(alone) - pixels(both))[:, 30:].mean() > 0.005


def test_a_blend_of_one_is_that_style(photo, tmp_path: Path):
    settings = OnePassSettings(model=str(write("multistyle", tmp_path / "m.safetensors")), precision="fp32")
    one = stylize(photo, ["a", "b"], method="multistyle", settings=settings, style_blend=(0.0, 2.0))
    assert (
        np.abs(pixels(one) - pixels(stylize(photo, "b", method="multistyle", settings=settings))).max() <= 1 / 255
    )


def test_the_photo_keeps_its_colours(method: str, settings: OnePassSettings, photo, painting, other_painting):
    style = styles_for(method, painting, other_painting)[:1]
    grey = photo.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    kept = pixels(stylize(grey, style, method=method, settings=settings, colors="luminance"))
    assert np.ptp(kept, axis=2).mean() < 0.01
    if METHODS[method].named_styles:
        linear = pixels(stylize(photo, style, method=method, settings=settings, colors="linear"))
        wanted = photo[0].permute(1, 2, 0).numpy()
        assert np.abs(linear.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 0.03


def test_its_recipe_paints_it_again(
    method: str, settings: OnePassSettings, photo, painting, other_painting, tmp_path
):
    for name, picture in (("photo", photo), ("one", painting)):
        stylized = read_image(picture)
        from impasto.image.io import write_image

        write_image(stylized, tmp_path / f"{name}.png")
    style = ["a"] if METHODS[method].named_styles else [tmp_path / "one.png"]
    result = stylize(tmp_path / "photo.png", style, method=method, settings=settings)
    result.image.save(tmp_path / "painted.png")
    again = reproduce(tmp_path / "painted.png")
    assert again.identical and not again.warnings
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ImpastoError, match=r"missing: the network model\.safetensors"):
        reproduce(tmp_path / "painted.png")


@pytest.mark.parametrize(
    ("method", "style", "changes", "message"),
    [
        ("multistyle", ["c"], {}, "style is 'c', which this network has not learnt; choose from a, b"),
        ("multistyle", ["a", "b"], {"style_strengths": (1.0,)}, "style_strengths has 1 values for 2 styles"),
        ("multistyle", ["a"], {"strength": 1.5}, "strength is 1.5; allowed are values from 0 to 1"),
        ("multistyle", ["a"], {"steps": 3}, "there is no setting 'steps'"),
        ("johnson", ["b"], {}, "this network has learnt a alone"),
    ],
)
def test_refusals(photo, tmp_path: Path, method: str, style: list[str], changes: dict, message: str):
    settings = OnePassSettings(model=str(write(method, tmp_path / "m.safetensors")))
    with pytest.raises(SettingError, match=message):
        stylize(photo, style, method=method, settings=settings, **changes)


def test_a_network_for_another_method(photo, tmp_path: Path):
    settings = OnePassSettings(model=str(write("johnson", tmp_path / "m.safetensors")))
    with pytest.raises(SettingError, match="is a network for johnson, not for multistyle; choose method johnson"):
        stylize(photo, ["a"], method="multistyle", settings=settings)
