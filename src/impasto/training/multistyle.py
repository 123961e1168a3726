"""Training of `methods.multistyle`: crops of photos, each painted after one of the styles."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from impasto._typing import Picture
from impasto.data.crops import Batch, Crops, collate
from impasto.errors import ImpastoError
from impasto.image.resize import fit, resize
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.nn.compute import choose_dtype
from impasto.nn.perceptual import Grams, PerceptualLoss
from impasto.nn.vgg import VGG

CHAPTER = 100
"""Steps after which the state is saved: an interrupted training goes on from the last chapter's end."""


class MultistyleTraining(lightning.LightningModule):
    """What is minimised, over which parameters, with which crops.

    An epoch in Lightning's sense is a chapter of the training, not a round of the photos: a chapter always begins
    with a known crop, so a resumed training sees exactly what an uninterrupted one would have seen.
    """

    def __init__(self, settings: MultistyleSettings, paintings: Sequence[Picture], photos: Crops) -> None:
        super().__init__()
        self.settings, self.paintings, self.photos = settings, paintings, photos
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = Multistyle(len(paintings), settings.base_channels, settings.num_blocks)
        self.loss: PerceptualLoss
        self.grams: Grams

    def on_fit_start(self) -> None:
        """Look at the paintings, once the device is known: each as long as a crop, so that strokes fit crops."""
        settings = self.settings
        vgg = VGG.pretrained(settings.network, device=self.device, dtype=choose_dtype("auto", self.device))
        self.loss = PerceptualLoss(
            vgg=vgg,
            content_layers=settings.content_layers,
            style_layers=settings.style_layers,
            content_weight=settings.content_weight,
            style_weight=settings.style_weight,
            tv_weight=settings.tv_weight,
        )
        sizes = [fit(painting.shape[-2], painting.shape[-1], settings.crop_size) for painting in self.paintings]
        seen = [
            self.loss.grams(resize(painting, height, width).to(self.device))
            for painting, (height, width) in zip(self.paintings, sizes, strict=True)
        ]
        self.grams = {name: torch.cat([grams[name] for grams in seen]) for name in settings.style_layers}

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of a batch.

        Raises:
            ImpastoError: If it is not finite.
        """
        terms = self._terms(batch)
        total = torch.stack([*terms.values()]).sum()
        if not bool(total.isfinite()):
            raise ImpastoError(
                f"the loss is {float(total.detach())} at step {self.global_step}; lower learning_rate "
                f"(now {self.settings.learning_rate:g}) and start from the last checkpoint"
            )
        self.log_dict({**{name: term.detach() for name, term in terms.items()}, "total": total.detach()})
        return total

    def styles_at(self, positions: Int[Tensor, " b"]) -> Int[Tensor, " b"]:
        """Return which style the crop at a position is painted after: each as often, in changing order."""
        styles = len(self.paintings)
        rounds = [divmod(int(position), styles) for position in positions]
        return torch.tensor([int(self._shuffled_styles(turn)[place]) for turn, place in rounds])

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

    def _shuffled_styles(self, turn: int) -> NDArray[np.int64]:
        return np.random.default_rng((self.settings.seed, 2, turn)).permutation(len(self.paintings))

    def _terms(self, batch: Batch) -> dict[str, Tensor]:
        styles = self.styles_at(batch.positions).to(self.device)
        painted = self.network(batch.pictures, styles)
        return self.loss(painted, batch.pictures, {name: grams[styles] for name, grams in self.grams.items()})


class Chapters(Sampler[int]):
    """The positions of one chapter; Lightning says which."""

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
