"""The ResNet generator that Pix2Pix, Pix2PixHD, CycleGAN and CUT share.

Zhu, Park, Isola & Efros 2017 (arXiv:1703.10593, section 7.2), after Johnson, Alahi & Fei-Fei 2016:
c7s1-64, d128, d256, R256 × n, u128, u64, c7s1-3, padded by reflection. Pix2PixHD goes down four times.
"""

from collections.abc import Callable
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from impasto._typing import Features
from impasto.errors import InputError, check_choice, check_whole
from impasto.nn import antialias
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
from impasto.nn.lean import rectified, reflected
from impasto.nn.strips import Source, convolved, kept, source_of, summed, with_border
from impasto.nn.translate import Generator
from impasto.nn.winograd import Conv3x3

DROPOUT = 0.5


class ResnetBlock(nn.Module):
    """Two convolutions of 3 × 3 whose result is added to what came in."""

    def __init__(self, channels: int, norm: Norm, dropout: bool) -> None:
        super().__init__()
        self.first = Conv3x3(channels, channels, bias=has_bias(norm))
        self.first_norm = norm_layer(norm, channels)
        self.dropout = Noise(DROPOUT if dropout else 0.0)
        self.second = Conv3x3(channels, channels, bias=has_bias(norm))
        self.second_norm = norm_layer(norm, channels)

    def forward(self, features: Features) -> Features:
        """Return features of the same shape."""
        inner = self.dropout(rectified(self.first_norm, self.first(reflected(features, 1))))
        change: Tensor = self.second_norm(self.second(reflected(inner, 1)))
        return features + change

    def in_strips(self, source: Source) -> Source:
        """Return features of the same shape, strip by strip."""
        source = source_of(kept(source, self.first.weight.dtype))
        inner = in_strips(self.first, self.first_norm, source, 1).mapped(relu)
        if self.dropout.share:
            inner = source_of(kept(inner.mapped(self.dropout), self.first.weight.dtype))
        return summed(in_strips(self.second, self.second_norm, inner, 1), source)


class ResnetGenerator(Generator):
    """A picture in, a picture of the same size out, in [-1, 1].

    Example:
        >>> network = ResnetGenerator(3, 3)
        >>> fake = network(torch.zeros(1, 3, 256, 256))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,
        num_blocks: int = 9,
        norm: Norm = "instance",
        dropout: bool = False,
        upsampling: Upsampling = "transposed",
        num_downs: int = 2,
        antialiased: bool = False,
    ) -> None:
        """Build.

        Args:
            in_channels: Of the input.
            out_channels: Of the output.
            base_channels: Channels at full resolution; the papers' are 64.
            num_blocks: Residual blocks: 9 for 256 pixels and more, 6 for 128.
            norm: What normalises.
            dropout: Whether there is noise in the blocks.
            upsampling: Transposed convolutions as in the papers, or nearest upsampling and a convolution.
            num_downs: How often the size is halved.
            antialiased: Whether it is halved behind a blur and doubled smoothly, before a convolution, as in CUT;
                then there is no other `upsampling`.
        """
        super().__init__()
        check_choice("norm", norm, Norm)
        check_choice("upsampling", upsampling, Upsampling)
        check_whole("num_blocks", num_blocks, 0, 64)
        check_whole("num_downs", num_downs, 1, 8)
        self.stride, self.smallest, self.antialiased = 2**num_downs, 2 ** (num_downs + 1), antialiased
        bias, widths = has_bias(norm), [base_channels * 2**level for level in range(num_downs + 1)]
        narrow, wide = widths[0], widths[-1]
        self.enter = nn.Conv2d(in_channels, narrow, 7, bias=bias)
        self.enter_norm = norm_layer(norm, narrow)
        self.down = nn.ModuleList(
            Conv3x3(width, 2 * width, padding=1, bias=bias)
            if antialiased
            else nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias)
            for width in widths[:-1]
        )
        self.down_norm = nn.ModuleList(norm_layer(norm, width) for width in widths[1:])
        self.blocks = nn.ModuleList(ResnetBlock(wide, norm, dropout) for _ in range(num_blocks))
        self.up = nn.ModuleList(
            Conv3x3(width, width // 2, padding=1, bias=bias)
            if antialiased
            else enlarging(width, width // 2, bias, upsampling)
            for width in widths[:0:-1]
        )
        self.up_norm = nn.ModuleList(norm_layer(norm, width) for width in widths[-2::-1])
        self.leave = nn.Conv2d(narrow, out_channels, 7)

    def forward(self, picture: Features) -> Float[Tensor, "b d h w"]:
        """Return the picture's translation.

        Args:
            picture: `(b, in_channels, height, width)` in [-1, 1]; height and width multiples of `stride`.

        Raises:
            InputError: If they are not, or the picture is too small to be reflected.
        """
        height, width = picture.shape[-2:]
        if min(height, width) < self.smallest or height % self.stride or width % self.stride:
            raise InputError(
                f"the picture is {width}×{height} pixels; each side must be a multiple of {self.stride}, "
                f"at least {self.smallest}"
            )
        painted: Tensor = self.leave(reflected(self.features(picture), 3))
        return painted.tanh()

    def in_strips(self, picture: Source) -> Source:
        """Return what paints strips of a picture's translation; noise is drawn strip by strip."""
        return painted_in_strips(self.leave, self.features_in_strips(picture))

    def features_in_strips(self, picture: Source) -> Source:
        """Return what the last layer makes a picture of, strip by strip."""
        source = in_strips(self.enter, self.enter_norm, picture, 3).mapped(relu)
        for convolution, norm in zip(self.down, self.down_norm, strict=True):
            source = normalised_by(norm, convolved_by(convolution, source)).mapped(relu)
            source = antialias.halved_in_strips(source) if self.antialiased else source
        for block in self.blocks:
            assert isinstance(block, ResnetBlock)
            source = block.in_strips(source)
        for convolution, norm in zip(self.up, self.up_norm, strict=True):
            source = antialias.doubled_in_strips(source) if self.antialiased else source
            source = normalised_by(norm, convolved_by(convolution, source)).mapped(relu)
        return source

    def features(self, picture: Features) -> Float[Tensor, "b d h w"]:
        """Return what the last layer makes a picture of, `base_channels` of the picture's size."""
        features = self.encoded(picture, len(self.blocks))
        for convolution, norm in zip(self.up, self.up_norm, strict=True):
            enlarge = partial(antialias.doubled_by, convolution) if self.antialiased else convolution
            features = self.run(partial(_layer, enlarge, norm), features)
        return features

    def encoded(self, picture: Features, num_blocks: int) -> Float[Tensor, "b d _h _w"]:
        """Return what so many blocks make of a picture that was halved."""
        for block in self.blocks[:1]:
            assert isinstance(block, ResnetBlock)
            picture = block.first.laid_out(picture, self.stride)
        features = self.run(lambda inner: rectified(self.enter_norm, self.enter(reflected(inner, 3))), picture)
        for convolution, norm in zip(self.down, self.down_norm, strict=True):
            features = self.run(partial(_layer, convolution, norm), features)
            features = antialias.halved(features) if self.antialiased else features
        for block in self.blocks[:num_blocks]:
            features = self.run(block, features)
        return features


def _layer(convolution: Callable[[Tensor], Tensor], norm: nn.Module, features: Tensor) -> Tensor:
    return rectified(norm, convolution(features))


def in_strips(convolution: nn.Module, norm: nn.Module, source: Source, border: int) -> Source:
    """Return what a convolution of a reflected picture and a normalisation make of it, strip by strip."""
    return normalised_by(norm, convolved(convolution, source, border, "reflect"))


def painted_in_strips(convolution: nn.Module, source: Source) -> Source:
    """Return what the last layer paints of features, strip by strip."""
    assert isinstance(convolution, nn.Conv2d)
    return Source(
        lambda top, bottom: convolution(with_border(source, top - 3, bottom + 3, 3)).tanh(),
        convolution.out_channels,
        source.height,
        source.width,
    )


def enlarging(in_channels: int, out_channels: int, bias: bool, upsampling: Upsampling) -> nn.Module:
    """Return what doubles height and width."""
    if upsampling == "resize":
        return Enlarge(in_channels, out_channels, bias)
    return nn.ConvTranspose2d(in_channels, out_channels, 3, 2, padding=1, output_padding=1, bias=bias)
