"""The perceptual loss: its terms, written from their formulas."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from impasto.nn.perceptual import PerceptualLoss

LAYERS = ("relu1_2", "relu3_3")


@pytest.fixture
def loss(vgg: Any) -> PerceptualLoss:
    return PerceptualLoss(vgg, ("relu2_2",), LAYERS, content_weight=0.5, style_weight=2.0, tv_weight=3.0)


def test_terms_equal_their_formulas(loss: PerceptualLoss, photo: Tensor, painting: Tensor, vgg: Any):
    painted = torch.lerp(photo, photo.flip(3), 0.3)
    terms = loss(painted, photo, loss.grams(painting))
    features = [vgg(picture, ("relu1_2", "relu2_2", "relu3_3")) for picture in (painted, photo, painting)]
    of_painted, of_photo, of_painting = (
        {name: value.double() for name, value in each.items()} for each in features
    )

    difference = of_painted["relu2_2"] - of_photo["relu2_2"]
    content = difference.square().sum() / of_photo["relu2_2"].square().sum()
    styles = []
    for name in LAYERS:
        grams = []
        for each in (of_painted, of_painting):
            flat = each[name][0].flatten(1)
            grams.append(flat @ flat.T / flat.shape[1])
        styles.append((grams[0] - grams[1]).square().sum() / grams[1].square().sum())
    down, across = painted.diff(dim=2).square().mean(), painted.diff(dim=3).square().mean()
    expected = {"content": 0.5 * content, "style": 2 * sum(styles) / 2, "tv": 3 * (down + across)}
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(float(value), rel=1e-4), name


def test_each_picture_is_judged_by_its_own_painting(loss: PerceptualLoss, photo: Tensor, painting: Tensor):
    other = interpolate(painting.flip(1), painting.shape[-2:])
    batch = torch.cat([photo, photo])
    grams = {
        name: torch.cat([one, two])
        for (name, one), two in zip(loss.grams(painting).items(), loss.grams(other).values(), strict=True)
    }
    together = loss(batch, batch, grams)["style"].item()
    alone = [loss(photo, photo, loss.grams(each))["style"].item() for each in (painting, other)]
    assert together == pytest.approx(sum(alone) / 2, rel=1e-4)
    assert alone[0] != pytest.approx(alone[1], rel=1e-2)


def test_the_gradient_reaches_the_picture(loss: PerceptualLoss, photo: Tensor, painting: Tensor):
    painted = photo.clone().requires_grad_()
    torch.stack([*loss(painted, photo, loss.grams(painting)).values()]).sum().backward()
    assert painted.grad is not None and painted.grad.isfinite().all() and painted.grad.abs().max() > 0
