"""The image transformation network that one-pass styles share: what is painted is in it, how is a row of numbers.

Johnson et al. 2016: c9s1-32, d64, d128, R128 ×5, u64, u32, c9s1-3, with instance normalisation (Ulyanov et al.
2016). Every normalised layer scales and shifts its channels by numbers that come from outside, so that a style is
a row of them (Dumoulin et al. 2016): one row that is trained along makes Johnson's network, a table of rows one of
many styles, and a network that predicts the row one of any style. Rows mix; mixed place by place they paint
regions.

**Deviations** from Johnson et al.: nearest upsampling then convolution instead of transposed convolutions, which
leave a checkerboard (Odena et al. 2016); reflection padding inside the residual blocks too, where the paper crops;
a sigmoid at the end, since pictures are in [0, 1].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, batch_norm, pad, relu

from impasto._typing import Picture
from impasto.errors import InputError, SettingError
from impasto.nn.lean import reflected
from impasto.nn.phases import convolve_enlarged, convolve_four_places

STRIDE = 4
"""Height and width are reduced by this inside, and must be multiples of it."""
SMALLEST = 8
"""Pixels each way that reflection padding needs, at the lowest resolution and at the highest."""

EPSILON = 1e-5


@dataclass(frozen=True)
class Painting:
    """How to paint: rows of numbers, and how much each of them counts where.

    Attributes:
        rows: One style a row, scales of all normalised channels and then shifts, layer by layer.
        weights: Of each row, for the whole picture `(b, k, 1, 1)` or place by place `(b, k, height, width)`;
            they should sum to 1 over k.
    """

    rows: Float[Tensor, "k n"]
    weights: Float[Tensor, "b k _h _w"]

    @classmethod
    def plain(cls, row: Float[Tensor, "b n"]) -> "Painting":
        """Return one style for each picture of a batch, everywhere."""
        return cls(row, torch.eye(len(row), device=row.device, dtype=row.dtype)[:, :, None, None])

    @classmethod
    def blend(cls, rows: Float[Tensor, "k n"], shares: Float[Tensor, " k"]) -> "Painting":
        """Return a mixture of styles, the same everywhere, for one picture."""
        return cls(rows, (shares / shares.sum())[None, :, None, None])


class TransformNetwork(nn.Module):
    """A picture in, a painted picture of the same size out, in one pass.

    Example:
        >>> network = TransformNetwork()
        >>> painted = network(picture, Painting.plain(row))
    """

    def __init__(self, base_channels: int = 32, num_blocks: int = 5) -> None:
        super().__init__()
        narrow, middle, wide = base_channels, 2 * base_channels, 4 * base_channels
        self.enter = _convolution(3, narrow, 9)
        self.down = nn.ModuleList([_convolution(narrow, middle, 3, 2), _convolution(middle, wide, 3, 2)])
        self.blocks = nn.ModuleList([_convolution(wide, wide, 3) for _ in range(2 * num_blocks)])
        self.up = nn.ModuleList([_convolution(wide, middle, 3), _convolution(middle, narrow, 3)])
        self.leave = _convolution(narrow, 3, 9)
        self.widths = (narrow, middle, wide, *[wide] * 2 * num_blocks, middle, narrow)

    @property
    def row_length(self) -> int:
        """How many numbers a style has: a scale and a shift for every normalised channel."""
        return 2 * sum(self.widths)

    def plain_rows(self, styles: int) -> Float[Tensor, "{styles} n"]:
        """Return rows to begin training with: every scale 1, every shift 0."""
        return torch.cat([torch.ones(styles, sum(self.widths)), torch.zeros(styles, sum(self.widths))], dim=1)

    def forward(self, picture: Picture, painting: Painting) -> Picture:
        """Paint.

        Args:
            picture: RGB in [0, 1]; height and width are multiples of `STRIDE`.
            painting: What to paint after.

        Raises:
            InputError: If the picture is too small or no multiple of the stride.
            SettingError: If rows have not the network's length.
        """
        self.check(picture.shape[-2], picture.shape[-1], painting)
        styles = self.styles(painting)
        features = picture.to(self.enter.weight)
        features = relu(_normalised(self.enter(reflected(features, 4)), *next(styles)))
        for convolution in self.down:
            features = relu(_normalised(convolution(reflected(features, 1)), *next(styles)))
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            inner = relu(_normalised(first(reflected(features, 1)), *next(styles)))
            features = features + _normalised(second(reflected(inner, 1)), *next(styles))
        for convolution in self.up:
            edged = pad(features, (1, 1, 1, 1), mode="replicate")
            features = relu(_normalised(convolve_enlarged(edged, convolution), *next(styles)))
        return self.finished(convolve_four_places(reflected(features, 4), self.leave))

    def finished(self, values: Picture) -> Picture:
        """Return the picture that the last convolution's values stand for."""
        return values.float().sigmoid()

    def check(self, height: int, width: int, painting: Painting) -> None:
        """Raise unless a picture of a size can be painted so.

        Raises:
            InputError: If the picture is too small or no multiple of the stride.
            SettingError: If rows have not the network's length.
        """
        if min(height, width) < SMALLEST or height % STRIDE or width % STRIDE:
            raise InputError(
                f"the picture is {width}×{height} pixels; each side must be a multiple of {STRIDE}, "
                f"at least {SMALLEST}"
            )
        if painting.rows.shape[1] != self.row_length:
            raise SettingError(
                f"a style has {painting.rows.shape[1]} numbers, this network takes {self.row_length}; "
                "it was trained for a network of another width"
            )

    def styles(self, painting: Painting) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield scale and shift of each normalised layer, `(b, c, 1, 1)` or at the layer's own size."""
        scales, shifts = (half.split(self.widths, dim=1) for half in painting.rows.chunk(2, dim=1))
        reductions = (1, 2, *[STRIDE] * (len(self.widths) - 4), 2, 1)
        for scale, shift, reduction in zip(scales, shifts, reductions, strict=True):
            weights = painting.weights
            if weights.shape[-1] > 1 and reduction > 1:
                weights = adaptive_avg_pool2d(
                    weights, (weights.shape[-2] // reduction, weights.shape[-1] // reduction)
                )
            mixed = (torch.einsum("bkhw,kc->bchw", weights, numbers) for numbers in (scale, shift))
            yield next(mixed), next(mixed)


def _convolution(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, stride)


def _normalised(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise each channel of each picture over its positions, then scale and shift it; statistics are in fp32.

    One scale for a whole picture makes it batch normalisation of a batch of one: one pass over memory where the
    formula written out takes ten.
    """
    if scale.shape[-2:] == (1, 1):
        scales, shifts = (each.flatten(1).expand(len(features), -1) for each in (scale, shift))
        pictures = zip(features.split(1), scales, shifts, strict=True)
        found = [batch_norm(one, None, None, gain, bias, True, 0.0, EPSILON) for one, gain, bias in pictures]
        return torch.cat(found) if len(found) > 1 else found[0]
    centred = features.float()
    centred = centred - centred.mean(dim=(2, 3), keepdim=True)
    gain = scale * (centred.square().mean(dim=(2, 3), keepdim=True) + EPSILON).rsqrt()
    return torch.addcmul(shift, centred, gain).to(features.dtype)
