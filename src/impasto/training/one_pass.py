"""What the trainings of all one-pass styles share: crops in, terms of a loss, Adam along a cosine."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.utils.data import DataLoader

from impasto._typing import Picture
from impasto.data.crops import Batch, Crops, collate
from impasto.errors import ImpastoError
from impasto.image.tensors import in_rows
from impasto.methods.adain import AdainSettings
from impasto.nn.compute import lay_out
from impasto.nn.perceptual import Grams, PerceptualLoss, PerceptualSettings
from impasto.training.module import Training
from impasto.training.one_pass_signs import one_pass_signs
from impasto.weights.model import Card

Settings = PerceptualSettings | AdainSettings
_PHOTOS_FOR_BALANCE = 8


class OnePassTraining(Training):
    """What is minimised, over which parameters, with which crops; a method says how it paints and after what.

    Attributes:
        network: What is trained.
        style_names: What it knows by name at the end, if anything.
        sample_photos: Photos of one size to paint on the way, each `(1, 3, height, width)`.
    """

    settings: Settings
    network: nn.Module
    style_names: tuple[str, ...] = ()
    sample_photos: Sequence[Picture] = ()

    def __init__(self, settings: Settings, photos: Crops, held_out: Crops) -> None:
        super().__init__()
        self.settings, self.photos, self.held_out = settings, photos, held_out

    @abstractmethod
    def terms(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool = False) -> dict[str, Tensor]:
        """Paint crops and return the weighted terms whose sum is minimised.

        Args:
            pictures: Crops of photos.
            positions: Where in the training they stand; which style each gets follows from it.
            held_out: Whether to paint after what is not trained on, where there is such a thing.
        """

    @abstractmethod
    def painted_samples(self, photo: Picture) -> Picture:
        """Return one photo painted after some styles, always the same ones."""

    def tensors(self) -> Mapping[str, Tensor]:
        """Return what the model file holds."""
        return self.network.state_dict()

    def configure_model(self) -> None:
        """Lay the network out before its state is restored and its optimiser made."""
        lay_out(self.network)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.settings.steps

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return Card(method=self.method, settings=asdict(self.settings), styles=self.style_names)

    def samples(self) -> Picture:
        """Return each photo beside what becomes of it, row by row."""
        rows = []
        for photo in self.sample_photos:
            rows.append((photo, *self.painted_samples(photo.to(self.device)).split(1)))
        return in_rows(rows)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of a batch.

        Raises:
            ImpastoError: If it is not finite.
        """
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        terms = self.terms(batch.pictures, batch.positions)
        total = torch.stack([*terms.values()]).sum()
        if not bool(total.isfinite()):
            raise ImpastoError(
                f"the loss is {float(total.detach())} at step {self.global_step}; lower learning_rate "
                f"(now {self.settings.learning_rate:g}) and start from the last checkpoint"
            )
        self.log_dict({**{name: term.detach() for name, term in terms.items()}, "total": total.detach()})
        return total

    @torch.no_grad()
    def held_out_terms(self) -> dict[str, float]:
        """Return the mean terms over crops of held-out photos, their `total`, and signs of trouble."""
        sums: dict[str, float] = {}
        starts = range(0, len(self.held_out), self.settings.batch_size)
        for start in starts:
            stop = min(start + self.settings.batch_size, len(self.held_out))
            with torch.autocast("cpu", enabled=False):
                batch = collate([self.held_out[position] for position in range(start, stop)])
            terms = self.terms(batch.pictures.to(self.device), batch.positions, held_out=True)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + float(term) * len(batch.pictures) / len(self.held_out)
        photos = [self.held_out[index].picture[None].to(self.device) for index in range(min(4, len(self.held_out)))]
        return sums | {"total": sum(sums.values())} | one_pass_signs(self.painted_samples, photos)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return Adam, whose rate falls to zero along a cosine."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        adam = torch.optim.Adam(trained, lr=self.settings.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.settings.steps)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the crops of every chapter in turn."""
        return self.in_chapters(self.photos, collate)


class PerceptualTraining(OnePassTraining):
    """A training whose painted pictures a VGG judges by features and Gram matrices."""

    settings: PerceptualSettings
    loss: PerceptualLoss
    photo_grams: Grams

    def on_fit_start(self) -> None:
        """Load the network that judges, and look at some photos, once the device is known."""
        self.loss = PerceptualLoss.pretrained(self.settings, self.device)
        first = range(min(_PHOTOS_FOR_BALANCE, len(self.photos)))
        self.photo_grams = self.loss.grams(
            torch.stack([self.photos[index].picture for index in first]).to(self.device)
        )

    def share(self, grams: Grams) -> Tensor:
        """Return how much a style counts: the less, the farther photos are from it before they are painted.

        Gram matrices of a flat painting have little to be relative to, and its style would drown the content; those
        of a wild one leave it timid. With every style at the same distance at the start, one weight fits them all.
        """
        if not self.settings.balanced:
            return torch.ones(1, device=self.device)
        photos = len(next(iter(self.photo_grams.values())))
        wanted = {name: gram.float().expand(photos, -1, -1) for name, gram in grams.items()}
        return (1 / self.loss.distance(self.photo_grams, wanted).mean()).clamp(*SHARES)[None]


SHARES = (0.1, 2.0)
"""Least and most that balance makes of a style's weight."""
PARTLY_PAINTED = 1 / 8


def strengths(positions: Int[Tensor, " b"], seed: int) -> Float[Tensor, " b"]:
    """Return how strongly each crop is painted: most of them wholly, every eighth somewhere between 0 and 1."""
    drawn = [np.random.default_rng((seed, 3, position)).random(2) for position in positions.tolist()]
    return torch.tensor([strength if chance < PARTLY_PAINTED else 1.0 for chance, strength in drawn]).float()


def between(
    own: Mapping[str, Tensor], wanted: Mapping[str, Tensor], strength: Float[Tensor, " b"]
) -> dict[str, Tensor]:
    """Return Gram matrices between those of photos and those of paintings: what a strength below 1 asks for."""
    return {name: torch.lerp(own[name].float(), wanted[name].float(), strength[:, None, None]) for name in wanted}


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
