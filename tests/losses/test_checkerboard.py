"""Checkerboards: what keeps in step with the stride counts, what begins anywhere does not."""

import pytest
import torch
from torch import Tensor

from impasto.losses.checkerboard import checkerboard


def pattern(period: int, size: int = 128) -> Tensor:
    """Return stripes down and across that repeat every so many pixels, of amplitude 0.1."""
    waves = 0.1 * torch.cos(2 * torch.pi * torch.arange(size) / period)
    return (0.5 + waves[:, None] + waves).expand(1, 3, -1, -1)


@pytest.mark.parametrize("stride", [4, 8])
def test_it_is_the_power_of_what_keeps_in_step(stride: int):
    assert float(checkerboard(pattern(stride), stride)) == pytest.approx(0.01, rel=1e-3)
    board = 0.5 + 0.1 * (-1.0) ** (torch.arange(128)[:, None] + torch.arange(128))
    assert float(checkerboard(board.expand(1, 3, -1, -1), stride)) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("period", [5, 6, 16, 64])
def test_other_periods_do_not_count(period: int):
    assert float(checkerboard(pattern(period), 4)) < 1e-6


def test_a_slope_and_a_flat_picture_have_none():
    slope = torch.linspace(0, 1, 128).expand(1, 3, 128, -1)
    assert float(checkerboard(slope, 4)) < 1e-6
    assert float(checkerboard(torch.full((1, 3, 128, 128), 0.7), 4)) < 1e-12


def test_noise_counts_the_less_the_more_of_it_there_is():
    noise = 0.1 * torch.randn(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    assert float(checkerboard(noise, 4)) < 0.01 * 0.01


def test_each_picture_of_a_batch_is_measured_alone(photo: Tensor):
    both = torch.cat([photo, photo.flip(-1)])
    alone = torch.cat([checkerboard(each[None], 4) for each in both])
    assert torch.allclose(checkerboard(both, 4), alone)


@pytest.mark.parametrize("size", [(4, 4), (8, 5), (33, 70)])
def test_small_pictures_have_a_gradient(size: tuple[int, int]):
    picture = torch.rand(2, 3, *size, requires_grad=True)
    checkerboard(picture, 4).sum().backward()
    assert picture.grad is not None and bool(picture.grad.isfinite().all()) and bool((picture.grad != 0).any())
