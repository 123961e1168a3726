"""Rounds: in every round of a training each item comes once, in a new order."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from impasto.errors import ImpastoError, InputError

Item = TypeVar("Item")
Made = TypeVar("Made")


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


def first_readable(
    items: Sequence[Item],
    position: int,
    seed: int,
    made: Callable[[Item], Made],
    path_of: Callable[[Item], Path],
    what: str,
) -> tuple[Item, Made, dict[Path, str]]:
    """Return the item that stands at a position, what is made of it, and the files passed over, with reasons.

    Args:
        items: What is gone through, round after round.
        position: Where in the training.
        seed: Of the order of every round.
        made: Reads an item.
        path_of: The file that is named if it cannot be read.
        what: What the items are called.

    Raises:
        InputError: If none can be read.
    """
    broken: dict[Path, str] = {}
    for item in in_rounds(items, position, seed):
        try:
            return item, made(item), broken
        except ImpastoError as error:
            broken[path_of(item)] = str(error)
    raise InputError(f"none of {len(items)} {what} can be read; the first: {next(iter(broken.values()))}")
