"""Layers that keep less for the backward pass than PyTorch's, with the same results: on a processor, in fp32.

A generator in training is as large as what its layers keep. PyTorch's ReLU keeps its result, and a border its whole
input, of which only the size is needed. Rota Bulò, Porzi & Kontschieder 2018, "In-Place Activated BatchNorm for
Memory-Optimized Training of DNNs" (arXiv:1712.02616): a normalisation and the activation after it need one plane
together. Here it is the one that came in, from which it is plain where the result was above zero: above the mean.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad, relu

from impasto._typing import Features
from impasto.nn.compute import learns_in_fp32


def rectified(norm: nn.Module, features: Features) -> Features:
    """Return the ReLU of normalised features.

    Args:
        norm: What normalises.
        features: Of any layout.
    """
    if isinstance(norm, nn.InstanceNorm2d) and not norm.affine and learns_in_fp32(features):
        lean: Tensor = _RectifiedNorm.apply(features, norm.eps)  # type: ignore[no-untyped-call]
        return lean
    return relu(norm(features))


def reflected(features: Tensor, border: int) -> Tensor:
    """Return features with a border of so many places, mirrored from within."""
    if learns_in_fp32(features):
        lean: Tensor = _Reflection.apply(features, border)  # type: ignore[no-untyped-call]
        return lean
    return pad(features, (border,) * 4, mode="reflect")


class _RectifiedNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, eps: float) -> Tensor:
        # pictures as channels of one; features with the channels last would be laid out anew for it
        pictures = [features.flatten(0, 1)[None]] if features.is_contiguous() else features.split(1)
        normal, means, scales = zip(
            *(torch.native_batch_norm(each, None, None, None, None, True, 0.0, eps) for each in pictures),
            strict=True,
        )
        ctx.eps, ctx.shape = eps, features.shape
        ctx.save_for_backward(features, torch.stack(means), torch.stack(scales))
        found = torch.cat(normal) if len(normal) > 1 else normal[0]
        return found.view_as(features).relu_()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        features, means, scales = ctx.saved_tensors
        batch, channels = ctx.shape[:2]
        slope = torch.where(features > means.view(batch, channels, 1, 1), slope, 0)
        if features.is_contiguous():
            slope, features = (each.contiguous().flatten(0, 1)[None] for each in (slope, features))
        pictures = zip(slope.split(1), features.split(1), means, scales, strict=True)
        found = [
            torch.ops.aten.native_batch_norm_backward(
                above, seen, None, None, None, mean, scale, True, ctx.eps, [True, False, False]
            )[0]
            for above, seen, mean, scale in pictures
        ]
        return (torch.cat(found) if len(found) > 1 else found[0]).view(ctx.shape), None


class _Reflection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, border: int) -> Tensor:
        ctx.shape, ctx.border = features.shape, border
        ctx.layout = torch.contiguous_format if features.is_contiguous() else torch.channels_last
        return pad(features, (border,) * 4, mode="reflect")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        inside = torch.empty(ctx.shape, dtype=slope.dtype, memory_format=ctx.layout)
        found: Tensor = torch.ops.aten.reflection_pad2d_backward(slope, inside, [ctx.border] * 4)
        return found, None
