"""Pieces that the generators and discriminators of image translation share."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, pad

from impasto.nn.compute import learns_in_fp32
from impasto.nn.phases import convolve_enlarged
from impasto.nn.strips import Convolved, Source, convolved, enlarged, normalised, source_of, transposed

FEW = 256
"""Places up to which `Enlarge` repeats them: adding up weights for all phases would cost more than it saves."""

Norm = Literal["batch", "instance", "none"]
Upsampling = Literal["transposed", "resize"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return what normalises so many channels: learnt scale and shift for `batch`, none for `instance`.

    Batch normalisation takes the statistics of the batch at hand, when a network is applied as in training
    (Isola et al. 2017, section 3.3), so that both give the same picture.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels, track_running_stats=False)
    return InstanceNorm(channels) if norm == "instance" else nn.Identity()


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation (Ulyanov, Vedaldi & Lempitsky 2016; arXiv:1607.08022) with a correct gradient.

    `instance_norm` of torch 2.13 has a wrong gradient for a batch of one image when the incoming gradient has the
    channels last (relative error 1.4, any dtype). Wherever a gradient is needed, a batch of one is therefore
    normalised by `batch_norm`, which is the same formula there and correct in every layout.

    For larger batches PyTorch's version copies channels-last features to another layout and back. In fp32 on a CPU
    it is faster to normalise them image by image, at the cost of rounding errors of about 1e-4; this is done in
    training only.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return features of mean 0 and variance 1 in each channel of each image, scaled and shifted if affine."""
        learns = features.requires_grad or self.affine
        one_with_gradient = len(features) == 1 and torch.is_grad_enabled() and learns
        if not one_with_gradient and (features.is_contiguous() or not learns_in_fp32(features)):
            normal: Tensor = super().forward(features)
            return normal
        each = [
            batch_norm(one, None, None, self.weight, self.bias, True, 0.0, self.eps) for one in features.split(1)
        ]
        return torch.cat(each) if len(each) > 1 else each[0]


def has_bias(norm: Norm) -> bool:
    """Return whether a convolution before a normalisation has a bias: batch normalisation brings one itself."""
    return norm != "batch"


def normalised_by(norm: nn.Module, layer: Convolved) -> Source:
    """Return a layer normalised in strips by what `norm_layer` gave."""
    if isinstance(norm, nn.Identity):
        return source_of(layer.plane)
    assert isinstance(norm, nn.BatchNorm2d | nn.InstanceNorm2d)
    channels = layer.mean.new_ones(1, layer.plane.channels, 1, 1)
    if norm.weight is None or norm.bias is None:
        return normalised(layer, (channels, torch.zeros_like(channels)), norm.eps)
    style = norm.weight.float()[:, None, None] * channels, norm.bias.float()[:, None, None] * channels
    return normalised(layer, style, norm.eps)


def convolved_by(convolution: nn.Module, source: Source) -> Convolved:
    """Convolve in strips by a convolution that doubles or reduces the size, or keeps it with zeros around."""
    if isinstance(convolution, Enlarge):
        return enlarged(convolution.convolution, source)
    if isinstance(convolution, nn.ConvTranspose2d):
        return transposed(convolution, source)
    assert isinstance(convolution, nn.Conv2d)
    return convolved(convolution, source, int(convolution.padding[0]), "constant")


class Noise(nn.Module):
    """Dropout that stays when a network is applied: what makes its results differ.

    Reference: Isola et al. 2017 (arXiv:1611.07004), section 3.1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, features: Tensor) -> Tensor:
        """Return features of which a share is zero, the rest scaled up for it.

        Which ones follows from the seed and the shape alone, not from how features lie in memory.
        """
        if not self.share:
            return features
        kept = torch.empty(features.shape, dtype=features.dtype, device=features.device)
        return features * kept.bernoulli_(1 - self.share).div_(1 - self.share)


class Enlarge(nn.Module):
    """Nearest upsampling to twice the size and a 3 × 3 convolution: no checkerboard to begin with.

    Reference: Odena, Dumoulin & Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return features twice as high and wide."""
        batch, _, height, width = features.shape
        if isinstance(height, int) and isinstance(width, int) and batch * height * width <= FEW:
            twice = interpolate(features, scale_factor=2, mode="nearest")
            plain: Tensor = self.convolution(pad(twice, (1, 1, 1, 1), mode="replicate"))
            return plain
        return convolve_enlarged(pad(features, (1, 1, 1, 1), mode="replicate"), self.convolution)


@torch.no_grad()
def init_normal(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw weights of convolutions from N(0, deviation²), scales from N(1, deviation²); biases and shifts are 0.

    Reference: Radford, Metz & Chintala 2016 (arXiv:1511.06434), section 3.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.weight.normal_(0, deviation)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1, deviation)
        else:
            continue
        if module.bias is not None:
            module.bias.zero_()
