"""PatchGAN: a discriminator that judges every patch of a picture (Isola et al. 2017, arXiv:1611.07004, 3.2.2).

C64-C128-C256-C512 of 4 × 4 convolutions, all but the last two of stride 2, then one channel of verdicts: with three
layers of stride 2 each verdict sees 70 × 70 pixels. A conditional one is given input and output side by side.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

from impasto._typing import Features
from impasto.errors import check_choice, check_whole
from impasto.nn.blocks import Norm, has_bias, norm_layer

WIDEST = 8
"""Layers are at most so many times as wide as the first."""


class PatchGAN(nn.Module):
    """Pictures in, a map of verdicts out: logits, the higher the more real.

    Example:
        >>> verdicts = PatchGAN(6)(torch.zeros(1, 6, 256, 256))  # (1, 1, 30, 30)
    """

    def __init__(
        self,
        in_channels: int,
        base_channels: int = 64,
        num_layers: int = 3,
        norm: Norm = "batch",
        padding: int = 1,
        spectral: bool = False,
    ) -> None:
        """Build.

        Args:
            in_channels: Of what is judged; of input and output together for a conditional one.
            base_channels: Channels of the first layer; the papers' are 64.
            num_layers: Layers of stride 2: 3 see 70 × 70 pixels.
            norm: What normalises.
            padding: Places around what each layer sees; Pix2PixHD and SPADE have 2.
            spectral: Whether spectral norms of normalised layers are 1; then they have no bias, as in SPADE.
        """
        super().__init__()
        check_choice("norm", norm, Norm)
        check_whole("num_layers", num_layers, 1, 8)
        widths = [base_channels * min(2**level, WIDEST) for level in range(num_layers + 1)]
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            narrow, stride = widths[level - 1] if level else in_channels, 2 if level < num_layers else 1
            bias = (has_bias(norm) and not spectral) or level == 0
            convolution = nn.Conv2d(narrow, width, 4, stride, padding=padding, bias=bias)
            self.convolutions.append(spectral_norm(convolution) if spectral and level else convolution)
            self.norms.append(norm_layer(norm if level else "none", width))
        self.verdict = nn.Conv2d(widths[-1], 1, 4, padding=padding)

    def forward(self, picture: Features) -> Float[Tensor, "b 1 _h _w"]:
        """Return verdicts."""
        return self.layers(picture)[-1]

    def layers(self, picture: Features) -> list[Tensor]:
        """Return the features of every layer, the verdicts last: what feature matching compares."""
        found = [picture]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            found.append(leaky_relu(norm(convolution(found[-1])), 0.2))
        return [*found[1:], self.verdict(found[-1])]

    @property
    def receptive_field(self) -> int:
        """How many pixels each way a verdict sees."""
        seen = 1
        for convolution in reversed([*self.convolutions, self.verdict]):
            assert isinstance(convolution, nn.Conv2d)
            seen = (seen - 1) * convolution.stride[0] + convolution.kernel_size[0]
        return seen


class MultiscaleDiscriminator(nn.Module):
    """PatchGANs that judge a picture at its size, at a half of it, and so on.

    Reference: Wang et al. 2018 (arXiv:1711.11585), section 3.2.

    Example:
        >>> fine, coarse = MultiscaleDiscriminator([PatchGAN(6), PatchGAN(6)]).layers(torch.zeros(1, 6, 256, 256))
    """

    def __init__(self, scales: Sequence[PatchGAN]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(scales)

    def layers(self, picture: Features) -> list[list[Tensor]]:
        """Return what each discriminator sees, layer by layer, its verdicts last; the finest first."""
        found = []
        for discriminator in self.scales:
            assert isinstance(discriminator, PatchGAN)
            found.append(discriminator.layers(picture))
            picture = avg_pool2d(picture, 3, stride=2, padding=1, count_include_pad=False)
        return found


class PixelGAN(nn.Module):
    """A discriminator that judges every pixel by itself: 1 × 1 convolutions (section 4.4 of the paper)."""

    def __init__(self, in_channels: int, base_channels: int = 64, norm: Norm = "batch") -> None:
        super().__init__()
        check_choice("norm", norm, Norm)
        bias = has_bias(norm)
        self.enter = nn.Conv2d(in_channels, base_channels, 1)
        self.widen = nn.Conv2d(base_channels, 2 * base_channels, 1, bias=bias)
        self.norm = norm_layer(norm, 2 * base_channels)
        self.verdict = nn.Conv2d(2 * base_channels, 1, 1, bias=bias)

    def forward(self, picture: Features) -> Float[Tensor, "b 1 h w"]:
        """Return verdicts, one a pixel."""
        features = leaky_relu(self.enter(picture), 0.2)
        verdicts: Tensor = self.verdict(leaky_relu(self.norm(self.widen(features)), 0.2))
        return verdicts
