"""Colours: what matching promises (means, covariances, histograms) measured apart, in numpy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.errors import SettingError
from impasto.image.color import (
    luminance,
    match_colors,
    match_luminance,
    rgb_to_yiq,
    with_chroma_of,
    yiq_to_rgb,
)

HOWS = ("linear", "histogram")


def colorful(height: int, width: int, seed: int = 0) -> Tensor:
    """Return correlated colours well inside [0, 1], so that nothing is clipped."""
    generator = torch.Generator().manual_seed(seed)
    mixing = 0.5 * torch.rand(3, 3, generator=generator) + torch.eye(3)
    pixels = torch.einsum("kc,bchw->bkhw", mixing, torch.rand(1, 3, height, width, generator=generator) - 0.5)
    middle = 0.45 + 0.1 * torch.rand(1, 3, 1, 1, generator=generator)
    return middle + pixels * 0.35 / pixels.abs().max()


def pixels_of(picture: Tensor) -> np.ndarray:
    """Return `(3, pixels)` in double precision."""
    return picture[0].flatten(1).double().numpy()


def test_yiq_is_the_standards():
    """NTSC: grey has no chroma; the primaries as published (FCC 1953, to two digits)."""
    for color, published in {
        (1.0, 1.0, 1.0): (1, 0, 0),
        (0.5, 0.5, 0.5): (0.5, 0, 0),
        (1.0, 0.0, 0.0): (0.30, 0.60, 0.21),
        (0.0, 1.0, 0.0): (0.59, -0.28, -0.52),
        (0.0, 0.0, 1.0): (0.11, -0.32, 0.31),
    }.items():
        yiq = rgb_to_yiq(torch.tensor(color).view(1, 3, 1, 1)).flatten().tolist()
        assert yiq == pytest.approx(published, abs=0.011)
    grey = torch.linspace(0, 1, 11).view(1, 1, 1, 11).expand(1, 3, 1, 11)
    assert rgb_to_yiq(grey)[:, 1:].abs().max() < 1e-6


def test_yiq_and_back_is_the_same(photo):
    for picture in (photo, colorful(5, 6).repeat(2, 1, 1, 1)):
        torch.testing.assert_close(yiq_to_rgb(rgb_to_yiq(picture)), picture, rtol=0, atol=1e-6)
        torch.testing.assert_close(rgb_to_yiq(yiq_to_rgb(picture)), picture, rtol=0, atol=1e-6)


def test_luminance_is_grey_with_the_same_y(photo):
    grey = luminance(photo)
    assert grey.shape == photo.shape
    assert (grey == grey[:, :1]).all()
    torch.testing.assert_close(rgb_to_yiq(grey)[:, :1], rgb_to_yiq(photo)[:, :1])


def test_with_chroma_of_takes_light_here_and_chroma_there():
    light, colors = colorful(8, 9), colorful(8, 9, seed=1)
    mixed = with_chroma_of(light, colors)
    assert mixed.min() > 0
    assert mixed.max() < 1
    torch.testing.assert_close(rgb_to_yiq(mixed)[:, :1], rgb_to_yiq(light)[:, :1])
    torch.testing.assert_close(rgb_to_yiq(mixed)[:, 1:], rgb_to_yiq(colors)[:, 1:], rtol=0, atol=1e-6)


def test_with_chroma_of_stays_a_picture():
    blue = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1)
    for light in (torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)):
        mixed = with_chroma_of(light, blue)
        assert mixed.min() >= 0
        assert mixed.max() <= 1


def test_match_luminance_gives_the_targets_mean_and_deviation():
    picture, target = colorful(20, 30), 0.5 + 0.5 * (colorful(15, 10, seed=1) - 0.5)
    matched = match_luminance(picture, target)
    assert (matched == matched[:, :1]).all()
    wanted = luminance(target)
    assert matched.mean().item() == pytest.approx(wanted.mean().item(), abs=1e-5)
    assert matched.std().item() == pytest.approx(wanted.std().item(), rel=1e-3)
    # a straight line: no value changes its rank
    order = luminance(picture)[0, 0].flatten().argsort()
    assert (matched[0, 0].flatten()[order].diff() >= -1e-6).all()


@pytest.mark.parametrize("sizes", [((20, 30), (20, 30)), ((20, 30), (7, 90))])
def test_linear_gives_the_targets_mean_and_covariance(sizes):
    picture, target = colorful(*sizes[0]), colorful(*sizes[1], seed=1)
    before, wanted = pixels_of(picture), pixels_of(target)
    matched = pixels_of(match_colors(picture, target, "linear"))
    assert 0 < matched.min() < matched.max() < 1, "the colours of this test must not be clipped"
    assert matched.mean(1) == pytest.approx(wanted.mean(1), abs=1e-5)
    apart = np.abs(np.cov(before) - np.cov(wanted)).max()
    assert apart > 2e-3
    assert np.abs(np.cov(matched, bias=True) - np.cov(wanted, bias=True)).max() < 0.02 * apart


def test_linear_moves_colours_by_a_symmetric_map():
    """Optimal transport between Gaussians: the map is symmetric and turns no hue (no eigenvalue below 0)."""
    picture, target = colorful(30, 30), colorful(30, 30, seed=1)
    before, after = pixels_of(picture), pixels_of(match_colors(picture, target, "linear"))
    homogeneous = np.vstack([before, np.ones(before.shape[1])])
    fitted, residual, *_ = np.linalg.lstsq(homogeneous.T, after.T, rcond=None)
    assert residual.max() < 1e-8, "it is an affine map"
    assert fitted[:3] == pytest.approx(fitted[:3].T, abs=1e-4)
    assert np.linalg.eigvalsh((fitted[:3] + fitted[:3].T) / 2).min() > 0


@pytest.mark.parametrize("how", HOWS)
def test_equal_colours_stay(how, photo):
    for picture in (photo, colorful(9, 11)):
        torch.testing.assert_close(match_colors(picture, picture, how), picture, rtol=0, atol=2e-6)
        # the same colours at other places
        torch.testing.assert_close(match_colors(picture, picture.flip(2, 3), how), picture, rtol=0, atol=2e-6)


def test_histogram_gives_exactly_the_targets_values_for_equal_sizes():
    picture, target = colorful(12, 20), colorful(15, 16, seed=1)
    matched = match_colors(picture, target, "histogram")
    torch.testing.assert_close(
        matched[0].flatten(1).sort().values, target[0].flatten(1).sort().values, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("size", [(7, 9), (40, 50)])
def test_histogram_gives_the_targets_quantiles_for_other_sizes(size):
    picture, target = colorful(20, 30), colorful(*size, seed=1)
    matched = pixels_of(match_colors(picture, target, "histogram"))
    shares = np.linspace(0.05, 0.95, 19)
    for ours, wanted in zip(matched, pixels_of(target), strict=True):
        # hazen: the i-th of n values stands for the share (i + ½)/n
        ours_there, wanted_there = (np.quantile(values, shares, method="hazen") for values in (ours, wanted))
        assert ours_there == pytest.approx(wanted_there, abs=0.003)
        assert wanted.min() - 1e-6 <= ours.min() <= ours.max() <= wanted.max() + 1e-6


def test_histogram_is_monotone_and_keeps_equal_values_equal(photo, painting):
    matched = match_colors(photo, painting, "histogram")
    for before, after in zip(pixels_of(photo), pixels_of(matched), strict=True):
        order = before.argsort(kind="stable")
        rises = np.diff(after[order])
        assert (rises >= -1e-7).all()
        assert (rises[np.diff(before[order]) == 0] == 0).all(), "8-bit values occur many times"


@pytest.mark.parametrize("how", HOWS)
def test_grey_and_constant_pictures_do_not_explode(how, photo):
    flat = torch.full((1, 3, 8, 9), 0.3)
    black, white = torch.zeros(1, 3, 8, 9), torch.ones(1, 3, 8, 9)
    single = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1)
    grey = luminance(photo)
    for picture in (photo, flat, black, white, single, grey):
        for target in (photo, flat, black, white, single, grey):
            for matched in (match_colors(picture, target, how), match_luminance(picture, target)):
                assert matched.shape == picture.shape
                assert matched.isfinite().all()
                assert matched.min() >= 0
                assert matched.max() <= 1


def test_constant_pictures_give_the_targets_mean(photo, painting):
    flat = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 6, 7)
    means = pixels_of(painting).mean(1)
    assert pixels_of(match_colors(flat, painting, "linear")) == pytest.approx(np.tile(means[:, None], 42), abs=1e-6)
    for how in HOWS:
        onto_flat = match_colors(photo, flat, how)
        assert (onto_flat.mean((2, 3)) - flat[..., 0, 0]).abs().max() < 1e-3
        assert (onto_flat - flat[..., :1, :1]).abs().max() < 0.02


def test_barely_varying_colours_are_not_blown_up(painting):
    """Noise of one 8-bit level is no texture to be stretched over the whole range."""
    noise = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    faint = 0.5 + (noise > 0.5) / 255
    assert match_colors(faint, painting, "linear").std((2, 3)).max() < 0.6 * painting.std((2, 3)).max()


def test_matching_keeps_the_type_and_its_inputs():
    picture, target = colorful(5, 6), colorful(5, 6, seed=1)
    before, target_before = picture.clone(), target.clone()
    for how in HOWS:
        assert match_colors(picture, target, how).dtype == torch.float32
        wide = match_colors(picture.double(), target.double(), how)
        torch.testing.assert_close(wide.float(), match_colors(picture, target, how), rtol=0, atol=1e-6)
    assert torch.equal(picture, before)
    assert torch.equal(target, target_before)


def test_a_wrong_way_lists_the_choices():
    with pytest.raises(SettingError, match=r"^color matching is 'cubic'; choose one of linear, histogram$"):
        match_colors(colorful(2, 2), colorful(2, 2), "cubic")
