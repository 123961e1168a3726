"""Laplacian pyramids: nothing is lost, each level holds its own size of detail, and evened levels are alike."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from impasto.image.laplacian import evened, from_laplacian_pyramid, laplacian_pyramid


def noise(height: int, width: int) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("height", "width", "levels"), [(64, 48, 3), (37, 53, 4), (9, 100, 4), (5, 5, 2)])
def test_put_together_it_is_what_it_was(height: int, width: int, levels: int):
    change = noise(height, width)
    bands = laplacian_pyramid(change, levels)
    assert len(bands) <= levels + 1 and min(bands[-1].shape[-2:]) >= min(4, height, width)
    assert torch.allclose(from_laplacian_pyramid(bands), change, atol=1e-12)


def test_fine_stripes_are_in_the_finest_level_and_wide_ones_in_a_coarse_one():
    places = torch.arange(64, dtype=torch.float64)
    for period, level in ((2, 0), (16, 2)):
        stripes = torch.cos(2 * torch.pi * places / period).expand(1, 3, 64, 64)
        strengths = [float(band.abs().mean()) for band in laplacian_pyramid(stripes, 4)]
        assert strengths.index(max(strengths)) == level


def test_a_flat_change_is_all_in_what_is_left():
    *details, left = laplacian_pyramid(torch.ones(1, 3, 32, 32), 3)
    assert all(float(band.abs().max()) < 1e-6 for band in details) and torch.allclose(left, torch.ones_like(left))


def test_evened_details_are_as_strong_as_asked():
    change = noise(64, 64) + 100 * torch.linspace(-1, 1, 64, dtype=torch.float64)
    assert torch.allclose(evened(change, 0), change / change.abs().mean())
    for growth in (1.0, 2.0):
        strengths = [float(band.abs().mean()) for band in laplacian_pyramid(evened(change, 3, growth), 3)]
        for finer, coarser in pairwise(strengths[:3]):
            assert coarser / finer == pytest.approx(growth, rel=0.25)


def test_only_what_counts_sets_the_magnitude():
    change, weight = noise(32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    weight[:, :, :16] = 1
    change[:, :, 16:] *= 1000
    assert float(evened(change, 0, weight=weight)[:, :, :16].abs().mean()) == pytest.approx(1)


def test_nothing_stays_nothing():
    assert torch.equal(evened(torch.zeros(1, 3, 16, 16), 2), torch.zeros(1, 3, 16, 16))
