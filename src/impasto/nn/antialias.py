"""Halving and doubling without aliasing: pictures that move a little give features that move a little.

Reference: Zhang 2019, "Making Convolutional Networks Shift-Invariant Again" (arXiv:1904.11486), as CUT's generator
has it (Park et al. 2020, arXiv:2007.15651): a blur of 3 × 3 before every other place is left out, one of 4 × 4
after places were put between, which is what bilinear interpolation gives.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from impasto._typing import Features
from impasto.nn.strips import Source, with_border

BLUR = (1 / 4, 1 / 2, 1 / 4)


def halved(features: Features) -> Float[Tensor, "b c _rows _columns"]:
    """Return features of half the size, `(b, c, height / 2, width / 2)`, mirrored at the edges."""
    return _every_other(pad(features, (1, 1, 1, 1), mode="reflect"))


def doubled(features: Features) -> Float[Tensor, "b c _rows _columns"]:
    """Return features of twice the size, `(b, c, 2 × height, 2 × width)`."""
    return interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def halved_in_strips(source: Source) -> Source:
    """Return what reads strips of features of half the size; height and width are even."""
    width = source.width // 2

    def read(top: int, bottom: int) -> Tensor:
        return _every_other(with_border(source, 2 * top - 1, 2 * bottom, 1, "reflect"))[..., :width]

    return Source(read, source.channels, source.height // 2, width)


def doubled_in_strips(source: Source) -> Source:
    """Return what reads strips of features of twice the size."""

    def read(top: int, bottom: int) -> Tensor:
        first = top // 2 - 1
        wide = doubled(with_border(source, first, (bottom + 1) // 2 + 1, 1, "replicate"))
        return wide[:, :, top - 2 * first :, 2:-2][:, :, : bottom - top]

    return Source(read, source.channels, 2 * source.height, 2 * source.width)


def _every_other(bordered: Tensor) -> Tensor:
    """Blur, and leave every other place out."""
    line = torch.tensor(BLUR, dtype=bordered.dtype, device=bordered.device)
    kernel = torch.outer(line, line).expand(bordered.shape[1], 1, -1, -1)
    return conv2d(bordered, kernel, stride=2, groups=bordered.shape[1])
