"""PatchNCE against its formula, place by place in float64."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from impasto.losses.patchnce import patch_nce


def vectors(seed: int, places: int = 6, channels: int = 4) -> torch.Tensor:
    drawn = torch.randn(2, places, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(drawn, dim=2)


def slowly(queries: torch.Tensor, keys: torch.Tensor, temperature: float) -> float:
    total, count = 0.0, 0
    for mine, others in zip(queries.tolist(), keys.tolist(), strict=True):
        for place, query in enumerate(mine):
            powers = [math.exp(sum(a * b for a, b in zip(query, key, strict=True)) / temperature) for key in others]
            total, count = total - math.log(powers[place] / sum(powers)), count + 1
    return total / count


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_it_is_its_formula(temperature: float):
    found, wanted = [vectors(1), vectors(2, 9, 3)], [vectors(3), vectors(4, 9, 3)]
    expected = sum(slowly(q, k, temperature) for q, k in zip(found, wanted, strict=True)) / 2
    assert float(patch_nce(found, wanted, temperature)) == pytest.approx(expected, rel=1e-12)


def test_what_stays_where_it_is_costs_least():
    keys = vectors(5)
    there, elsewhere = patch_nce([keys], [keys]), patch_nce([keys.roll(1, dims=1)], [keys])
    assert float(there) < 0.1 * float(elsewhere)


def test_nothing_flows_back_through_what_is_wanted():
    queries, keys = vectors(6).requires_grad_(), vectors(7).requires_grad_()
    patch_nce([queries], [keys]).backward()
    assert keys.grad is None and queries.grad is not None and float(queries.grad.abs().sum()) > 0


def test_half_precision_is_computed_in_single():
    half = vectors(8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = patch_nce([half], [half])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, patch_nce([half.float()], [half.float()]))
