"""What every training is to a run: steps to take, terms to watch, samples to look at, a network to keep."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as lightning
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from impasto._typing import Picture
from impasto.training.chapters import CHAPTER, ChapterLoader, Chapters, between_chapters
from impasto.weights.model import Card


class Training(lightning.LightningModule):
    """What is minimised, with which samples; a method says how.

    Attributes:
        method: Whose network is trained.
        settings: How; every method's have a `batch_size`.
        broken: Files that could not be read, with the reason.
        processes: How many train together, each with batches of its own.
        evaluate_every: Steps between two evaluations.
    """

    method: str
    settings: Any

    def __init__(self) -> None:
        super().__init__()
        self.broken: dict[str, str] = {}
        self.processes, self.evaluate_every = 1, CHAPTER

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps in all."""

    @abstractmethod
    def held_out_terms(self) -> dict[str, float]:
        """Return means over what is not trained on; the network with the lowest `total` is the best."""

    def signs(self) -> dict[str, float]:
        """Return signs of what goes wrong, for the watchdog; it looks at these at the end of every chapter."""
        return {}

    @abstractmethod
    def samples(self) -> Picture:
        """Return one picture of how far it is, always of the same things, in [0, 1]."""

    @abstractmethod
    def tensors(self) -> Mapping[str, Tensor]:
        """Return what the model file holds."""

    @abstractmethod
    def card(self) -> Card:
        """Return what the model file says about itself; how it was trained is added to it."""

    @property
    def updates(self) -> int:
        """How many optimisers step in every step: Lightning counts each of them."""
        return 1

    @property
    def steps_done(self) -> int:
        """Steps taken."""
        return int(self.global_step) // self.updates

    @property
    def batches(self) -> int:
        """How many batches of each process make a step."""
        return 1

    @property
    def samples_a_step(self) -> int:
        """Samples that a step learns from, those of all processes."""
        samples: int = self.settings.batch_size * self.processes * self.batches
        return samples

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the next chapter."""
        between_chapters(checkpoint)

    def in_chapters(self, samples: Dataset[Any], collate: Any) -> DataLoader[Any]:
        """Return the batches of every chapter in turn.

        Args:
            samples: Of the whole training.
            collate: Makes a batch of a list of them.
        """
        size = self.settings.batch_size
        chapters = Chapters(
            self.samples_a_step,
            self.steps,
            lambda: self.steps_done,
            evaluate_every=self.evaluate_every,
            share=(size, self.global_rank, self.processes),
        )
        return ChapterLoader(samples, size, sampler=chapters, collate_fn=collate)
