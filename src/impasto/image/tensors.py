"""Pictures as networks take them, float32 RGB in [0, 1], and back: an `Image` like the one it came from."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from impasto._typing import Picture
from impasto.errors import InputError
from impasto.image.arrays import Pixels
from impasto.image.io import Image
from impasto.image.metadata import fitting_icc
from impasto.image.profiles import from_srgb, is_srgb, to_srgb
from impasto.image.resize import resize

_LUMA = (0.299, 0.587, 0.114)


def to_tensor(image: Image) -> Float[Tensor, "1 3 _h _w"]:
    """Turn a picture into a tensor; grey is repeated, alpha is left out.

    Returns:
        sRGB in [0, 1], converted from the picture's own colour profile.
    """
    return _unit(to_srgb(image.pixels, image.icc), torch.empty(1, 3, image.height, image.width))


def alpha_tensor(image: Image) -> Float[Tensor, "1 1 _h _w"] | None:
    """Turn a picture's alpha into a tensor.

    Returns:
        How opaque each pixel is, in [0, 1], or None when the picture has no alpha.
    """
    if image.alpha is None:
        return None
    return _unit(image.alpha[:, :, np.newaxis], torch.empty(1, 1, image.height, image.width))


def from_tensor(picture: Float[Tensor, "1 3 _h _w"], like: Image, *, keep_grey: bool = True) -> Image:
    """Turn what a network painted into a picture like the one it was painted from.

    Args:
        picture: sRGB; values outside [0, 1] are cut off.
        like: Gives bits, name, alpha and the colour profile to which the picture is converted. The alpha is resized
            when the sizes differ; when they agree, pixels that cannot be seen keep the colours they had.
        keep_grey: Whether a grey `like` makes a grey picture.

    Returns:
        The picture, without a recipe.

    Raises:
        InputError: When the picture holds NaN.

    Convention:
        Grey is BT.601 luma of the encoded values, 0.299 R + 0.587 G + 0.114 B.
    """
    painted = picture.detach().to("cpu", torch.float32)[0]
    if painted.isnan().any():
        raise InputError(f"the picture painted from {like.name} holds NaN: lower weights or learning rate")
    if like.grey and keep_grey:
        painted = (painted * painted.new_tensor(_LUMA)[:, None, None]).sum(dim=0, keepdim=True)
    icc = fitting_icc(like.icc, len(painted))
    if icc is None or is_srgb(icc, len(painted)):
        pixels = whole(painted, like.pixels.dtype)
    else:
        pixels = _in_profile(painted, like, icc)
    alpha = like.alpha
    if alpha is not None and alpha.shape == pixels.shape[:2]:
        pixels = np.where(alpha[:, :, np.newaxis] == 0, like.pixels, pixels)
    elif (opacity := alpha_tensor(like)) is not None:
        resized = resize(opacity, *pixels.shape[:2])
        alpha = whole(resized[0], like.pixels.dtype)[:, :, 0]
    return replace(like, pixels=pixels, alpha=alpha, icc=icc, recipe=None, sha256="")


def _in_profile(painted: Float[Tensor, "c h w"], like: Image, icc: bytes) -> Pixels:
    """Convert sRGB to a profile; pixels unchanged from `like` keep their exact values."""
    exact = whole(painted, np.dtype(np.uint16))
    pixels = from_srgb(exact, icc, like.pixels.dtype)
    if pixels.shape != like.pixels.shape:
        return pixels
    before = whole(to_tensor(like)[0, : len(painted)], np.dtype(np.uint16))
    kept: Pixels = np.where((before == exact).all(axis=2, keepdims=True), like.pixels, pixels)
    return kept


def _unit(samples: Pixels, out: Tensor) -> Tensor:
    """Fill `out`, `(1, channels, height, width)`, with samples scaled to [0, 1]; grey fills all channels."""
    # torch takes neither flipped nor read-only arrays.
    plain = np.require(samples, requirements=["C", "W"])
    out[0] = torch.from_numpy(plain).permute(2, 0, 1)
    return out.div_(float(np.iinfo(samples.dtype).max))


def whole(values: Tensor, dtype: np.dtype[np.unsignedinteger[Any]]) -> Pixels:
    """Round `(channels, height, width)` in [0, 1] to whole numbers `(height, width, channels)`."""
    scaled = values.clamp(0, 1).mul_(float(np.iinfo(dtype).max)).round_()
    whole = scaled.to(torch.uint8 if dtype == np.uint8 else torch.uint16)
    return whole.permute(1, 2, 0).contiguous().numpy()


def in_rows(rows: Sequence[Sequence[Tensor]]) -> Picture:
    """Return pictures row by row as one, narrower rows on white.

    Args:
        rows: Pictures `(1, 3, height, width)` in [0, 1] on any device, those of a row of one height.
    """
    wide = [torch.cat([each.float().cpu() for each in row], dim=3) for row in rows]
    width = max(row.shape[3] for row in wide)
    return torch.cat([pad(row, (0, width - row.shape[3]), value=1.0) for row in wide], dim=2)
