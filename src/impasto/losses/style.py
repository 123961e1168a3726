"""Style: which features a painting has, and which of them occur together, anywhere in it."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from impasto._typing import Features, Scalar, Weight
from impasto.errors import check_choice
from impasto.losses.scaling import Scaling

EPSILON = 1e-5
"""Added to the variance of a channel, so that one that never changes can be divided by."""


def gram_matrix(features: Features) -> Float[Tensor, "b c c"]:
    """Sum the products of every two channels over all places.

    The diagonal tells how common a feature is, the rest which features occur together.

    Convention: a plain sum, not divided by anything; `style_loss` divides.

    Args:
        features: What one layer gives, `(b, c, height, width)`.

    Returns:
        The Gram matrices `(b, c, c)`, in fp32 when the features are in half precision.

    Reference: Gatys, Ecker & Bethge 2016, equation 3.
    """
    singles = features.split(1) if len(features) > 1 else [features]
    return torch.cat([_Gram.apply(single) for single in singles])  # type: ignore[no-untyped-call]


def guided_gram_matrix(features: Features, guide: Weight) -> Float[Tensor, "b c c"]:
    """Sum the products of every two channels over one region.

    Convention: the guide weighs the features, so it enters squared, and its squares are scaled to sum to the
    number of places; a guide that is 1 everywhere gives `gram_matrix`.

    Args:
        features: What one layer gives, `(b, c, height, width)`.
        guide: The region at the layer's own size; not zero everywhere.

    Reference: Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, equations 4-5.
    """
    guide = guide.to(torch.promote_types(features.dtype, torch.float32))
    guide = guide * (guide.numel() / guide.square().sum()).sqrt()
    return gram_matrix(features * guide.to(features.dtype))


def moments(features: Features) -> tuple[Float[Tensor, "b c 1 1"], Float[Tensor, "b c 1 1"]]:
    """Return mean and standard deviation of every channel over all places.

    Convention: the variance divides by the number of places less one, and 1e-5 is added before the root, as in the
    widespread code for AdaIN; Huang & Belongie 2017 divide by the number of places (equation 6).

    Args:
        features: What one layer gives, `(b, c, height, width)`, at least two places.

    Returns:
        Mean and deviation, in fp32 when the features are in half precision.
    """
    precise = features.to(_accumulator(features))
    mean = precise.mean(dim=(2, 3), keepdim=True)
    # in two passes, which a CPU does ten times as fast as torch.var_mean
    squares = (precise - mean).square().sum(dim=(2, 3), keepdim=True)
    return mean, (squares / (features.shape[2] * features.shape[3] - 1) + EPSILON).sqrt()


def style_loss(
    gram: Float[Tensor, "b c c"],
    target: Float[Tensor, "b c c"],
    places: int,
    target_places: int,
    scaling: Scaling = "relative",
) -> Scalar:
    """Compare two Gram matrices.

    Convention: with A the target and G the other one, each divided by its number of places N and C channels,
    `paper` is Σ(G − A)² / (4 C²), which is the paper's equation 4 for pictures of equal size;
    `relative` is Σ(G − A)² / Σ A², so that every layer weighs the same whatever its numbers are.

    Args:
        gram: Of the picture being painted.
        target: Of the style.
        places: Height times width of the layer for the picture.
        target_places: Height times width of the layer for the style.
        scaling: See Convention.

    Raises:
        SettingError: If there is no such scaling.
    """
    return style_losses(gram, target, places, target_places, scaling).mean()


def style_losses(
    gram: Float[Tensor, "b c c"],
    target: Float[Tensor, "b c c"],
    places: int,
    target_places: int,
    scaling: Scaling = "relative",
) -> Float[Tensor, " b"]:
    """Compare each Gram matrix of a batch with its own target; see `style_loss`."""
    check_choice("scaling", scaling, Scaling)
    target = target / target_places
    difference = (gram / places - target).square().sum(dim=(1, 2))
    if scaling == "paper":
        return difference / (4 * target.shape[-1] ** 2)
    return difference / target.square().sum(dim=(1, 2))


class _Gram(torch.autograd.Function):
    """The Gram matrix as oneDNN computes it fastest.

    F·Fᵀ is the weight gradient of a 1×1 convolution whose input and output gradient are both F, and the
    gradient of it is a 1×1 convolution of F. Both run at the speed of convolutions in the layout that the
    network uses, where a matrix product of the flattened features would be slower.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        channels = features.shape[1]
        if features.device.type != "cpu":
            flat = features.flatten(2)
            product: Tensor = flat @ flat.mT
            return product.to(_accumulator(features))
        weight = features.new_empty(channels, channels, 1, 1)
        _, gram, _ = torch.ops.aten.convolution_backward(
            features, features, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [False, True, False]
        )
        summed: Tensor = gram.view(1, channels, channels)
        return summed.to(_accumulator(features))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        weight = (gradient + gradient.mT).to(features.dtype)
        return conv2d(features, weight.view(*weight.shape[1:], 1, 1))


def _accumulator(features: Tensor) -> torch.dtype:
    return torch.promote_types(features.dtype, torch.float32)
