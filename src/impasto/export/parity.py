"""How far an exported network's pictures are from what is painted with PyTorch in fp32."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from impasto._typing import Picture
from impasto.export.graphs import Graph
from impasto.export.runtime import Session
from impasto.image.resize import resize
from impasto.nn.one_pass import OnePassSettings, Painter, paint

SIZES = ((256, 256), (384, 160), (144, 416), (233, 177), (61, 311))
"""Heights and widths compared: square, tall, wide, and odd ones."""
LIMIT = 1e-3
"""The largest difference allowed, for values in [0, 1]."""
STRENGTH = 0.75


class Difference(NamedTuple):
    """How far two pictures of a size are apart, for values in [0, 1]."""

    height: int
    width: int
    max: float
    mean: float


def differences(
    session: Session, painter: Painter, sizes: Sequence[tuple[int, int]] = SIZES
) -> Iterator[Difference]:
    """Paint made pictures both ways and compare.

    Args:
        session: The exported network.
        painter: The network in PyTorch, in fp32 on the CPU.
        sizes: Heights and widths of the pictures.

    Yields:
        What was found at each size.
    """
    for seed, (height, width) in enumerate(sizes):
        content = made_picture(height, width, seed)
        apart = (_exported(session, painter, content) - _painted(painter, content)).abs()
        yield Difference(height, width, float(apart.max()), float(apart.mean()))


def generator_differences(
    session: Session,
    graph: Graph,
    painted: Callable[[Mapping[str, Tensor]], Tensor],
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> Iterator[Difference]:
    """Translate made pictures or label maps both ways and compare.

    Args:
        session: The exported network.
        graph: What was exported.
        painted: Translates the same inputs in PyTorch, in fp32 on the CPU.
        sizes: Heights and widths of the pictures.

    Yields:
        What was found at each size.
    """
    for seed, (height, width) in enumerate(sizes):
        inputs = {name: _made(example, height, width, seed) for name, example in graph.inputs.items()}
        apart = (session(**inputs) - painted(inputs)).abs()
        yield Difference(height, width, float(apart.max()), float(apart.mean()))


def _made(example: Tensor, height: int, width: int, seed: int) -> Tensor:
    """Return an input like an example, of another height and width."""
    if example.ndim < 4:
        return example
    picture = made_picture(height, width, seed)
    if example.is_floating_point():
        return picture[:, [channel % 3 for channel in range(example.shape[1])]]
    classes = int(example.max()) + 1
    return (picture[:, :1] * classes).long().clamp_max(classes - 1)


def made_picture(height: int, width: int, seed: int) -> Picture:
    """Return a picture with large soft colours and fine grain, from random numbers."""
    generator = torch.Generator().manual_seed(seed)
    soft = resize(torch.rand(1, 3, 5, 7, generator=generator), height, width)
    return (soft + 0.2 * torch.rand(1, 3, height, width, generator=generator) - 0.1).clamp(0, 1)


def _painted(painter: Painter, content: Picture) -> Picture:
    known = len(painter.styles)
    if not known:
        return paint(content, [_style()], painter, OnePassSettings(strength=STRENGTH))
    if painter.plain_row(content) is None:
        return paint(content, painter.styles, painter)
    settings = OnePassSettings(strength=STRENGTH, style_blend=tuple(_blend(known).tolist()))
    return paint(content, painter.styles, painter, settings)


def _exported(session: Session, painter: Painter, content: Picture) -> Picture:
    known = len(painter.styles)
    if not known:
        return session(content=content, style=_style(), strength=torch.tensor([STRENGTH]))
    if painter.plain_row(content) is None:
        return session(content=content)
    shares = torch.cat([torch.tensor([1 - STRENGTH]), STRENGTH * _blend(known)])
    return session(content=content, shares=7 * shares)  # in any unit


def _style() -> Picture:
    return made_picture(205, 331, seed=99)


def _blend(styles: int) -> Tensor:
    """Return a different share for each style; they sum to 1."""
    shares = torch.arange(1, styles + 1, dtype=torch.float32)
    return shares / shares.sum()
