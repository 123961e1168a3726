"""The Wasserstein style loss: closed forms, an independent computation, its gradient, regions, clean colours."""

import math

import pytest
import torch
from torch import Tensor

from impasto.losses import wasserstein
from impasto.losses.wasserstein import RIDGE, Gaussian, WassersteinTarget, gaussian


def drawn(seed: int, channels: int = 5, height: int = 12, width: int = 9, dtype=torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(channels, channels, generator=generator, dtype=torch.float64)
    features = torch.randn(1, channels, height, width, generator=generator, dtype=torch.float64)
    return torch.einsum("dc,bchw->bdhw", mixing, features).add(0.5).to(dtype)


def root(matrix: Tensor) -> Tensor:
    """By the Denman-Beavers iteration, which shares nothing with an eigendecomposition."""
    found, inverse = matrix, torch.eye(len(matrix), dtype=matrix.dtype)
    for _ in range(60):
        found, inverse = (found + inverse.inverse()) / 2, (inverse + found.inverse()) / 2
    return found


def slow_loss(features: Tensor, style: Tensor) -> float:
    """The convention written out."""
    ours, theirs = (each[0].flatten(1) for each in (features, style))
    means = [each.mean(dim=1) for each in (ours, theirs)]
    covariances = [torch.cov(each, correction=0) for each in (ours, theirs)]
    ridge = RIDGE * covariances[1].diagonal().mean() * torch.eye(len(ours), dtype=ours.dtype)
    one, other = (covariance + ridge for covariance in covariances)
    overlap = root(root(other) @ one @ root(other))
    distance = (means[0] - means[1]).square().sum() + torch.trace(one + other - 2 * overlap)
    return float(distance / (means[1].square().sum() + torch.trace(other)))


def loss(features: Tensor, style: Tensor) -> Tensor:
    return WassersteinTarget(gaussian(style)).loss(gaussian(features))


def test_it_is_the_distance_written_out():
    features, style = drawn(1), drawn(2, height=7)
    assert float(loss(features, style)) == pytest.approx(slow_loss(features, style), rel=1e-6)


def test_equal_statistics_are_at_no_distance():
    features = drawn(1)
    assert float(loss(features, features.flip(3))) == pytest.approx(0, abs=1e-9)


def test_it_is_1_for_features_that_are_0():
    """But for the ridge, which both covariances have."""
    style = drawn(2)
    assert float(loss(torch.zeros_like(style), style)) == pytest.approx(1, abs=0.1)


def test_one_channel_has_a_closed_form():
    """For one channel it is the squared difference of means plus that of deviations."""
    style = Gaussian(torch.tensor([2.0]), torch.tensor([[9.0]]))
    features = Gaussian(torch.tensor([1.0]), torch.tensor([[4.0]]))
    ridge = RIDGE * 9
    expected = (1 + (math.sqrt(9 + ridge) - math.sqrt(4 + ridge)) ** 2) / (4 + 9 + ridge)
    assert float(WassersteinTarget(style).loss(features)) == pytest.approx(expected, rel=1e-5)


def test_its_gradient_equals_finite_differences():
    features, style = drawn(1, channels=3, height=4, width=3), drawn(2, channels=3)
    target = WassersteinTarget(gaussian(style))
    assert torch.autograd.gradcheck(lambda each: target.loss(gaussian(each)), features.requires_grad_())


def test_channels_that_never_change_have_a_finite_gradient():
    features, style = drawn(1), drawn(2)
    features[:, 0], style[:, 1] = 0, 0
    found = loss(features.requires_grad_(), style)
    found.backward()
    assert bool(found.isfinite()) and bool(features.grad.isfinite().all())


def test_a_guide_that_is_1_everywhere_changes_nothing_and_a_region_is_seen_alone():
    features = drawn(1)
    everywhere = torch.ones(1, 1, 12, 9, dtype=torch.float64)
    for one, other in zip(gaussian(features, everywhere), gaussian(features), strict=True):
        torch.testing.assert_close(one, other)
    left = everywhere.clone()
    left[..., 4:] = 0
    for one, other in zip(gaussian(features, left), gaussian(features[..., :4]), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("strip", [1, 8, 12])
@pytest.mark.parametrize("guided", [False, True])
def test_strips_change_nothing(strip: int, guided: bool, monkeypatch: pytest.MonkeyPatch):
    features, style = (drawn(seed, channels=3, height=6, width=4) for seed in (1, 2))
    guide = torch.linspace(0.1, 1, 6 * 4, dtype=torch.float64).view(1, 1, 6, 4) if guided else None
    whole = gaussian(features, guide)
    monkeypatch.setattr(wasserstein, "STRIP", strip)
    for one, other in zip(gaussian(features, guide), whole, strict=True):
        torch.testing.assert_close(one, other)
    target = WassersteinTarget(gaussian(style))
    assert torch.autograd.gradcheck(lambda each: target.loss(gaussian(each, guide)), features.requires_grad_())


def test_a_guide_weighs_positions_by_its_squares():
    features, guide = drawn(1), torch.linspace(0.1, 1, 12 * 9, dtype=torch.float64).view(1, 1, 12, 9)
    flat, weights = features[0].flatten(1), guide.flatten().square()
    found = gaussian(features, guide)
    torch.testing.assert_close(found.mean, (flat * weights).sum(dim=1) / weights.sum())
    torch.testing.assert_close(found.covariance, torch.cov(flat, aweights=weights, correction=0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_style_of_one_colour_has_a_finite_gradient(dtype: torch.dtype):
    """The variance of constant features is a rounding error of either sign."""
    values = torch.linspace(0.1, 3, 7).view(1, 7, 1, 1).to(dtype)
    for factor in (0.1, 1.0, 3.7, 250.0):
        target = WassersteinTarget(gaussian((factor * values).expand(1, 7, 12, 9)))
        assert float(target.ridge) > 0
        features = drawn(1, channels=7, dtype=dtype).requires_grad_()
        found = target.loss(gaussian(features))
        found.backward()
        assert bool(found.isfinite()) and bool(features.grad.isfinite().all())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_features_that_are_not_finite_have_no_finite_loss(value: float):
    """LAPACK raises for some of them."""
    features = drawn(1, channels=3)
    features[0, 0, 0, 0] = value
    assert math.isnan(float(loss(features, drawn(2, channels=3))))


def test_statistics_are_in_fp32_for_features_in_half_precision():
    features = drawn(1, dtype=torch.float32).bfloat16()
    found, exact = gaussian(features), gaussian(features.double())
    assert found.covariance.dtype == torch.float32
    torch.testing.assert_close(found.covariance.double(), exact.covariance, rtol=1e-4, atol=1e-4)


def test_a_weak_direction_costs_more_than_in_gram_matrices():
    """A tint the style does not have is punished, which the squared error of Gram matrices hardly does."""
    style = drawn(2)
    style[:, 0] = 0.01 * style[:, 0]
    tinted = style.clone()
    tinted[:, 0] = 10 * tinted[:, 0]
    flat, tint = (each[0].flatten(1) for each in (style, tinted))
    grams = [each @ each.mT for each in (flat, tint)]
    of_gram = float((grams[1] - grams[0]).square().sum() / grams[0].square().sum())
    assert float(loss(tinted, style)) > 3 * of_gram
