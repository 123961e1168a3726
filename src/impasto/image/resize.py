"""Sizes: fitting a picture to a length, and the pyramid that coarse-to-fine painting climbs."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from impasto.errors import check_range


def resize(picture: Float[Tensor, "b c _h _w"], height: int, width: int) -> Float[Tensor, "b c _hh _ww"]:
    """Resize with an antialiased bicubic filter, values kept in [0, 1].

    Half precision is filtered in fp32, since torch has no such filter for bf16 on a CPU, and returned as it came.

    Args:
        picture: Values in [0, 1], any number of channels.
        height: Wanted, in pixels.
        width: Wanted, in pixels.
    """
    if picture.shape[-2:] == (height, width):
        return picture
    return resize_change(picture, height, width).clamp(0, 1)


def resize_change(change: Float[Tensor, "b c _h _w"], height: int, width: int) -> Float[Tensor, "b c _hh _ww"]:
    """Resize the difference of two pictures, whose values may have any sign and size, likewise."""
    if width == 1 < height:
        # torch 2.13 makes columns of one pixel wrongly, but not rows
        return resize_change(change.mT, width, height).mT
    precise = change.to(torch.promote_types(change.dtype, torch.float32))
    return interpolate(precise, (height, width), mode="bicubic", antialias=True).to(change.dtype)


def fit(height: int, width: int, longest: int) -> tuple[int, int]:
    """Return the size with the same proportions whose longer side is `longest` pixels, at least 1 each way.

    Raises:
        SettingError: If `longest` is below 1.
    """
    check_range("size", longest, 1, math.inf)
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def pyramid(longest: int, coarsest: int) -> list[int]:
    """Return lengths from about `coarsest` up to `longest`, each about √2 times the one before.

    Example:
        >>> pyramid(512, 256)
        [256, 362, 512]
    """
    levels = max(0, round(2 * math.log2(longest / coarsest)))
    return [round(longest / math.sqrt(2) ** level) for level in range(levels, -1, -1)]
