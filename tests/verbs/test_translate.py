"""Translating: any picture a network takes, of any size, the same again from its recipe."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.errors import InputError, SettingError, WeightsError
from impasto.image.io import read_image
from impasto.methods import pix2pixhd
from impasto.methods.pix2pix import Pix2PixSettings, card_of, generator_of
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.nn.translate import Generator
from impasto.nn.translate import translate as translate_any_size
from impasto.verbs.reproduce import reproduce
from impasto.verbs.translate import translate
from impasto.weights.model import Card, write_model


def model(path: Path, **changes: object) -> Path:
    """Write a generator whose output is far from grey."""
    settings = Pix2PixSettings(base_channels=2, num_downs=6, num_blocks=1, crop_size=64, load_size=64, **changes)
    torch.manual_seed(0)
    generator = generator_of(settings)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(10)
    write_model(path, generator.state_dict(), card_of(settings))
    return path


@pytest.mark.parametrize("generator", ["unet", "resnet"])
@pytest.mark.parametrize("size", [(32, 64), (33, 65), (5, 9), (100, 40), (1, 1)])
def test_any_size(generator: str, size: tuple[int, int], tmp_path: Path):
    network = model(tmp_path / "net.safetensors", generator=generator, dropout=False)
    picture = torch.rand(1, 3, *size)
    image = translate(network, picture, precision="fp32").image
    assert (image.height, image.width) == size and image.pixels.std() > 1


@pytest.mark.parametrize(
    ("channels", "shape"), [((1, 3), (32, 32, 3)), ((3, 1), (32, 32, 1)), ((4, 4), (32, 32, 3))]
)
def test_channels(channels: tuple[int, int], shape: tuple[int, ...], tmp_path: Path):
    network = model(tmp_path / "net.safetensors", in_channels=channels[0], out_channels=channels[1])
    pixels = (np.random.default_rng(0).random((32, 32, 4)) * 65535).astype(np.uint16)
    image = translate(network, pixels).image
    assert image.pixels.shape == shape and image.pixels.dtype == np.uint16
    assert (image.alpha is not None) == (channels[1] == 4)


def test_a_size(tmp_path: Path, folder: Path):
    network = model(tmp_path / "net.safetensors")
    image = translate(network, "cat.png", size=64).image
    assert max(image.height, image.width) == 64


def test_a_translation_is_reproduced(tmp_path: Path, folder: Path):
    """Noise and all, though the network lies elsewhere now."""
    network = model(tmp_path / "net.safetensors", num_layers=1)
    result = translate(network, "cat.png", seed=5)
    result.image.save("translated.png")
    network.rename(folder / "net.safetensors")
    again = reproduce("translated.png")
    assert again.identical and not again.warnings
    assert result.recipe["settings"]["seed"] == 5 and result.recipe["verb"] == "translate"
    Path("net.safetensors").unlink()
    with pytest.raises(InputError, match=r"missing: the network net\.safetensors"):
        reproduce("translated.png")


def test_refusals(tmp_path: Path, folder: Path):
    with pytest.raises(InputError, match="there is no model"):
        translate(tmp_path / "nowhere.safetensors", "cat.png")
    network = model(tmp_path / "net.safetensors")
    with pytest.raises(SettingError, match="there is no setting 'strength'; the settings of translate are size"):
        translate(network, "cat.png", strength=1)
    with pytest.raises(SettingError, match="noise is 2"):
        translate(network, "cat.png", noise=2)
    settings = Pix2PixSettings(base_channels=4)
    write_model(tmp_path / "wrong.safetensors", {"x": torch.zeros(1)}, card_of(settings))
    with pytest.raises(WeightsError, match="does not hold what it says"):
        translate(tmp_path / "wrong.safetensors", "cat.png")
    write_model(tmp_path / "painter.safetensors", {}, Card("johnson", asdict(settings)))
    with pytest.raises(WeightsError, match="is a network for johnson, which does not translate"):
        translate(tmp_path / "painter.safetensors", "cat.png")


def test_reflection_reaches_any_size():
    class Same(Generator):
        stride, smallest = 16, 64

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            assert picture.shape[-2:] == (64, 64)
            return picture

    for size in ((64, 64), (1, 5), (33, 64)):
        picture = torch.rand(1, 2, *size)
        assert torch.equal(translate_any_size(Same(), picture), picture)


def test_grey_and_transparent_pictures_are_read(tmp_path: Path, folder: Path):
    network = model(tmp_path / "net.safetensors")
    grey = read_image(np.full((32, 32), 100, np.uint8))
    assert translate(network, grey).image.pixels.shape == (32, 32, 3), "what was learnt is in colour"


def test_a_label_map_at_a_size(tmp_path: Path):
    """Resized to the nearest: no id comes out that was not there."""
    settings = Pix2PixHDSettings(base_channels=2, num_downs=1, num_blocks=1, classes=3)
    write_model(
        tmp_path / "net.safetensors", pix2pixhd.generator_of(settings).state_dict(), pix2pixhd.card_of(settings)
    )
    labels = np.zeros((20, 40), np.uint8)
    labels[:, 20:] = 2
    image = translate(tmp_path / "net.safetensors", labels, size=80, precision="fp32").image
    assert (image.height, image.width) == (40, 80)
    doubled = np.repeat(np.repeat(labels, 2, axis=0), 2, axis=1)
    assert np.array_equal(
        image.pixels, translate(tmp_path / "net.safetensors", doubled, precision="fp32").image.pixels
    )


def test_a_network_that_needs_its_encoder_is_refused_without(tmp_path: Path):
    settings = Pix2PixHDSettings(classes=3, base_channels=2, num_blocks=1, instance_features=2)
    tensors = pix2pixhd.generator_of(settings).state_dict()
    rest = {name: tensor for name, tensor in tensors.items() if not name.startswith("encoder.")}
    assert len(rest) < len(tensors)
    write_model(tmp_path / "damaged.safetensors", rest, pix2pixhd.card_of(settings))
    with pytest.raises(WeightsError, match="does not hold what it says"):
        translate(tmp_path / "damaged.safetensors", np.zeros((32, 32), np.uint8))
