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
from torch.nn.functional import batch_norm, pad

from impasto._typing import Picture
from impasto.nn.phases import convolve_enlarged, convolve_four_places
from impasto.nn.planes import Plane
from impasto.nn.transform import EPSILON, Painting, TransformNetwork

VALUES = 2**21
"""About how many numbers a strip has: few enough for the processor's cache, enough to keep its cores busy."""

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
    picture = _Source(lambda top, bottom: read(top, bottom).to(dtype), 3, height, width)
    with torch.inference_mode():
        source = _normalised(_convolved(network.enter, picture), next(styles))
        for convolution in network.down:
            source = _normalised(_convolved(convolution, source), next(styles))
        source = _source(_kept(source, dtype))
        for first, second in zip(network.blocks[::2], network.blocks[1::2], strict=True):
            source = _source(_residual(first, second, source, styles))
        for convolution in network.up:
            source = _normalised(_enlarged(convolution, source), next(styles))
        for top, bottom in strips(height, width, VALUES // network.leave.in_channels):
            bordered = _with_border(source, top, bottom, 4)
            yield top, network.finished(convolve_four_places(bordered, network.leave))


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


class _Source(NamedTuple):
    """Something that can be read in strips."""

    read: Read
    channels: int
    height: int
    width: int


class _Convolved(NamedTuple):
    """What a convolution gave, with mean and variance of each channel, `(1, c, 1, 1)` in fp32."""

    plane: Plane
    mean: Tensor
    variance: Tensor


def _source(plane: Plane) -> _Source:
    return _Source(plane.read, plane.channels, plane.height, plane.width)


def _kept(source: _Source, dtype: torch.dtype) -> Plane:
    """Compute a source once and keep it."""
    plane = Plane(source.channels, source.height, source.width, dtype)
    for top, bottom in strips(source.height, source.width, VALUES // source.channels):
        plane.write(top, source.read(top, bottom))
    return plane


def _residual(
    first: nn.Module, second: nn.Module, source: _Source, styles: Iterator[tuple[Tensor, Tensor]]
) -> Plane:
    """Add to features what two layers make of them."""
    assert isinstance(second, nn.Conv2d)
    inner = _normalised(_convolved(first, source), next(styles))
    change = _normalised(_convolved(second, inner), next(styles), rectified=False)
    added = _Source(lambda top, bottom: change.read(top, bottom).add_(source.read(top, bottom)), *source[1:])
    return _kept(added, second.weight.dtype)


def _convolved(convolution: nn.Module, source: _Source) -> _Convolved:
    """Convolve strip by strip, gathering statistics."""
    assert isinstance(convolution, nn.Conv2d)
    stride, border = convolution.stride[0], convolution.kernel_size[0] // 2
    height, width = source.height // stride, source.width // stride

    def strip(top: int, bottom: int) -> Tensor:
        wide: Tensor = convolution(_with_border(source, top * stride, bottom * stride, border))
        return wide[:, :, : bottom - top, :width]

    return _gathered(strip, convolution, height, width)


def _enlarged(convolution: nn.Module, source: _Source) -> _Convolved:
    """Convolve a picture repeated to twice its size, gathering statistics."""
    assert isinstance(convolution, nn.Conv2d)

    def strip(top: int, bottom: int) -> Tensor:
        return convolve_enlarged(_with_border(source, top // 2, bottom // 2, 1, "replicate"), convolution)

    return _gathered(strip, convolution, 2 * source.height, 2 * source.width)


def _gathered(
    strip_of: Callable[[int, int], Tensor], convolution: nn.Conv2d, height: int, width: int
) -> _Convolved:
    """Put a layer's strips together, gathering statistics."""
    plane, statistics = Plane(convolution.out_channels, height, width, convolution.weight.dtype), Statistics()
    for top, bottom in strips(height, width, VALUES // plane.channels):
        strip = strip_of(top, bottom)
        plane.write(top, strip)
        statistics.add(strip)
    return _Convolved(plane, statistics.mean, statistics.variance())


def _normalised(layer: _Convolved, style: tuple[Tensor, Tensor], rectified: bool = True) -> _Source:
    """Scale and shift a layer's channels wherever it is read."""
    scale, shift = style
    factor = (layer.variance + EPSILON).rsqrt()
    mean, variance = layer.mean.flatten(), layer.variance.flatten()

    def read(top: int, bottom: int) -> Tensor:
        strip = layer.plane.read(top, bottom)
        if scale.shape[2] == 1:  # the same everywhere
            numbers = (mean, variance, scale.flatten(), shift.flatten())
            strip = batch_norm(strip, *numbers, training=False, eps=EPSILON)
        else:
            gain = scale[:, :, top:bottom] * factor
            strip = torch.addcmul(shift[:, :, top:bottom] - layer.mean * gain, strip.float(), gain).to(strip.dtype)
        return strip.relu_() if rectified else strip

    return _Source(read, layer.plane.channels, layer.plane.height, layer.plane.width)


def _with_border(source: _Source, top: int, bottom: int, border: int, mode: str = "reflect") -> Tensor:
    """Return rows with a border: of neighbouring rows inside the picture, made up beyond its edges."""
    above, below = min(border, top), min(border, source.height - bottom)
    strip = source.read(top - above, bottom + below)
    return pad(strip, (border, border, border - above, border - below), mode=mode)


def strips(height: int, width: int, places: int) -> Iterator[tuple[int, int]]:
    """Yield first row and end of each strip of a layer: a multiple of 4 rows, at least 8, about `places` in all."""
    rows = max(8, places // width // 4 * 4)
    tops = list(range(0, height, rows))
    if len(tops) > 1 and height - tops[-1] < 8:
        tops.pop()  # too few rows to reflect; they go with the strip before
    yield from zip(tops, [*tops[1:], height], strict=True)
