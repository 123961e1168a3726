"""Chapters: a training divided so that it can go on exactly where it was interrupted."""

from collections.abc import Iterator

from torch.utils.data import Sampler

CHAPTER = 100
"""Steps after which the state is saved: an interrupted training goes on from the last chapter's end."""


class Chapters(Sampler[int]):
    """The positions of one chapter; Lightning says which.

    An epoch in Lightning's sense is a chapter of the training, not a round of the photos: a chapter always begins
    with a known crop, so a resumed training sees exactly what an uninterrupted one would have seen.
    """

    def __init__(self, length: int, total: int) -> None:
        self.length, self.total, self.chapter = length, total, 0

    def __len__(self) -> int:
        return min(self.length, self.total - self.chapter * self.length)

    def __iter__(self) -> Iterator[int]:
        """Yield the positions in order."""
        start = self.chapter * self.length
        return iter(range(start, start + len(self)))

    def set_epoch(self, epoch: int) -> None:
        """Go to a chapter; Lightning calls this."""
        self.chapter = epoch
