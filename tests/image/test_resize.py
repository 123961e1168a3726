"""Sizes: proportions kept, and a filter that is Pillow's."""

import itertools
import math

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.errors import SettingError
from impasto.image.resize import fit, pyramid, resize

SIDES = st.integers(1, 20_000)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def bicubic_by_pillow(picture: Tensor, height: int, width: int) -> Tensor:
    """Resize every channel as floating point by an independent implementation of the same filter."""
    resized = [
        np.asarray(PIL.Image.fromarray(channel.numpy()).resize((width, height), PIL.Image.Resampling.BICUBIC))
        for channel in picture[0]
    ]
    return torch.from_numpy(np.stack(resized))[None].clamp(0, 1)


@pytest.mark.parametrize("size", [(20, 24), (13, 11), (80, 96), (1, 1), (16, 200), (41, 48)])
def test_resize_is_pillows_bicubic(photo, size):
    resized = resize(photo, *size)
    assert resized.shape == (1, 3, *size)
    torch.testing.assert_close(resized, bicubic_by_pillow(photo, *size), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("before", "after"),
    [((9, 1), (20, 1)), ((9, 1), (4, 1)), ((9, 5), (4, 1)), ((9, 5), (1, 1)), ((1, 9), (1, 20)), ((5, 9), (1, 4))],
)
def test_resize_to_one_row_or_column_is_pillows_bicubic(before, after):
    """What torch 2.13 itself makes of a column is a constant."""
    thin = noise(1, 3, *before)
    torch.testing.assert_close(resize(thin, *after), bicubic_by_pillow(thin, *after), rtol=0, atol=1e-5)
    several = noise(2, 4, *before)
    for one, resized in zip(several, resize(several, *after), strict=True):
        torch.testing.assert_close(resized[None], bicubic_by_pillow(one[None], *after), rtol=0, atol=1e-5)


def test_the_same_size_is_the_same_picture(photo):
    assert torch.equal(resize(photo, *photo.shape[-2:]), photo)


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 40)] * 4), st.floats(0, 1, width=32), st.sampled_from([1, 3, 4]))
def test_a_constant_picture_stays_constant(sizes, value, channels):
    height, width, new_height, new_width = sizes
    resized = resize(torch.full((1, channels, height, width), value), new_height, new_width)
    assert resized.shape == (1, channels, new_height, new_width)
    assert (resized - value).abs().max() < 1e-5
    assert resized.min() >= 0
    assert resized.max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 24)] * 4))
def test_values_stay_in_range_and_mirror_images_mirror(sizes):
    """Cubic overshoot is cut off; and the picture is not shifted by half a pixel to either side."""
    height, width, new_height, new_width = sizes
    hard = noise(2, 3, height, width).round()
    resized = resize(hard, new_height, new_width)
    assert resized.min() >= 0
    assert resized.max() <= 1
    mirrored = resize(hard.flip(2, 3), new_height, new_width)
    torch.testing.assert_close(mirrored.flip(2, 3), resized, rtol=0, atol=1e-5)


def test_shrinking_is_antialiased():
    board = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float().expand(1, 3, 64, 64)
    assert (resize(board, 16, 16)[..., 2:-2, 2:-2] - 0.5).abs().max() < 0.02
    picture = noise(1, 3, 60, 60)
    assert resize(picture, 10, 10).mean().item() == pytest.approx(picture.mean().item(), abs=0.01)


def test_gradients_pass():
    picture = noise(1, 3, 8, 8).requires_grad_()
    resize(picture, 5, 5).sum().backward()
    assert picture.grad.abs().min() > 0


@given(SIDES, SIDES, st.integers(1, 20_000))
def test_fit_keeps_proportions_to_the_pixel(height, width, longest):
    fitted = fit(height, width, longest)
    assert max(fitted) == longest
    assert min(fitted) >= 1
    for side, new_side in zip((height, width), fitted, strict=True):
        exact = side * longest / max(height, width)
        assert abs(new_side - exact) <= 0.5 + 1e-6 or new_side == 1 > exact
    assert fit(width, height, longest) == fitted[::-1]
    assert fit(height, width, max(height, width)) == (height, width)


def test_fit_by_hand():
    assert fit(480, 640, 320) == (240, 320)
    assert fit(3, 1000, 100) == (1, 100)


@pytest.mark.parametrize("longest", [0, -3])
def test_fit_to_nothing_is_refused(longest):
    with pytest.raises(SettingError, match=f"^size is {longest}; allowed are values from 1"):
        fit(10, 10, longest)


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_pyramid_climbs_by_the_root_of_two(longest, coarsest):
    lengths = pyramid(longest, coarsest)
    assert lengths[-1] == longest
    if coarsest >= longest:
        assert lengths == [longest]
        return
    # about the coarsest: nearer to it than to the steps below and above it
    nearest = 2**0.25
    assert coarsest / nearest - 0.51 <= lengths[0] <= coarsest * nearest + 0.51
    for smaller, larger in itertools.pairwise(lengths):
        assert abs(larger - smaller * math.sqrt(2)) <= 0.5 + 0.5 * math.sqrt(2) + 1e-6
        assert larger >= smaller


def test_pyramid_by_hand():
    assert pyramid(512, 256) == [256, 362, 512]
    assert pyramid(1000, 256) == [250, 354, 500, 707, 1000]
    assert pyramid(256, 256) == [256]
    assert pyramid(200, 256) == [200]
