"""Style as Gaussians: the Wasserstein distance between the means and covariances of features.

The squared error of Gram matrices is dominated by their largest entries: colours and textures that the painting
does not have cost next to nothing there. The Wasserstein distance between Gaussians grows with square roots of
eigenvalues, so that weak directions count too, and colours that are not in the painting are removed.

Reference: Vacher, Davila, Kohn & Coen-Cagli, "Texture Interpolation for Probing Visual Perception", NeurIPS 2020
(arXiv:2006.03698); the distance between Gaussians is that of Dowson & Landau 1982. The same loss is the default of
crowsonkb/style-transfer-pytorch.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from impasto._typing import Features, Scalar, Weight
from impasto.losses.style import gram_matrix

RIDGE = 1e-3
"""Added to the diagonal of both covariances, as a share of the target's mean variance: a channel that never changes
has an infinite slope without it."""

STRIP = 2**13
"""Positions converted to fp32 at a time: few enough to stay in a processor's cache."""


class Gaussian(NamedTuple):
    """Mean and covariance of the features of one layer over all positions, in fp32.

    Attributes:
        mean: `(c,)`.
        covariance: `(c, c)`.
    """

    mean: Float[Tensor, " c"]
    covariance: Float[Tensor, "c c"]


def gaussian(features: Features, guide: Weight | None = None) -> Gaussian:
    """Return mean and covariance of features over all positions, or over one region.

    Always in fp32: the covariance is a difference of sums, and in bf16 its small eigenvalues, which matter most
    here, would be rounding errors.

    Convention: the covariance divides by the number of positions; a guide weighs features as in
    `losses.style.guided_gram_matrix`, squared.

    Args:
        features: Of one picture and one layer, `(1, c, height, width)`.
        guide: The region at the layer's own size, in [0, 1], not zero everywhere; everywhere 1 if not given.
    """
    positions = features[0, 0].numel()
    if guide is None:
        mean, moment = _Moments.apply(features)  # type: ignore[no-untyped-call]
    else:
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        guide = guide.to(features) * (positions / guide.to(features).square().sum()).sqrt()
        mean = (features * guide.square()).mean(dim=(2, 3))[0]
        moment = gram_matrix(features * guide)[0] / positions
    return Gaussian(mean, moment - torch.outer(mean, mean))


class WassersteinTarget:
    """The Gaussian of a style's features, with the root of its covariance computed once.

    Roots are computed in float64 on the CPU: eigenvalues of a product of two covariances span more orders of
    magnitude than fp32 resolves, and the small ones matter most here.

    Example:
        >>> target = WassersteinTarget(gaussian(style_features))
        >>> target.loss(gaussian(features)).backward()
    """

    def __init__(self, style: Gaussian) -> None:
        mean, covariance = (each.to("cpu", torch.float64) for each in style)
        self.ridge = RIDGE * covariance.diagonal().mean()
        self.mean, self.covariance = mean, _with_ridge(covariance, self.ridge)
        self.root = _symmetric_power(self.covariance, 0.5)
        self.scale = self.mean.square().sum() + self.covariance.trace()

    def loss(self, features: Gaussian) -> Scalar:
        """Return the squared Wasserstein distance, relative to that between the style and features that are 0.

        Convention: (|m − m_s|² + tr C + tr C_s − 2 tr (C_s^½ C C_s^½)^½) / (|m_s|² + tr C_s), a ridge of 1e-3 of
        the style's mean variance added to both covariances.
        """
        mean, covariance = (each.to("cpu", torch.float64) for each in features)
        covariance = _with_ridge(covariance, self.ridge)
        overlap = _RootTrace.apply(self.root @ covariance @ self.root)  # type: ignore[no-untyped-call]
        distance = (mean - self.mean).square().sum()
        distance = distance + covariance.trace() + self.covariance.trace() - 2 * overlap
        loss: Tensor = (distance / self.scale).to(features.mean)
        return loss


class _Moments(torch.autograd.Function):
    """Mean and second moment of features over all positions, whose gradient is one 1×1 convolution of the features.

    Features stay in half precision in memory; sums are taken in fp32, over strips of rows.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        channels, (height, width) = features.shape[1], features.shape[2:]
        dtype = torch.promote_types(features.dtype, torch.float32)
        mean, moment = (
            features.new_zeros(channels, dtype=dtype),
            features.new_zeros(channels, channels, dtype=dtype),
        )
        for strip in features.split(max(1, STRIP // width), dim=2):
            precise = strip.to(dtype)
            moment += gram_matrix(precise)[0]
            # a product with ones is several times as fast as a sum over two dimensions
            rows = precise.permute(0, 2, 3, 1).reshape(-1, channels)
            mean += rows.mT @ rows.new_ones(len(rows))
        mean, moment = mean / (height * width), moment / (height * width)
        ctx.save_for_backward(features, mean)
        return mean, moment

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean: Tensor, of_moment: Tensor) -> Tensor:
        features, mean = ctx.saved_tensors
        positions = features[0, 0].numel()
        weight = (of_moment + of_moment.mT) / positions
        rounded = weight.to(features.dtype)
        # what rounding of the weights does to the mean of the features is put right by the bias
        bias = of_mean / positions + (weight - rounded.to(weight.dtype)) @ mean
        return conv2d(features, rounded[:, :, None, None], bias.to(features.dtype))


class _RootTrace(torch.autograd.Function):
    """The trace of the square root of a symmetric positive matrix, whose gradient is half its inverse root.

    `torch.linalg.eigh` could be differentiated too, but not where eigenvalues are equal; the trace has a gradient
    there.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        values = values.clamp_min(torch.finfo(values.dtype).eps * values[-1])
        ctx.save_for_backward(values, vectors)
        total: Tensor = values.sqrt().sum()
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        values, vectors = ctx.saved_tensors
        slope: Tensor = (vectors * (gradient / 2 * values.rsqrt())) @ vectors.mT
        return slope


def _with_ridge(covariance: Tensor, ridge: Tensor) -> Tensor:
    return covariance + ridge * torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)


def _symmetric_power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = (vectors * values.clamp_min(0).pow(exponent)) @ vectors.mT
    return power
