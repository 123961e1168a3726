"""Tone: what goes together is 0, what is turned round is 2, and colours do not matter."""

import pytest
import torch
from torch import Tensor

from impasto.losses.tone import tone_loss


def test_contrast_and_brightness_do_not_matter(photo: Tensor):
    assert float(tone_loss(0.4 * photo + 0.3, photo)) == pytest.approx(0, abs=1e-4)


def test_a_negative_is_as_wrong_as_can_be(photo: Tensor):
    assert float(tone_loss(1 - photo, photo)) == pytest.approx(2, abs=1e-4)


def test_fine_texture_does_not_matter_but_a_blot_does(photo: Tensor):
    photo = photo.repeat(1, 1, 4, 4)
    texture = 0.2 * (torch.arange(photo.shape[-1]) % 2 - 0.5)
    blotted = photo.clone()
    blotted[..., 40:80, 60:100] = 0
    assert float(tone_loss(photo + texture, photo)) < 0.01
    assert float(tone_loss(blotted, photo)) > 0.05


def test_a_plain_picture_has_a_gradient(photo: Tensor):
    plain = torch.full_like(photo, 0.5, requires_grad=True)
    tone_loss(plain, photo).backward()
    assert plain.grad is not None and bool(plain.grad.isfinite().all()) and bool((plain.grad != 0).any())
