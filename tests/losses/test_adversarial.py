"""Adversarial losses: hand calculations, and a penalty that a linear discriminator makes exact."""

import math

import pytest
import torch

from impasto.errors import SettingError
from impasto.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty, r1_penalty
from impasto.losses.matching import feature_matching

REAL, FAKE = torch.tensor([[2.0, 0.0]]), torch.tensor([[-1.0, 3.0]])


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(
    ("kind", "judge", "paint"),
    [
        (
            "vanilla",
            -(math.log(sigmoid(2)) + math.log(0.5) + math.log(1 - sigmoid(-1)) + math.log(1 - sigmoid(3))) / 2,
            -(math.log(sigmoid(-1)) + math.log(sigmoid(3))) / 2,
        ),
        ("lsgan", (1 + 1) / 2 + (1 + 9) / 2, (4 + 4) / 2),
        ("hinge", (0 + 1) / 2 + (0 + 4) / 2, -1.0),
        ("wgangp", 1 - 1, -1.0),
    ],
)
def test_by_hand(kind: str, judge: float, paint: float):
    assert float(discriminator_loss(REAL, FAKE, kind)) == pytest.approx(judge)
    assert float(generator_loss(FAKE, kind)) == pytest.approx(paint)


@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "hinge", "wgangp"])
def test_each_side_is_pushed_the_right_way(kind: str):
    real, fake = (torch.full((3,), 0.5, requires_grad=True) for _ in range(2))
    discriminator_loss(real, fake, kind).backward()
    assert (real.grad < 0).all() and (fake.grad > 0).all(), "a smaller loss has higher verdicts on real pictures"
    fooled = torch.zeros(3, requires_grad=True)
    generator_loss(fooled, kind).backward()
    assert (fooled.grad < 0).all()


@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "hinge", "wgangp"])
def test_great_verdicts_stay_finite(kind: str):
    great = torch.tensor([1e4, -1e4])
    assert math.isfinite(float(discriminator_loss(great, great, kind)))
    assert math.isfinite(float(generator_loss(great, kind)))


def test_an_unknown_loss():
    with pytest.raises(SettingError, match="adversarial is 'gan'; choose one of vanilla, lsgan"):
        generator_loss(FAKE, "gan")


def test_the_penalty_of_a_linear_discriminator_is_that_of_its_weights():
    weights = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    real, fake = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4, requires_grad=True)
    penalty = gradient_penalty(lambda x: (x * weights).sum(dim=(1, 2, 3)), real, fake, torch.tensor([0.3, 0.9]))
    assert float(penalty.detach()) == pytest.approx(float((weights.detach().norm() - 1) ** 2), rel=1e-5)
    penalty.backward()
    assert fake.grad is None, "nothing flows into the generator"
    expected = 2 * (weights.norm() - 1) * weights / weights.norm()
    torch.testing.assert_close(weights.grad, expected.detach())


def test_the_penalty_looks_between_both_pictures():
    seen = []
    real, fake = torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    gradient_penalty(lambda x: seen.append(x.detach()) or x.square().sum(), real, fake, torch.tensor([0.25, 1.0]))
    assert [float(each.mean()) for each in seen[0]] == [0.25, 1.0]


def test_the_penalty_is_fp32_under_autocast():
    layer = torch.nn.Conv2d(1, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        real = torch.rand(1, 1, 4, 4).bfloat16()
        assert gradient_penalty(layer, real, 1 - real, torch.tensor([0.5])).dtype == torch.float32


def test_r1_is_half_the_square_of_the_slope():
    """Of a picture's mean verdict: a linear discriminator has the same slope everywhere."""
    weights = torch.tensor([3.0, -4.0]).requires_grad_()
    real = torch.rand(5, 2, 1, 1, requires_grad=True)
    penalty = r1_penalty(lambda x: (x * weights[:, None, None]).sum(dim=1, keepdim=True).expand(-1, 1, 3, 3), real)
    assert float(penalty.detach()) == pytest.approx(25 / 2)
    penalty.backward()
    assert real.grad is None
    torch.testing.assert_close(weights.grad, weights.detach())


def test_feature_matching_by_hand():
    zeros, ones = torch.zeros(1, 2), torch.ones(1, 2)
    real, fake = [[zeros, ones, zeros], [zeros, zeros]], [[3 * ones, ones, 9 * ones], [ones, ones]]
    assert float(feature_matching(fake, real)) == pytest.approx((3 + 0 + 1) / 2)


def test_feature_matching_moves_only_the_fake():
    real, fake = (torch.rand(2, 3, requires_grad=True) for _ in range(2))
    feature_matching([[fake, fake]], [[real, real]]).backward()
    assert real.grad is None and fake.grad is not None
