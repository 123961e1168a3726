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
"""Added to the diagonal of both covariances, as a share of the target's mean variance, which counts as at least
1e-3 of the mean square of its features: without it the gradient of a constant channel is infinite, and that of
features that are constant everywhere NaN."""

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
    if guide is not None:
        guide = guide.to(features.device, torch.promote_types(features.dtype, torch.float32))
        guide = guide * (guide.numel() / guide.square().sum()).sqrt()
    mean, moment = _Moments.apply(features, guide)  # type: ignore[no-untyped-call]
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
        mean, covariance = _in_float64(style)
        variance = covariance.diagonal().mean()
        self.ridge = RIDGE * torch.maximum(variance, RIDGE * (mean.square().mean() + variance.abs()))
        self.mean, self.covariance = mean, _with_ridge(covariance, self.ridge)
        self.root = _symmetric_power(self.covariance, 0.5)
        self.scale = self.mean.square().sum() + self.covariance.trace()

    def loss(self, features: Gaussian) -> Scalar:
        """Return the squared Wasserstein distance, relative to that between the style and features that are 0.

        Convention: (|m − m_s|² + tr C + tr C_s − 2 tr (C_s^½ C C_s^½)^½) / (|m_s|² + tr C_s), a ridge of 1e-3 of
        the style's mean variance added to both covariances. NaN where features are not finite.
        """
        if not all(bool(each.isfinite().all()) for each in features):
            return (features.mean.sum() + features.covariance.sum()) * torch.nan
        mean, covariance = _in_float64(features)
        covariance = _with_ridge(covariance, self.ridge)
        overlap = _RootTrace.apply(self.root @ covariance @ self.root)  # type: ignore[no-untyped-call]
        distance = (mean - self.mean).square().sum()
        distance = distance + covariance.trace() + self.covariance.trace() - 2 * overlap
        loss: Tensor = (distance / self.scale).to(features.mean)
        return loss


class _Moments(torch.autograd.Function):
    """Mean and second moment of features over all positions, whose gradient is one 1×1 convolution of the features.

    Features stay in half precision in memory; sums are taken in fp32, over strips of rows. A guide, in fp32, weighs
    features in the second moment and, squared, in the mean; its squares sum to the number of positions.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, guide: Tensor | None) -> tuple[Tensor, Tensor]:
        channels, (height, width) = features.shape[1], features.shape[2:]
        dtype = torch.promote_types(features.dtype, torch.float32)
        mean = features.new_zeros(channels, dtype=dtype)
        moment = features.new_zeros(channels, channels, dtype=dtype)
        guides = features.new_ones(1, 1, height, width, dtype=dtype) if guide is None else guide
        rows = max(1, STRIP // width)
        for strip, weights in zip(features.split(rows, dim=2), guides.split(rows, dim=2), strict=True):
            precise = strip.to(dtype) if guide is None else strip.to(dtype) * weights
            moment += gram_matrix(precise)[0]
            # a product with a vector is several times as fast as a sum over two dimensions
            mean += precise.permute(0, 2, 3, 1).reshape(-1, channels).mT @ weights.flatten()
        mean, moment = mean / (height * width), moment / (height * width)
        ctx.save_for_backward(features, guide, mean)
        return mean, moment

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean: Tensor, of_moment: Tensor) -> tuple[Tensor, None]:
        features, guide, mean = ctx.saved_tensors
        positions = features[0, 0].numel()
        weight = (of_moment + of_moment.mT) / positions
        rounded = weight.to(features.dtype)
        # the bias corrects the shift of the mean that rounding the weights causes
        bias = of_mean / positions + (weight - rounded.to(weight.dtype)) @ mean
        slope = conv2d(features, rounded[:, :, None, None], bias.to(features.dtype))
        return slope if guide is None else slope * guide.square().to(slope.dtype), None


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


def _in_float64(style: Gaussian) -> tuple[Tensor, Tensor]:
    """Return both on the CPU in float64: first there, then converted, since Apple's GPUs have no float64."""
    mean, covariance = (each.cpu().double() for each in style)
    return mean, covariance


def _with_ridge(covariance: Tensor, ridge: Tensor) -> Tensor:
    return covariance + ridge * torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)


def _symmetric_power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = (vectors * values.clamp_min(0).pow(exponent)) @ vectors.mT
    return power
