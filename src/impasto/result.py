"""What a run gives back, and what it reports on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from impasto.image.io import Image


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        index: Steps done so far, from 1; 0 for a draft that a run starts from, which has no losses.
        total: Steps the whole run takes.
        losses: The terms of the objective by name, weighted as they are summed, and `total`, their sum.
        image: The picture as it stands, `(1, 3, height, width)` in [0, 1], at the scale being painted.
    """

    index: int
    total: int
    losses: Mapping[str, float]
    image: Tensor


OnStep = Callable[[Step], None]
"""Called after every step; an exception raised in it cancels the run."""


@dataclass(frozen=True)
class Result:
    """What a run made and how.

    Attributes:
        image: The picture, with the metadata it will carry.
        recipe: Everything needed to make it again: method, settings, seed, hashes, versions; JSON values.
        trace: The losses of every step, in order.
        seconds: Wall time of the run.
    """

    image: Image
    recipe: Mapping[str, Any]
    trace: list[Mapping[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def duration(seconds: float) -> str:
    """Write a time as people say it.

    Example:
        >>> duration(3.25), duration(75), duration(3720)
        ('3.2 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
