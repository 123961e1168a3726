"""What goes wrong in trainings of one-pass styles is noticed, and what is right is not."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.training.one_pass_signs import one_pass_signs, stripes
from impasto.training.watchdog import Watchdog

Paint = Callable[[Tensor], Tensor]
NOISE = torch.Generator().manual_seed(0)


def wave(periods: float, strength: float, height: int = 128, width: int = 128) -> Tensor:
    places = torch.linspace(0, 2 * math.pi * periods, width).expand(height, -1)
    return (strength * places.sin()).expand(1, 3, -1, -1)


def striped(picture: Tensor) -> Tensor:
    return (picture + wave(20, 0.1, *picture.shape[-2:])).clamp(0, 1)


def drowned(picture: Tensor) -> Tensor:
    """Dark green wherever the photo is dark."""
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    return torch.where(picture.mean(dim=1, keepdim=True) < 0.15, green, picture)


def checkered(picture: Tensor) -> Tensor:
    board = torch.ones_like(picture)
    board[..., ::2, :] *= -1
    board[..., ::2] *= -1
    return (0.8 * picture + 0.1 + 0.08 * board).clamp(0, 1)


def brushed(picture: Tensor) -> Tensor:
    noise = torch.randn(picture.shape, generator=NOISE)
    return (0.8 * picture + 0.1 + 0.05 * torch.nn.functional.avg_pool2d(noise, 5, 1, 2)).clamp(0.02, 0.98)


FAULTS: dict[str, tuple[Paint, str]] = {
    "constant": (lambda picture: torch.full_like(picture, 0.5), "nearly one colour"),
    "drowned": (drowned, "painted on dark areas are at the ends of their range"),
    "striped": (striped, "flat areas are painted with stripes"),
    "checkered": (checkered, "a checkerboard lies over what is painted"),
}


def said(paint: Paint, photo: Tensor) -> list[str]:
    """What the watchdog says at the second of two evaluations."""
    watchdog = Watchdog()
    signs = one_pass_signs(paint, [photo])
    assert not watchdog.after_look(signs)
    return watchdog.after_look(signs)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_said(name: str, photo: Tensor):
    paint, words = FAULTS[name]
    assert any(words in each for each in said(paint, photo))


def test_a_brush_is_no_fault(photo: Tensor):
    assert not said(brushed, photo)


def test_stripes_are_the_share_of_one_frequency():
    noise = torch.randn(1, 3, 128, 128, generator=NOISE)
    assert float(stripes(wave(12, 0.1))) > 0.9
    assert float(stripes(noise)) < 0.1
    mixed = wave(12, 1.0) + noise * wave(12, 1.0).std() / noise.mean(dim=1).std()
    assert float(stripes(mixed)) == pytest.approx(0.5, abs=0.1), "half of the variance is the wave's"
    ramp = torch.linspace(0, 0.3, 128).view(1, 1, -1, 1).expand(1, 3, 128, 128)
    assert float(stripes(ramp + 0.01 * noise)) < 0.2
    assert float(stripes(torch.full((1, 3, 128, 128), 0.5))) == 0
