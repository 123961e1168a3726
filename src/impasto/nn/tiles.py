"""The gradient of what a picture of any size shows, tile by tile, in bounded memory.

A tile is looked at with a rim around it, and only the gradient inside the rim is kept: what a pixel changes lies
almost wholly within the rim, and where the picture ends the tile ends too. Tiles begin at multiples of the coarsest
stride of any network, so that every place of every layer lies where it lies in the whole picture.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.nn.backbones import COARSEST

Scores = Mapping[str, tuple[Tensor, int]]
"""What an objective says of every place, `(1, height, width)`, by the term's name; and the stride of places."""


class Span(NamedTuple):
    """A tile along one side, in pixels: what is looked at, and what of that is kept."""

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, tile: int, rim: int) -> list[Span]:
    """Divide a side into tiles.

    Args:
        length: Of the side, in pixels.
        tile: What is kept of each; a multiple of the coarsest stride.
        rim: What is looked at beside it, likewise.

    Example:
        >>> spans(1000, 512, 64)
        [Span(start=0, stop=576, first=0, last=512), Span(start=448, stop=1000, first=512, last=1000)]
    """
    assert tile % COARSEST == 0 and rim % COARSEST == 0, f"tile {tile} and rim {rim} must suit every layer"
    if length <= tile + rim:
        return [Span(0, length, 0, length)]
    edges = [*range(0, length - rim, tile), length]
    return [Span(max(0, first - rim), min(length, last + rim), first, last) for first, last in pairwise(edges)]


def tiled_gradient(
    picture: Picture, objective: Callable[[Picture], Scores], tile: int, rim: int
) -> tuple[Float[Tensor, "b 3 h w"], dict[str, float]]:
    """Return the gradient of an objective by the pixels, and its terms.

    Convention: a term is the sum of its scores over all places, times stride² / (height · width): the mean over
    places, where the sides are multiples of the stride.

    Args:
        picture: One picture of any size.
        objective: Gives a score to every place of every term.
        tile: Pixels of a tile's side.
        rim: Pixels around it that are looked at too.
    """
    height, width = picture.shape[-2:]
    gradient, terms = torch.zeros_like(picture), dict[str, float]()
    for rows, columns in _tiles(height, width, tile, rim):
        part = picture[:, :, rows.start : rows.stop, columns.start : columns.stop]
        part = part.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
        total = part.new_zeros(())
        for name, (scores, stride) in objective(part).items():
            share = stride**2 / (height * width)
            total = total + share * scores.sum()
            kept = scores.detach()[:, _places(rows, stride), _places(columns, stride)]
            terms[name] = terms.get(name, 0.0) + share * float(kept.sum())
        (slope,) = torch.autograd.grad(total, part)
        gradient[:, :, rows.first : rows.last, columns.first : columns.last] = slope[
            :, :, rows.first - rows.start : rows.last - rows.start, columns.first - columns.start :
        ][:, :, :, : columns.last - columns.first]
    return gradient, terms


def _tiles(height: int, width: int, tile: int, rim: int) -> Iterator[tuple[Span, Span]]:
    for rows in spans(height, tile, rim):
        for columns in spans(width, tile, rim):
            yield rows, columns


def _places(span: Span, stride: int) -> slice:
    """Return which of a tile's places lie in what is kept; a last place that is only begun is counted too."""
    return slice((span.first - span.start) // stride, -((span.start - span.last) // stride))
