"""What DeepDream climbs, against loops in plain Python."""

import math

import pytest
import torch

from impasto.losses import activation
from impasto.losses.activation import energy, likelihood, matching


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def test_the_gradient_of_energy_is_the_features():
    features = noise(1, 4, 3, 5).requires_grad_()
    (slope,) = torch.autograd.grad(energy(features).sum(), features)
    assert torch.allclose(slope, features / 4)


def test_likelihood_by_hand():
    """Logits 1 and 1: each class is as likely as the other; with a bias of log 3 the first is so three times."""
    features, weight = torch.tensor([[[[1.0]], [[2.0]]]]), torch.tensor([[3.0, -1.0], [-1.0, 1.0]])
    found = likelihood(features, weight, torch.zeros(2), 0)
    assert found.shape == (1, 1, 1) and found.item() == pytest.approx(math.log(1 / 2))
    three = torch.tensor([math.log(3.0), 0.0])
    assert likelihood(features, weight, three, 0).item() == pytest.approx(math.log(3 / 4))
    assert likelihood(features, weight, three, 1).item() == pytest.approx(math.log(1 / 4))


def test_matching_by_a_loop(monkeypatch):
    monkeypatch.setattr(activation, "PIECE", 7)
    features, guides = noise(2, 4, 3, 5), noise(6, 4)
    found = matching(features.requires_grad_(), guides)
    slope = torch.autograd.grad(found.sum(), features)[0]
    for picture in range(2):
        for row in range(3):
            for column in range(5):
                place = features.detach()[picture, :, row, column]
                products = [float((place * guide).sum()) for guide in guides]
                best = max(range(6), key=products.__getitem__)
                assert abs(float(found.detach()[picture, row, column]) - products[best] / 4) < 1e-12
                assert torch.allclose(slope[picture, :, row, column], guides[best] / 4)
