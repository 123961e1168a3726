"""What the trainings of all one-pass styles share: crops in, a perceptual loss, Adam along a cosine."""

from abc import abstractmethod
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from jaxtyping import Int
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader

from impasto._typing import Picture
from impasto.data.crops import Batch, Crops, collate
from impasto.errors import ImpastoError
from impasto.nn.compute import lay_out
from impasto.nn.perceptual import Grams, PerceptualLoss, PerceptualSettings
from impasto.training.chapters import CHAPTER, Chapters


class OnePassTraining(lightning.LightningModule):
    """What is minimised, over which parameters, with which crops; a method says how it paints and after what."""

    network: nn.Module
    loss: PerceptualLoss

    def __init__(self, settings: PerceptualSettings, photos: Crops) -> None:
        super().__init__()
        self.settings, self.photos = settings, photos

    @abstractmethod
    def paint(self, pictures: Picture, positions: Int[Tensor, " b"]) -> tuple[Picture, Grams]:
        """Return the pictures painted, and the Gram matrices that they should have.

        Args:
            pictures: Crops of photos.
            positions: Where in the training they stand; which style each gets follows from it.
        """

    def on_fit_start(self) -> None:
        """Load the network that judges, once the device is known."""
        self.loss = PerceptualLoss.pretrained(self.settings, self.device)
        lay_out(self.network)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of a batch.

        Raises:
            ImpastoError: If it is not finite.
        """
        painted, grams = self.paint(batch.pictures, batch.positions)
        terms = self.loss(painted, batch.pictures, grams)
        total = torch.stack([*terms.values()]).sum()
        if not bool(total.isfinite()):
            raise ImpastoError(
                f"the loss is {float(total.detach())} at step {self.global_step}; lower learning_rate "
                f"(now {self.settings.learning_rate:g}) and start from the last checkpoint"
            )
        self.log_dict({**{name: term.detach() for name, term in terms.items()}, "total": total.detach()})
        return total

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return Adam, whose rate falls to zero along a cosine."""
        adam = torch.optim.Adam(self.network.parameters(), lr=self.settings.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.settings.steps)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the crops of every chapter in turn."""
        batch_size, steps = self.settings.batch_size, self.settings.steps
        return DataLoader(
            self.photos, batch_size, sampler=Chapters(CHAPTER * batch_size, steps * batch_size), collate_fn=collate
        )


def shuffled(positions: Int[Tensor, " b"], choices: int, seed: int) -> Int[Tensor, " b"]:
    """Return which of several styles stands at each position: each as often, in changing order."""
    orders: dict[int, Any] = {}
    found = []
    for position in positions.tolist():
        turn, place = divmod(position, choices)
        if turn not in orders:
            orders[turn] = np.random.default_rng((seed, 2, turn)).permutation(choices)
        found.append(int(orders[turn][place]))
    return torch.tensor(found)
