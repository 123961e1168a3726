"""The U-Net generator of Pix2Pix (Isola, Zhu, Zhou & Efros 2017, arXiv:1611.07004, section 6.1.1).

Convolutions halve the picture until one place is left, and as many layers double it again; each of these also gets
what the encoder had at that size. Dropout in three layers of the decoder is the noise, at train and at test time.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from impasto._typing import Features
from impasto.errors import InputError, check_choice, check_whole
from impasto.nn.blocks import (
    Enlarge,
    Noise,
    Norm,
    Upsampling,
    convolved_by,
    has_bias,
    norm_layer,
    normalised_by,
)
from impasto.nn.strips import Source, bordered_by, side_by_side
from impasto.nn.translate import Generator

DROPOUT = 0.5
WIDEST = 8
"""Layers are at most so many times as wide as the first."""
FULL = 5
"""So many layers of the decoder, the outermost four and the innermost, are without dropout."""


class UNet(Generator):
    """A picture in, a picture of the same size out, in [-1, 1].

    Example:
        >>> network = UNet(3, 3)
        >>> fake = network(torch.zeros(1, 3, 256, 256))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,
        num_downs: int = 8,
        norm: Norm = "batch",
        dropout: bool = True,
        upsampling: Upsampling = "transposed",
    ) -> None:
        """Build.

        Args:
            in_channels: Of the input.
            out_channels: Of the output.
            base_channels: Channels after the first layer; the paper's are 64.
            num_downs: How often the size is halved: 8 for 256 pixels, 7 for 128.
            norm: What normalises.
            dropout: Whether there is noise.
            upsampling: The paper's transposed convolutions, or nearest upsampling and a convolution. Since four
                places that are alike can hardly become four pixels that are not, two convolutions follow in the
                end, of these features and the picture itself.
        """
        super().__init__()
        check_choice("norm", norm, Norm)
        check_choice("upsampling", upsampling, Upsampling)
        check_whole("num_downs", num_downs, FULL, 16)
        self.stride = self.smallest = 2**num_downs
        widths = [base_channels * min(2**level, WIDEST) for level in range(num_downs)]
        last, bias = num_downs - 1, has_bias(norm)
        self.down, self.down_norm = nn.ModuleList(), nn.ModuleList()
        self.up, self.up_norm = nn.ModuleList(), nn.ModuleList()
        self.mix: nn.Module | None = None
        self.leave: nn.Module | None = None
        for level, width in enumerate(widths):
            narrow = widths[level - 1] if level else in_channels
            self.down.append(nn.Conv2d(narrow, width, 4, stride=2, padding=1, bias=bias))
            self.down_norm.append(norm_layer(norm if 0 < level < last else "none", width))
            wide, out = width if level == last else 2 * width, widths[level - 1] if level else out_channels
            if upsampling == "resize" and not level:
                self.up.append(Enlarge(wide, width, bias))
                self.up_norm.append(norm_layer(norm, width))
                self.mix = nn.Conv2d(width + in_channels, width, 3, padding=1)
                self.leave = nn.Conv2d(width, out, 3, padding=1)
                continue
            self.up.append(_enlarging(wide, out, bias or level == 0, upsampling))
            self.up_norm.append(norm_layer(norm if level else "none", out))
        self.dropout = nn.ModuleList(
            Noise(DROPOUT if dropout and FULL - 1 <= level < last else 0.0) for level in range(num_downs)
        )

    def forward(self, picture: Features) -> Float[Tensor, "b d h w"]:
        """Return the picture's translation.

        Args:
            picture: `(b, in_channels, height, width)` in [-1, 1]; height and width multiples of `stride`.

        Raises:
            InputError: If they are not.
        """
        height, width = picture.shape[-2:]
        if height % self.stride or width % self.stride:
            raise InputError(
                f"the picture is {width}×{height} pixels; each side must be a multiple of {self.stride}"
            )
        painted = self._below(picture, 0)
        if self.mix is not None and self.leave is not None:
            painted = self.leave(relu(self.mix(torch.cat([relu(painted), picture], dim=1))))
        return painted.tanh()

    def _below(self, features: Features, level: int) -> Float[Tensor, "b d h w"]:
        """Return what layers from a level on make of features: of their own size."""
        narrow = leaky_relu(features, 0.2) if level else features
        inner = self.down_norm[level](self.down[level](narrow))
        if level < len(self.down) - 1:
            inner = torch.cat([inner, self._below(inner, level + 1)], dim=1)
        widened: Tensor = self.dropout[level](self.up_norm[level](self.up[level](relu(inner))))
        return widened

    def encoded(self, picture: Features, num_downs: int) -> Float[Tensor, "b d _h _w"]:
        """Return what the encoder gives after some of its layers, which is computed up to there.

        Args:
            picture: `(b, in_channels, height, width)` in [-1, 1].
            num_downs: How many, each of which halves the picture.
        """
        features = picture
        for level in range(num_downs):
            features = self.down_norm[level](self.down[level](leaky_relu(features, 0.2) if level else features))
        return features

    def in_strips(self, picture: Source) -> Source:
        """Return what paints strips of a picture's translation; the small layers inside are computed whole."""
        painted = self._below_in_strips(picture, 0)
        if self.mix is not None and self.leave is not None:
            mixed = bordered_by(self.mix, side_by_side(painted.mapped(relu), picture))
            painted = bordered_by(self.leave, mixed.mapped(relu))
        return painted.mapped(torch.tanh)

    def _below_in_strips(self, features: Source, level: int) -> Source:
        narrow = features.mapped(lambda strip: leaky_relu(strip, 0.2)) if level else features
        inner = normalised_by(self.down_norm[level], convolved_by(self.down[level], narrow))
        if level + 1 < FULL - 1:
            below = self._below_in_strips(inner, level + 1)
        else:
            whole = self._below(inner.read(0, inner.height), level + 1)
            below = Source(lambda top, bottom: whole[:, :, top:bottom], whole.shape[1], *whole.shape[2:])
        both = side_by_side(inner, below).mapped(relu)
        return normalised_by(self.up_norm[level], convolved_by(self.up[level], both))


def _enlarging(in_channels: int, out_channels: int, bias: bool, upsampling: Upsampling) -> nn.Module:
    if upsampling == "resize":
        return Enlarge(in_channels, out_channels, bias)
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
