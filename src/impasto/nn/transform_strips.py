"""The transformation network on a picture of any size, in memory that does not grow with it (see `nn.strips`)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from impasto._typing import Picture
from impasto.nn.phases import convolve_four_places
from impasto.nn.strips import (
    Read,
    Source,
    convolved,
    enlarged,
    kept,
    normalised,
    source_of,
    strips_of,
    summed,
    with_border,
)
from impasto.nn.transform import EPSILON, Painting, TransformNetwork


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
    picture = Source(lambda top, bottom: read(top, bottom).to(dtype), 3, height, width)
    with torch.inference_mode():
        source = _layer(network.enter, picture, styles)
        for convolution in network.down:
            source = _layer(convolution, source, styles)
        source = source_of(kept(source, dtype))
        for first, second in zip(network.blocks[::2], network.blocks[1::2], strict=True):
            change = _layer(second, _layer(first, source, styles), styles, rectified=False)
            source = source_of(kept(summed(change, source), dtype))
        for convolution in network.up:
            source = normalised(enlarged(convolution, source), next(styles), EPSILON).mapped(torch.relu_)
        for top, bottom in strips_of(source._replace(channels=network.leave.in_channels)):
            bordered = with_border(source, top - 4, bottom + 4, 4)
            yield top, network.finished(convolve_four_places(bordered, network.leave))


def _layer(
    convolution: nn.Module, source: Source, styles: Iterator[tuple[Tensor, Tensor]], rectified: bool = True
) -> Source:
    """Convolve, normalise, scale and shift."""
    assert isinstance(convolution, nn.Conv2d)
    border = convolution.kernel_size[0] // 2
    found = normalised(convolved(convolution, source, border, "reflect"), next(styles), EPSILON)
    return found.mapped(torch.relu_) if rectified else found
