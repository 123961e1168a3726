"""Convolutions of 3 × 3 learnt with a fraction of the multiplications, on processors that multiply in fp32.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks" (arXiv:1509.09308), F(4 × 4, 3 × 3): 16
neighbouring places of a result are made of 6 × 6 of the input. Taken to another basis, where a convolution is a
product place by place, they cost 36 multiplications for each pair of channels instead of 144:

    Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A                                                          (equation 8)

Summed over channels the products are 36 products of matrices. The same holds for both gradients, since each step is
linear in the picture and in the weights. The libraries that PyTorch calls on x86 have no such convolution. Results
are those of the plain layer up to rounding, about five times as much of it: some 10⁻⁵ of the largest value.
"""

from collections.abc import Iterator
from math import isqrt
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from impasto.nn.compute import learns_in_fp32

BASE = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
"""Bᵀ, which takes a tile of the input to the basis."""
KERNEL_BASE = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
"""G, which takes weights there."""
BACK = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
"""Aᵀ, which brings results back."""
TILE, PLACES = 4, 36
"""Rows and columns of the result that are computed together, and numbers that a tile is in the basis."""
LEAST = 64
"""Channels in and out from which the products outweigh going there and back."""
FEWEST = 32
"""Tiles from which taking the weights there is not most of the work."""
STRIP = 5_000_000
"""Numbers in the basis that are there at once: with fewer, threads wait for each other; more take more memory."""


class Conv3x3(nn.Conv2d):
    """A convolution of 3 × 3 and stride 1, which learns by Winograd's algorithm where that is faster."""

    def __init__(self, in_channels: int, out_channels: int, padding: int = 0, bias: bool = True) -> None:
        """Build.

        Args:
            in_channels: Of the input.
            out_channels: Of the output.
            padding: Rows and columns of zeros on every side.
            bias: Whether there is one.
        """
        super().__init__(in_channels, out_channels, 3, padding=padding, bias=bias)

    def forward(self, features: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b d _h2 _w2"]:
        """Return the convolution, `(b, out_channels, height + 2 × padding − 2, width + 2 × padding − 2)`."""
        weight = self.weight  # once: with spectral normalisation it is another one each time
        if self._pays(features, weight):
            return convolve(features, weight, self.bias, int(self.padding[0]))
        plain: Tensor = self._conv_forward(features, weight, self.bias)
        return plain

    def laid_out(self, features: Float[Tensor, "b c h w"], reduced: int = 1) -> Float[Tensor, "b c h w"]:
        """Return features laid out for what this layer is a part of: with the channels last if it is faster so.

        Args:
            features: What goes into the network, of any layout.
            reduced: How many times as high and wide they are as those that this layer sees.
        """
        pays = self._pays(features[:, :, ::reduced, ::reduced], self.weight)
        return features.contiguous(memory_format=torch.channels_last) if pays else features

    def _pays(self, features: Tensor, weight: Tensor) -> bool:
        """Tell whether this is faster: in training in fp32 on a processor, if channels and places are many."""
        batch, _, height, width = features.shape
        return (
            learns_in_fp32(weight)
            and features.dtype == weight.dtype
            and min(self.in_channels, self.out_channels) >= LEAST
            and batch * height * width >= FEWEST * TILE**2
        )


def convolve(
    features: Float[Tensor, "b c _h _w"],
    weight: Float[Tensor, "d c 3 3"],
    bias: Float[Tensor, " d"] | None = None,
    padding: int = 0,
) -> Float[Tensor, "b d _h2 _w2"]:
    """Return the convolution by 3 × 3 of stride 1, as `torch.nn.functional.conv2d` does.

    Args:
        features: To convolve.
        weight: Of the layer.
        bias: Of the layer.
        padding: Rows and columns of zeros on every side of the features.
    """
    found: Tensor = _Convolution.apply(features, weight, bias, padding)  # type: ignore[no-untyped-call]
    return found


class _Shape(NamedTuple):
    """Of a convolution: its batch, channels, the height and width of its result, and the tiles that cover it."""

    batch: int
    channels: int
    out_channels: int
    height: int
    width: int

    @property
    def down(self) -> int:
        return -(-self.height // TILE)

    @property
    def across(self) -> int:
        return -(-self.width // TILE)

    def strips(self) -> Iterator[slice]:
        """Return rows of tiles that are computed together."""
        each = PLACES * self.batch * self.across * (self.channels + self.out_channels)
        count = -(-self.down // max(1, STRIP // each))
        rows = -(-self.down // count)
        return (slice(top, min(top + rows, self.down)) for top in range(0, self.down, rows))

    def covered(self, features: Tensor, padding: int) -> Tensor:
        """Return features with zeros around, as far as tiles reach."""
        height, width = (side + 2 * padding for side in features.shape[2:])
        right, below = TILE * self.across + 2 - width + padding, TILE * self.down + 2 - height + padding
        return pad(features, (padding, right, padding, below)) if padding or right or below else features


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        batch, channels, height, width = features.shape
        shape = _Shape(batch, channels, weight.shape[0], height + 2 * padding - 2, width + 2 * padding - 2)
        ctx.save_for_backward(features, weight)
        ctx.shape, ctx.padding, ctx.has_bias = shape, padding, bias is not None
        covered, kernel, back = shape.covered(features, padding), _kernel(weight), _matrix(BACK, weight)
        layout = torch.contiguous_format if features.is_contiguous() else torch.channels_last
        size = (batch, shape.out_channels, TILE * shape.down, TILE * shape.across)
        found = torch.empty(size, dtype=features.dtype, device=features.device, memory_format=layout)
        tiles = _by_tile(found)
        for rows in shape.strips():
            products = torch.bmm(_tiles(covered, rows).flatten(1, 3), kernel)
            results = _taken(products, back).view(TILE, TILE, batch, -1, shape.across, shape.out_channels)
            if bias is not None:
                results += bias
            tiles[:, :, rows] = results.permute(2, 5, 3, 0, 4, 1)
        return found[:, :, : shape.height, : shape.width]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        features, weight = ctx.saved_tensors
        shape: _Shape = ctx.shape
        right, below = TILE * shape.across - shape.width, TILE * shape.down - shape.height
        slopes = _by_tile(pad(slope, (0, right, 0, below)) if right or below else slope)
        covered, kernel = shape.covered(features, ctx.padding), _kernel(weight).transpose(1, 2)
        there, back = _matrix(BACK, weight).T, _matrix(BASE, weight).T
        for_features = _Overlapping(features, shape) if ctx.needs_input_grad[0] else None
        for_kernel = weight.new_zeros(PLACES, shape.channels, shape.out_channels)
        for rows in shape.strips():
            tiles = slopes[:, :, rows].permute(3, 5, 0, 2, 4, 1).flatten(0, 1).flatten(1, 3)
            products = _taken(tiles, there)
            if for_features is not None:
                for_features.add(_taken(torch.bmm(products, kernel), back), rows)
            if ctx.needs_input_grad[1]:
                for_kernel.baddbmm_(_tiles(covered, rows).flatten(1, 3).transpose(1, 2), products)
        for_weight = _taken(for_kernel, _matrix(KERNEL_BASE, weight).T).unflatten(0, (3, 3)).permute(3, 2, 0, 1)
        return (
            None if for_features is None else for_features.found(ctx.padding),
            for_weight if ctx.needs_input_grad[1] else None,
            slope.sum(dim=(0, 2, 3)) if ctx.has_bias else None,
            None,
        )


class _Overlapping:
    """Adds up tiles of 6 × 6 that overlap by two rows and two columns."""

    def __init__(self, features: Tensor, shape: _Shape) -> None:
        self.shape, self.size = shape, features.shape[2:]
        self.sums = features.new_zeros(shape.batch, shape.down + 1, TILE, shape.across + 1, TILE, shape.channels)

    def add(self, tiles: Tensor, rows: slice) -> None:
        """Add rows of tiles, `(36, tiles, channels)`."""
        shape = self.shape
        each = tiles.view(TILE + 2, TILE + 2, shape.batch, -1, shape.across, shape.channels)
        each = each.permute(2, 3, 0, 4, 1, 5)
        above, beneath = self.sums[:, rows], self.sums[:, rows.start + 1 : rows.stop + 1, :2]
        for sums, part in ((above, each[:, :, :TILE]), (beneath, each[:, :, TILE:])):
            sums[:, :, :, :-1] += part[:, :, :, :, :TILE]
            sums[:, :, :, 1:, :2] += part[:, :, :, :, TILE:]

    def found(self, padding: int) -> Tensor:
        """Return what was added up, without what lies outside of the features."""
        (height, width), shape = self.size, self.shape
        whole = self.sums.view(shape.batch, TILE * (shape.down + 1), TILE * (shape.across + 1), shape.channels)
        return whole[:, padding : padding + height, padding : padding + width].permute(0, 3, 1, 2)


def _tiles(covered: Tensor, rows: slice) -> Tensor:
    """Return rows of tiles in the basis, `(36, b, rows, tiles across, c)`."""
    strip = covered[:, :, TILE * rows.start : TILE * rows.stop + 2].permute(0, 2, 3, 1)
    tiles = strip.unfold(1, TILE + 2, TILE).unfold(2, TILE + 2, TILE).permute(4, 5, 0, 1, 2, 3)
    return _taken(tiles.flatten(0, 1), _matrix(BASE, covered))


def _kernel(weight: Tensor) -> Tensor:
    """Return weights in the basis, `(36, channels, out_channels)`."""
    return _taken(weight.permute(2, 3, 1, 0).flatten(0, 1), _matrix(KERNEL_BASE, weight))


def _by_tile(plane: Tensor) -> Tensor:
    """Return a plane as a view `(b, c, tiles down, 4, tiles across, 4)`, of any layout."""
    tiles: Tensor = plane.unflatten(3, (-1, TILE)).unflatten(2, (-1, TILE))
    return tiles


def _matrix(rows: tuple[tuple[float | int, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _taken(numbers: Tensor, there: Tensor) -> Tensor:
    """Return numbers of tiles, `(places, …)`, taken to another basis and turned over: columns first, then rows.

    What was taken there lies column by column; taken back, it lies row by row again.
    """
    side = isqrt(len(numbers))
    across = torch.bmm(there.expand(side, -1, -1), numbers.reshape(side, side, -1))
    down = torch.bmm(there.expand(len(there), -1, -1), across.transpose(0, 1))
    return down.view(-1, *numbers.shape[1:])
