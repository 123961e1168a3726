"""How sure a measure is: intervals from pictures drawn again and again (Efron 1979, the bootstrap)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

DRAWS, COVERED = 200, 0.95


class Interval(NamedTuple):
    """Where a measure lies in 95 % of the draws."""

    low: float
    high: float


def bootstrap(measure: Callable[..., float], *counts: int, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Return the middle 95 % of a measure over sets of pictures drawn with replacement.

    Args:
        measure: Takes which pictures of each set are drawn, as arrays of their numbers.
        *counts: How many pictures each set has.
        draws: How many sets.
        seed: Of the draws.
    """
    chance = np.random.default_rng(seed)
    values = [measure(*(chance.integers(0, count, count) for count in counts)) for _ in range(draws)]
    low, high = np.quantile(values, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Interval(float(low), float(high))
