"""Generators in strips: what they make of whole pictures, statistics included."""

from collections.abc import Callable

import pytest
import torch

from impasto.methods.pix2pixhd import LocalEnhancer, halved, halved_in_strips
from impasto.methods.spade import SpadeGenerator
from impasto.methods.stargan import DomainGenerator, KeepingGenerator
from impasto.nn import planes, strips, translate
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.strips import Source, strips_of
from impasto.nn.translate import Generator
from impasto.nn.unet import UNet

MAKERS: dict[str, Callable[[], Generator]] = {
    "unet": lambda: UNet(3, 3, 4, 6, dropout=False),
    "unet of seven, instance norm, resized": lambda: UNet(3, 1, 4, 7, "instance", False, "resize"),
    "unet without norm": lambda: UNet(4, 3, 4, 5, "none", False),
    "resnet": lambda: ResnetGenerator(3, 3, 4, 2),
    "resnet, batch norm, resized": lambda: ResnetGenerator(3, 3, 4, 2, "batch", upsampling="resize"),
    "resnet, antialiased": lambda: ResnetGenerator(3, 3, 4, 2, antialiased=True),
    "resnet of four": lambda: ResnetGenerator(5, 3, 4, 1, num_downs=4),
    "spade": lambda: SpadeGenerator(5, 4, 5),
    "spade of six": lambda: SpadeGenerator(5, 2),
    "spade that draws looks": lambda: SpadeGenerator(5, 4, 5, style_channels=8),
    "spade, running statistics": lambda: SpadeGenerator(5, 4, 5, statistics="running"),
    "enhancer, resized": lambda: LocalEnhancer(
        ResnetGenerator(5, 3, 4, 1, num_downs=2, upsampling="resize"), 5, 3, 1, "resize"
    ),
    "domains": lambda: DomainGenerator(2, 4, 2),
    "domains, kept elsewhere": lambda: KeepingGenerator(DomainGenerator(2, 4, 2, out_channels=4)),
    "domains, a unet, kept elsewhere": lambda: KeepingGenerator(UNet(5, 4, 4, 5, "instance", False, "resize")),
    "enhancer": lambda: LocalEnhancer(ResnetGenerator(5, 3, 4, 1, num_downs=2), 5, 3, 2),
}


def lively(generator: Generator) -> Generator:
    """Draw scales and shifts that are not those a network begins with."""
    for name, parameter in generator.named_parameters():
        if name.endswith("weight") and parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 1, 0.3)
        elif parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 0, 0.3)
    return generator.eval()


@pytest.fixture(params=[False, True], ids=["in memory", "in files"])
def small_strips(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "VALUES", 4000)
    monkeypatch.setattr(translate, "WHOLE", 0)
    if request.param:
        monkeypatch.setattr(planes, "IN_MEMORY", 1000)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("size", [(256, 128), (203, 149), (64, 64)])
@torch.no_grad()
def test_strips_are_the_whole(name: str, size: tuple[int, int], small_strips: None):
    torch.manual_seed(0)
    generator = lively(MAKERS[name]())
    channels = 5 if isinstance(generator, SpadeGenerator) else next(generator.parameters()).shape[1]
    picture = torch.rand(1, channels, *size) * 2 - 1
    torch.manual_seed(1)
    whole = translate.translate_whole(generator, picture)
    torch.manual_seed(1)
    pieces = translate.translate(generator, picture)
    torch.testing.assert_close(pieces, whole, atol=2e-5, rtol=0)
    assert whole.std() > 0.01


@torch.no_grad()
def test_noise_of_a_unet_is_that_of_the_whole(small_strips: None):
    """It is in its small layers, which are computed whole."""
    torch.manual_seed(0)
    generator = lively(UNet(3, 3, 4, 7))
    picture = torch.rand(1, 3, 256, 128) * 2 - 1
    made = []
    for function in (translate.translate_whole, translate.translate, translate.translate):
        torch.manual_seed(len(made) // 2)
        made.append(function(generator, picture))
    torch.testing.assert_close(made[1], made[0], atol=2e-5, rtol=0)
    assert (made[2] - made[1]).abs().max() > 1e-3


@torch.no_grad()
def test_the_half_of_a_picture(small_strips: None):
    picture = torch.rand(1, 2, 120, 36)
    source = Source(lambda top, bottom: picture[:, :, top:bottom], 2, 120, 36)
    half = halved_in_strips(source)
    pieces = torch.cat([half.read(top, bottom) for top, bottom in strips_of(half)], dim=2)
    torch.testing.assert_close(pieces, halved(picture), atol=1e-6, rtol=0)
