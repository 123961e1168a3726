"""Decoded pictures that are kept, so that folders that are not large are read once."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from torch import Tensor

ROOM = 2**31
"""Bytes that are kept."""
Key = TypeVar("Key", bound=Hashable)


class Kept(Generic[Key]):
    """What was read of files, as long as there is room; what comes later is read again every time."""

    def __init__(self, read: Callable[[Key], tuple[Tensor, ...]], room: int = ROOM) -> None:
        """Prepare.

        Args:
            read: Reads something, as tensors.
            room: Bytes that are kept.
        """
        self._read, self._free = read, room
        self._kept: dict[Key, tuple[Tensor, ...]] = {}

    def __call__(self, key: Key) -> tuple[Tensor, ...]:
        """Return what is read of something, perhaps from memory."""
        if key in self._kept:
            return self._kept[key]
        made = self._read(key)
        size = sum(each.nbytes for each in made)
        if size <= self._free:
            self._free -= size
            self._kept[key] = made
        return made
