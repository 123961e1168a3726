"""Colour profiles: pixels become sRGB for the networks and get their own profile back, as littlecms converts."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import torch
from tests.image.test_io import profile

from impasto.image.io import Image
from impasto.image.profiles import from_srgb, is_srgb, to_srgb
from impasto.image.regions import mask_of
from impasto.image.tensors import from_tensor, to_tensor

WIDE, GREY = profile(b"RGB "), profile(b"GRAY")
SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def colors(channels: int = 3, depth: type = np.uint8) -> np.ndarray:
    """Colours that lie inside of sRGB in the wide profile."""
    levels = np.random.default_rng(0).uniform(0.35, 0.65, (24, 30, channels))
    return (levels * np.iinfo(depth).max).astype(depth)


def by_pillow(pixels: np.ndarray, icc: bytes) -> np.ndarray:
    source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(icc))
    flags = PIL.ImageCms.Flags.BLACKPOINTCOMPENSATION
    converted = PIL.ImageCms.profileToProfile(
        PIL.Image.fromarray(pixels),
        source,
        PIL.ImageCms.createProfile("sRGB"),
        renderingIntent=PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=flags,
    )
    return np.asarray(converted)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_conversion_is_that_of_littlecms(depth: type):
    pixels = colors(depth=depth)
    expected = by_pillow((pixels // (257 if depth is np.uint16 else 1)).astype(np.uint8), WIDE)
    found = to_srgb(pixels, WIDE) / 257
    assert np.abs(found - expected).max() < (1.5 if depth is np.uint8 else 3)
    assert np.abs(found - pixels / (257 if depth is np.uint16 else 1)).mean() > 5, "the profile differs from sRGB"


@pytest.mark.parametrize(("channels", "icc"), [(3, WIDE), (1, GREY)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_there_and_back_again(channels: int, icc: bytes, depth: type):
    pixels = colors(channels, depth)
    back = from_srgb(to_srgb(pixels, icc), icc, pixels.dtype)
    assert back.dtype == pixels.dtype and back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).max() <= (2 if depth is np.uint8 else 200)


@pytest.mark.parametrize("icc", [None, SRGB, b"x" * 200, WIDE[:200]])
def test_srgb_and_what_cannot_be_read_stay_as_they_are(icc: bytes | None):
    assert is_srgb(icc)
    pixels = colors()
    assert to_srgb(pixels, icc) is pixels


def test_a_picture_of_another_profile_keeps_profile_and_appearance():
    photo = Image(colors(), icc=WIDE)
    seen = to_tensor(photo)
    assert (
        seen.sub(torch.from_numpy(by_pillow(photo.pixels, WIDE).copy()).permute(2, 0, 1)[None] / 255).abs().max()
        < 0.006
    )
    turned = from_tensor(seen.flip(3), photo)
    assert turned.icc == WIDE
    assert np.abs(by_pillow(turned.pixels, WIDE).astype(int) - by_pillow(photo.pixels, WIDE)[:, ::-1]).max() <= 3


def test_the_same_colours_are_the_same_in_every_profile():
    """A painting in sRGB and a photo of it in another profile are one to the networks."""
    painting = Image(by_pillow(colors(), WIDE).copy())
    photo = Image(colors(), icc=WIDE)
    assert float((to_tensor(photo) - to_tensor(painting)).abs().max()) < 0.006
    assert float((to_tensor(replace(photo, icc=None)) - to_tensor(painting)).abs().mean()) > 0.02


@pytest.mark.parametrize(("channels", "icc"), [(3, WIDE), (1, GREY)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_does_not_change_stays_to_the_bit(channels: int, icc: bytes, depth: type):
    drawn = np.random.default_rng(1).integers(0, np.iinfo(depth).max + 1, (20, 20, channels))
    photo = Image(drawn.astype(depth), icc=icc)
    picture = to_tensor(photo)
    picture[..., 10:] = 0.5
    assert np.array_equal(from_tensor(picture, photo).pixels[:, :10], photo.pixels[:, :10])


def test_a_mask_is_weights_whatever_its_profile():
    pixels = colors(1)
    torch.testing.assert_close(mask_of(Image(pixels, icc=GREY)), mask_of(Image(pixels)))
