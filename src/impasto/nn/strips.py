"""The transformation network on a picture of any size, in memory that does not grow with it.

The picture passes through one layer after the other, each in strips of whole rows. Instance normalisation needs the
mean and the deviation of a channel over the whole picture: they are gathered while a layer's strips are computed,
and applied where the next layer reads them. So nothing is computed twice, there are no seams, and the result is
that of the network on the whole picture.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from impasto._typing import Picture
from impasto.nn.planes import Plane
from impasto.nn.transform import EPSILON, Painting, TransformNetwork

PLACES = 2**19
"""About how many places a strip has, at the layer's own resolution."""

Read = Callable[[int, int], Tensor]
"""Returns rows `top` to `bottom` of a picture or of a layer, `(1, c, rows, width)`."""


def paint_in_strips(
    network: TransformNetwork, read: Read, height: int, width: int, painting: Painting
) -> Iterator[tuple[int, Picture]]:
    """Paint, giving the picture away strip by strip.

    Args:
        network: Its precision is that of all that is computed and kept.
        read: Gives rows of the picture, RGB in [0, 1].
        height: Of the picture, a multiple of `STRIDE`.
        width: Likewise.
        painting: For one picture.

    Yields:
        The first row of a strip, and the strip.

    Raises:
        InputError: If the picture is too small or no multiple of the stride.
        SettingError: If rows have not the network's length.
    """
    network.check(height, width, painting)
    styles = network.styles(painting)
    dtype = network.enter.weight.dtype
    picture = _Source(lambda top, bottom: read(top, bottom).to(dtype), height, width)
    with torch.inference_mode():
        source = _normalised(_convolved(network.enter, picture), next(styles))
        for convolution in network.down:
            source = _normalised(_convolved(convolution, source), next(styles))
        features = _kept(source)
        for first, second in zip(network.blocks[::2], network.blocks[1::2], strict=True):
            inner = _normalised(_convolved(first, _source(features)), next(styles))
            change = _normalised(_convolved(second, inner), next(styles), rectified=False)
            for top, bottom in strips(features.height, features.width):
                features.write(top, features.read(top, bottom) + change.read(top, bottom))
        source = _source(features)
        for convolution in network.up:
            source = _normalised(_convolved(convolution, _twice(source)), next(styles))
        for top, bottom in strips(height, width):
            yield top, network.finished(network.leave(_with_border(source, top, bottom, 4)))


class Statistics:
    """Mean and variance of every channel over all strips added, in fp32.

    Reference: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm", 1979.
    """

    def __init__(self) -> None:
        self.count, self.mean, self._spread = 0, torch.zeros(()), torch.zeros(())

    def add(self, strip: Tensor) -> None:
        """Take a strip into account."""
        variance, own_mean = torch.var_mean(strip.float(), dim=(2, 3), correction=0, keepdim=True)
        own = strip.shape[2] * strip.shape[3]
        shift, total = own_mean - self.mean, self.count + own
        self.mean = self.mean + shift * (own / total)
        self._spread = self._spread + variance * own + shift.square() * (self.count * own / total)
        self.count = total

    def variance(self, correction: int = 0) -> Tensor:
        """Return the variance, the sum of squares divided by the number of places less `correction`."""
        return self._spread / (self.count - correction)


class _Source(NamedTuple):
    """Something that can be read in strips."""

    read: Read
    height: int
    width: int


class _Convolved(NamedTuple):
    """What a convolution gave, with mean and variance of each channel, `(1, c, 1, 1)` in fp32."""

    plane: Plane
    mean: Tensor
    variance: Tensor


def _source(plane: Plane) -> _Source:
    return _Source(plane.read, plane.height, plane.width)


def _kept(source: _Source) -> Plane:
    """Compute a source once and keep it."""
    plane = None
    for top, bottom in strips(source.height, source.width):
        strip = source.read(top, bottom)
        plane = plane or Plane(strip.shape[1], source.height, source.width, strip.dtype)
        plane.write(top, strip)
    assert plane is not None
    return plane


def _convolved(convolution: nn.Module, source: _Source) -> _Convolved:
    """Convolve strip by strip, gathering statistics."""
    assert isinstance(convolution, nn.Conv2d)
    stride, border = convolution.stride[0], convolution.kernel_size[0] // 2
    height, width = source.height // stride, source.width // stride
    plane = Plane(convolution.out_channels, height, width, convolution.weight.dtype)
    statistics = Statistics()
    for top, bottom in strips(height, width):
        strip = convolution(_with_border(source, top * stride, bottom * stride, border))
        strip = strip[:, :, : bottom - top, :width]
        plane.write(top, strip)
        statistics.add(strip)
    return _Convolved(plane, statistics.mean, statistics.variance())


def _normalised(layer: _Convolved, style: tuple[Tensor, Tensor], rectified: bool = True) -> _Source:
    """Scale and shift a layer's channels wherever it is read."""
    scale, shift = style
    factor = (layer.variance + EPSILON).rsqrt()

    def read(top: int, bottom: int) -> Tensor:
        # place by place or the same everywhere
        gain, offset = (each[:, :, top:bottom] if each.shape[2] > 1 else each for each in (scale, shift))
        gain = gain * factor
        strip = layer.plane.read(top, bottom)
        strip = torch.addcmul((offset - layer.mean * gain).to(strip.dtype), strip, gain.to(strip.dtype))
        return strip.relu_() if rectified else strip

    return _Source(read, layer.plane.height, layer.plane.width)


def _twice(source: _Source) -> _Source:
    """Repeat every row and column."""

    def read(top: int, bottom: int) -> Tensor:
        strip = interpolate(source.read(top // 2, (bottom + 1) // 2), scale_factor=2, mode="nearest")
        return strip[:, :, top % 2 : top % 2 + bottom - top]

    return _Source(read, 2 * source.height, 2 * source.width)


def _with_border(source: _Source, top: int, bottom: int, border: int) -> Tensor:
    """Return rows with a border: of neighbouring rows inside the picture, reflected at its edges."""
    above, below = min(border, top), min(border, source.height - bottom)
    strip = source.read(top - above, bottom + below)
    return pad(strip, (border, border, border - above, border - below), mode="reflect")


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield first row and end of each strip of a layer, a multiple of 4 rows."""
    rows = max(8, PLACES // width // 4 * 4)
    tops = list(range(0, height, rows))
    if len(tops) > 1 and height - tops[-1] < 8:
        tops.pop()  # too few rows to reflect; they go with the strip before
    yield from zip(tops, [*tops[1:], height], strict=True)
