"""Halving and doubling without aliasing: pictures that move a little give features that move a little.

Reference: Zhang 2019, "Making Convolutional Networks Shift-Invariant Again" (arXiv:1904.11486), as CUT's generator
has it (Park et al. 2020, arXiv:2007.15651): a blur of 3 × 3 before every other place is left out, one of 4 × 4
after places were put between, which is what bilinear interpolation gives.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from impasto._typing import Features
from impasto.nn.lean import reflected
from impasto.nn.strips import Source, with_border

BLUR = (1 / 4, 1 / 2, 1 / 4)


def halved(features: Features) -> Float[Tensor, "b c _rows _columns"]:
    """Return features of half the size, `(b, c, height / 2, width / 2)`, mirrored at the edges."""
    return _every_other(reflected(features, 1))


def doubled(features: Features) -> Float[Tensor, "b c _rows _columns"]:
    """Return features of twice the size, `(b, c, 2 × height, 2 × width)`."""
    return interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def doubled_by(convolution: Callable[[Tensor], Tensor], features: Features) -> Float[Tensor, "b d _rows _columns"]:
    """Return a convolution of features of twice the size, which are made anew for its slopes instead of being kept.

    They are the largest that a generator has, and made of few numbers in little time.

    Args:
        convolution: Which.
        features: Before they are doubled.
    """
    if not (torch.is_grad_enabled() and features.requires_grad):
        return convolution(doubled(features))
    twice, few = doubled(features), features.detach()
    place, shape = twice.data_ptr(), twice.shape

    def kept(tensor: Tensor) -> Tensor | None:
        return None if tensor.data_ptr() == place and tensor.shape == shape else tensor

    def again(tensor: Tensor | None) -> Tensor:
        return doubled(few) if tensor is None else tensor

    with saved_tensors_hooks(kept, again):
        return convolution(twice)


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
    blurred: Tensor = _Blur.apply(bordered)  # type: ignore[no-untyped-call]
    return blurred


class _Blur(torch.autograd.Function):
    """The same weights always, of which no slope is asked: so what is blurred need not be kept, as PyTorch does."""

    @staticmethod
    def forward(ctx: Any, bordered: Tensor) -> Tensor:
        ctx.over = (bordered.shape[2] - 1) % 2, (bordered.shape[3] - 1) % 2
        return conv2d(bordered, _kernel(bordered), stride=2, groups=bordered.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        channels = slope.shape[1]
        return conv_transpose2d(slope, _kernel(slope), stride=2, output_padding=ctx.over, groups=channels)


def _kernel(features: Tensor) -> Tensor:
    """Return the blur of 3 × 3 for each channel."""
    line = torch.tensor(BLUR, dtype=features.dtype, device=features.device)
    return torch.outer(line, line).expand(features.shape[1], 1, -1, -1)
