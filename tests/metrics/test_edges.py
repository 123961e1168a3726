"""Edge correlation: by hand, and what it does and does not see."""

import pytest
import torch
from torch import Tensor

from impasto.metrics.edges import edge_correlation


def slowly(found: Tensor, source: Tensor) -> float:
    """Return it by loops over places."""

    def edges(picture: Tensor) -> Tensor:
        light = (picture[0] * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0)
        height, width = light.shape
        at = lambda y, x: float(light[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])  # noqa: E731
        steep = []
        for y in range(height):
            for x in range(width):
                across = sum(w * (at(y + d, x + 1) - at(y + d, x - 1)) for d, w in ((-1, 1), (0, 2), (1, 1)))
                down = sum(w * (at(y + 1, x + d) - at(y - 1, x + d)) for d, w in ((-1, 1), (0, 2), (1, 1)))
                steep.append((across**2 + down**2) ** 0.5)
        return torch.tensor(steep, dtype=torch.float64)

    return float(torch.stack([edges(found), edges(source)]).corrcoef()[0, 1])


def test_it_is_what_loops_give(photo: Tensor, painting: Tensor):
    one, other = photo[:, :, :12, :14], painting[:, :, :12, :14]
    assert float(edge_correlation(one, other)) == pytest.approx(slowly(one, other), abs=1e-5)


def test_structure_counts_and_colour_does_not(photo: Tensor, painting: Tensor):
    same, inverted, brighter = (
        float(edge_correlation(each, photo)) for each in (photo, 1 - photo, 0.5 * photo + 0.3)
    )
    assert [same, inverted, brighter] == pytest.approx([1, 1, 1])
    assert float(edge_correlation(photo.flip(3), photo)) < 0.5
    noisy = (photo + 0.1 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert 0.3 < float(edge_correlation(noisy, photo)) < 0.99


def test_a_picture_without_edges_is_like_no_other(photo: Tensor):
    plain = torch.full_like(photo, 0.5)
    both = edge_correlation(torch.cat([plain, photo]), torch.cat([photo, photo]))
    assert both.tolist() == pytest.approx([0, 1], abs=1e-6)
