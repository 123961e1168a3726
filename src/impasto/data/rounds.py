"""Rounds: in every round of a training each item comes once, in a new order."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def in_rounds(items: Sequence[Item], position: int, seed: int) -> Iterator[Item]:
    """Yield the item that stands at a position, and then those to take instead if it cannot be read.

    Args:
        items: What is gone through, round after round.
        position: Where in the training.
        seed: Of the order of every round.
    """
    turn, place = divmod(position, len(items))
    order = np.random.default_rng((seed, 0, turn)).permutation(len(items))
    for offset in range(len(items)):
        yield items[order[(place + offset) % len(items)]]
