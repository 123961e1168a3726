"""Pieces that the generators and discriminators of image translation share."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, pad

from impasto.nn.phases import convolve_enlarged

Norm = Literal["batch", "instance", "none"]
Upsampling = Literal["transposed", "resize"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return what normalises so many channels: learnt scale and shift for `batch`, none for `instance`.

    Batch normalisation takes the statistics of the batch at hand, when a network is applied as in training
    (Isola et al. 2017, section 3.3), so that both give the same picture.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels, track_running_stats=False)
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.Identity()


def has_bias(norm: Norm) -> bool:
    """Return whether a convolution before a normalisation has a bias: batch normalisation brings one itself."""
    return norm != "batch"


class Noise(nn.Module):
    """Dropout that stays when a network is applied: what makes its results differ.

    Reference: Isola et al. 2017 (arXiv:1611.07004), section 3.1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, features: Tensor) -> Tensor:
        """Return features of which a share is zero, the rest scaled up for it."""
        return dropout(features, self.share) if self.share else features


class Enlarge(nn.Module):
    """Nearest upsampling to twice the size and a 3 × 3 convolution: no checkerboard to begin with.

    Reference: Odena, Dumoulin & Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return features twice as high and wide."""
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
