"""Layers of networks on pictures of any size, in memory that does not grow with them.

A picture passes through one layer after the other, each in strips of whole rows. Normalisation by the picture's own
statistics needs the mean and the deviation of a channel over the whole of it: they are gathered while a layer's
strips are computed, and applied where the next layer reads them. So nothing is computed twice, there are no seams,
and the result is that of the network on the whole picture.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, pad

from impasto.nn.phases import convolve_enlarged
from impasto.nn.planes import Plane

VALUES = 2**21
"""About how many numbers a strip has: few enough for the processor's cache, enough to keep its cores busy."""

Read = Callable[[int, int], Tensor]
"""Returns rows `top` to `bottom` of a picture or of a layer, `(1, c, rows, width)`."""
Border = Literal["reflect", "replicate", "constant"]
"""What lies beyond the edges: the mirror image, the last row or column, or zeros."""
Style = tuple[Tensor, Tensor]
"""Scale and shift of each channel, `(1, c, 1, 1)` or place by place."""


class Statistics:
    """Mean and variance of every channel over all strips added, in fp32.

    Reference: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm", 1979.
    """

    def __init__(self) -> None:
        self.count, self.mean, self._spread = 0, torch.zeros(()), torch.zeros(())

    def add(self, strip: Tensor) -> None:
        """Take a strip `(1, c, h, w)` into account."""
        if strip.device.type == "cpu":  # ten times as fast there, and not to be had everywhere
            unused = strip.new_zeros(strip.shape[1], dtype=torch.float32)  # its type makes the statistics fp32
            mean_and_variance = torch.batch_norm_update_stats(strip, unused, unused.clone(), 0.0)
            own_mean, variance = (each[None, :, None, None] for each in mean_and_variance)
        else:
            variance, own_mean = torch.var_mean(strip.float(), dim=(2, 3), correction=0, keepdim=True)
        own = strip.shape[2] * strip.shape[3]
        shift, total = own_mean - self.mean, self.count + own
        self.mean = self.mean + shift * (own / total)
        self._spread = self._spread + variance * own + shift.square() * (self.count * own / total)
        self.count = total

    def variance(self, correction: int = 0) -> Tensor:
        """Return the variance, the sum of squares divided by the number of places less `correction`."""
        return self._spread / (self.count - correction)


class Source(NamedTuple):
    """Something that can be read in strips.

    Attributes:
        read: Gives rows of it; what it gives must be left unchanged, unless it was computed for the reader.
        channels: How many it has.
        height: How many rows.
        width: How many columns.
    """

    read: Read
    channels: int
    height: int
    width: int

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Source":
        """Return a source whose strips are a function's of this one's, place by place."""
        return self._replace(read=lambda top, bottom: function(self.read(top, bottom)))


class Convolved(NamedTuple):
    """What a convolution gave, with mean and variance of each channel, `(1, c, 1, 1)` in fp32."""

    plane: Plane
    mean: Tensor
    variance: Tensor


def source_of(plane: Plane) -> Source:
    """Return what reads a plane."""
    return Source(plane.read, plane.channels, plane.height, plane.width)


def kept(source: Source, dtype: torch.dtype) -> Plane:
    """Compute a source once and keep it."""
    plane = Plane(source.channels, source.height, source.width, dtype)
    for top, bottom in strips_of(source):
        plane.write(top, source.read(top, bottom))
    return plane


def summed(change: Source, source: Source) -> Source:
    """Return the sum of two sources, of which the first computes its strips for the reader."""
    return change._replace(read=lambda top, bottom: change.read(top, bottom).add_(source.read(top, bottom)))


def doubled(source: Source) -> Source:
    """Return a source with every place repeated to 2 × 2."""

    def read(top: int, bottom: int) -> Tensor:
        rows = source.read(top // 2, (bottom + 1) // 2)
        wide = rows.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return wide[:, :, top % 2 : top % 2 + bottom - top]

    return Source(read, source.channels, 2 * source.height, 2 * source.width)


def thinned(source: Source, every: int) -> Source:
    """Return every so-manieth row and column of a source, the first among them."""

    def read(top: int, bottom: int) -> Tensor:
        rows = [source.read(every * row, every * row + 1)[..., ::every] for row in range(top, bottom)]
        return torch.cat(rows, dim=2)

    return source._replace(read=read, height=source.height // every, width=source.width // every)


def side_by_side(*sources: Source) -> Source:
    """Return the channels of several sources one after the other."""
    channels = sum(each.channels for each in sources)
    return sources[0]._replace(
        read=lambda top, bottom: torch.cat([each.read(top, bottom) for each in sources], dim=1), channels=channels
    )


def convolved(convolution: nn.Module, source: Source, border: int, mode: Border) -> Convolved:
    """Convolve strip by strip, gathering statistics.

    Args:
        convolution: Its own padding does not count.
        source: What is convolved; its sides are multiples of the stride.
        border: How many places are made up beyond each edge.
        mode: As what.
    """
    assert isinstance(convolution, nn.Conv2d)
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    height, width = source.height // stride, source.width // stride

    def strip(top: int, bottom: int) -> Tensor:
        first, last = top * stride - border, (bottom - 1) * stride - border + kernel
        bordered = with_border(source, first, last, border, mode)
        return conv2d(bordered, convolution.weight, convolution.bias, stride)[..., :width]

    return gathered(strip, convolution.out_channels, height, width, convolution.weight.dtype)


def bordered_by(convolution: nn.Module, source: Source) -> Source:
    """Return what a convolution with zeros around gives, without gathering anything; its stride is 1."""
    assert isinstance(convolution, nn.Conv2d)
    border = convolution.kernel_size[0] // 2

    def read(top: int, bottom: int) -> Tensor:
        bordered = with_border(source, top - border, bottom + border, border, "constant")
        return conv2d(bordered, convolution.weight, convolution.bias)

    return source._replace(read=read, channels=convolution.out_channels)


def remembered(source: Source) -> Source:
    """Return the same, for several who read the same strip one after the other: it is computed once."""
    last: dict[tuple[int, int], Tensor] = {}

    def read(top: int, bottom: int) -> Tensor:
        if (top, bottom) not in last:
            last.clear()
            last[top, bottom] = source.read(top, bottom)
        return last[top, bottom]

    return source._replace(read=read)


def enlarged(convolution: nn.Module, source: Source) -> Convolved:
    """Convolve a picture repeated to twice its size, gathering statistics."""
    assert isinstance(convolution, nn.Conv2d)

    def strip(top: int, bottom: int) -> Tensor:
        bordered = with_border(source, top // 2 - 1, bottom // 2 + 1, 1, "replicate")
        return convolve_enlarged(bordered, convolution)

    channels, dtype = convolution.out_channels, convolution.weight.dtype
    return gathered(strip, channels, 2 * source.height, 2 * source.width, dtype)


def transposed(convolution: nn.Module, source: Source) -> Convolved:
    """Convolve to twice the size by a transposed convolution of at most 4 × 4, gathering statistics."""
    assert isinstance(convolution, nn.ConvTranspose2d)

    def strip(top: int, bottom: int) -> Tensor:
        # a row more on each side takes part; what lies beyond the edges is zero and adds nothing
        wide: Tensor = convolution(with_border(source, top // 2 - 1, bottom // 2 + 1, 0, "constant"))
        return wide[:, :, 2 : 2 + bottom - top]

    channels, dtype = convolution.out_channels, convolution.weight.dtype
    return gathered(strip, channels, 2 * source.height, 2 * source.width, dtype)


def gathered(strip_of: Read, channels: int, height: int, width: int, dtype: torch.dtype) -> Convolved:
    """Put a layer's strips together, gathering statistics."""
    plane, statistics = Plane(channels, height, width, dtype), Statistics()
    for top, bottom in strips_of(source_of(plane)):
        strip = strip_of(top, bottom)
        plane.write(top, strip)
        statistics.add(strip)
    return Convolved(plane, statistics.mean, statistics.variance())


def normalised(layer: Convolved, style: Style, epsilon: float) -> Source:
    """Normalise a layer's channels, scale and shift them, wherever it is read."""
    scale, shift = style
    factor = (layer.variance + epsilon).rsqrt()
    mean, variance = layer.mean.flatten(), layer.variance.flatten()

    def read(top: int, bottom: int) -> Tensor:
        strip = layer.plane.read(top, bottom)
        if scale.shape[2] == 1:  # the same everywhere
            numbers = (mean, variance, scale.flatten(), shift.flatten())
            return batch_norm(strip, *numbers, training=False, eps=epsilon)
        gain = scale[:, :, top:bottom] * factor
        return torch.addcmul(shift[:, :, top:bottom] - layer.mean * gain, strip.float(), gain).to(strip.dtype)

    return Source(read, layer.plane.channels, layer.plane.height, layer.plane.width)


def with_border(source: Source, first: int, last: int, sides: int, mode: Border = "reflect") -> Tensor:
    """Return rows of a source, made up beyond its edges.

    Args:
        source: What is read.
        first: The first row; below 0 it is made up.
        last: The first row after them; beyond the source's they are made up.
        sides: How many columns are made up on each side.
        mode: As what.
    """
    above, below = max(0, -first), max(0, last - source.height)
    strip = source.read(first + above, last - below)
    return pad(strip, (sides, sides, above, below), mode=mode)


def strips_of(source: Source) -> Iterator[tuple[int, int]]:
    """Yield first row and end of each strip of a source."""
    return strips(source.height, source.width, VALUES // source.channels)


def strips(height: int, width: int, places: int) -> Iterator[tuple[int, int]]:
    """Yield first row and end of each strip of a layer: a multiple of 4 rows, at least 8, about `places` in all."""
    rows = max(8, places // width // 4 * 4)
    tops = list(range(0, height, rows))
    if len(tops) > 1 and height - tops[-1] < 8:
        tops.pop()  # too few rows to reflect; they go with the strip before
    yield from zip(tops, [*tops[1:], height], strict=True)
