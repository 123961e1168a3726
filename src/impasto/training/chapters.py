"""Chapters: a training divided so that it can go on exactly where it was interrupted."""

from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Sampler

CHAPTER = 100
"""Most steps after which the state is saved: an interrupted training goes on from the last chapter's end."""


class Chapters(Sampler[int]):
    """The positions of the chapter that the training is in.

    An epoch in Lightning's sense is a chapter of the training, not a round of the photos: a chapter always begins
    with a known crop, so a resumed training sees exactly what an uninterrupted one would have seen. Which chapter
    it is follows from the steps taken, since Lightning's count of epochs is a guess after an interruption.
    """

    def __init__(
        self,
        step: int,
        total: int,
        taken: Callable[[], int],
        *,
        evaluate_every: int = CHAPTER,
        share: tuple[int, int, int] = (1, 0, 1),
    ) -> None:
        """Prepare.

        Args:
            step: Positions that a step learns from.
            total: Steps in the whole training.
            taken: Tells how many steps have been taken.
            evaluate_every: Steps between two evaluations, which come at the end of a chapter.
            share: Positions in a batch of one process, its number, and how many processes there are: each takes
                its part of every batch of them all.
        """
        self.step, self.total, self.taken, self.share = step, total, taken, share
        self.lengths = (CHAPTER, evaluate_every)

    def __len__(self) -> int:
        return len(self._positions())

    def __iter__(self) -> Iterator[int]:
        """Yield the positions in order."""
        return iter(self._positions())

    def _positions(self) -> list[int]:
        taken = self.taken()
        end = min(self.total, *((taken // length + 1) * length for length in self.lengths))
        start, stop = taken * self.step, end * self.step
        batch, rank, processes = self.share
        return [position for position in range(start, stop) if (position - start) // batch % processes == rank]


class ChapterLoader(DataLoader[Any]):
    """Batches of chapters, with nothing of their own to keep: where they go on, the steps taken tell.

    Lightning warns of loaders that do not say so where optimisers do not step once a batch.
    """

    def state_dict(self) -> dict[str, Any]:
        """Return what an interruption must not lose."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where an interrupted run was."""


def between_chapters(checkpoint: dict[str, Any]) -> None:
    """Let Lightning begin the next chapter: nothing of it is done, and all before it is.

    What Lightning keeps of its loops tells from which of its hooks a checkpoint was saved, and it guesses how much
    of the epoch is left. Ours are always saved between two epochs.

    Args:
        checkpoint: As Lightning loaded it; changed in place.
    """
    loops = checkpoint["loops"]["fit_loop"]
    for name, progress in loops.items():
        if "current" in progress and name != "epoch_progress":
            progress["current"] = dict.fromkeys(progress["current"], 0)
    loops["epoch_loop.batch_progress"]["is_last_batch"] = False
    for part in loops["epoch_progress"].values():
        part["ready"] = part["started"] = part["processed"] = part["completed"]
    for step in loops["epoch_loop.automatic_optimization.optim_progress"]["optimizer"].values():
        step["current"] = dict.fromkeys(step["current"], 0)
