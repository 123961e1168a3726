"""What trainings share that make pictures of label maps: judged beside their maps, at several scales."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from impasto._typing import Features, Picture
from impasto.data.labelled import Labelled, LabelledBatch, LabelledCrops, collate_labelled, read_labelled
from impasto.image.labels import Palette
from impasto.image.tensors import in_rows
from impasto.losses.adversarial import discriminator_loss, generator_loss, verdict_accuracy
from impasto.losses.matching import feature_matching, perceptual_matching
from impasto.nn.compute import choose_dtype
from impasto.nn.labelled import LabelSettings
from impasto.nn.patchgan import MultiscaleDiscriminator
from impasto.nn.translate import Generator, translate
from impasto.nn.vgg import VGG
from impasto.training.adversarial import AdversarialTraining, AsJudged, applied, frozen, side_by_side
from impasto.training.watchdog import HeldOutMeasures

SAMPLES = 4
SEEN = {"relu1_1": 1 / 32, "relu2_1": 1 / 16, "relu3_1": 1 / 8, "relu4_1": 1 / 4, "relu5_1": 1.0}
"""How much each layer of the VGG counts, as in Pix2PixHD."""


class LabelledTraining(AdversarialTraining):
    """Maps with pictures in; what is held out is painted whole, as `impasto translate` would.

    Attributes:
        named_colors: Name and colour of each class, where the data says them: the model file keeps them.
    """

    named_colors: tuple[tuple[str, str], ...] = ()

    settings: LabelSettings
    generator: Generator
    discriminator: MultiscaleDiscriminator

    def __init__(
        self,
        settings: LabelSettings,
        items: Sequence[Labelled],
        held_out: Sequence[Labelled],
        palette: Palette | None = None,
    ) -> None:
        super().__init__(len(items))
        self.settings, self.items, self.held_out, self.palette = settings, items, held_out, palette
        self._vgg: list[VGG] = []  # in a list, so that its weights are not taken for ours

    @property
    def find_objects(self) -> bool:
        """Whether objects are to be told apart where no map of instances does."""
        return False

    def networks(self) -> Mapping[str, nn.Module]:
        """Return generator and discriminator."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def train_dataloader(self) -> DataLoader[LabelledBatch]:
        """Return the crops of every chapter in turn."""
        settings = self.settings
        crops = LabelledCrops(
            self.items,
            settings.crop,
            self.steps * self.samples_a_step,
            load_size=settings.load_size,
            palette=self.palette,
            find_objects=self.find_objects,
            seed=settings.seed,
        )
        return self.in_chapters(crops, collate_labelled)

    def training_step(self, batch: LabelledBatch, index: int) -> None:
        """Improve the discriminator, and then the generator."""
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        labels, real = self.settings.encoded(batch.labels, batch.instances), batch.picture
        with self.noise(0, int(batch.positions[0])):
            fake, own_terms = self.painted(labels, batch)
            seen = self.as_judged(real)
            self.improve("discriminator", self.discriminator_terms(labels, real, fake.detach(), seen), index)
            with frozen(self.discriminator):
                self.improve("generator", self.generator_terms(labels, real, fake, seen) | own_terms, index)

    def painted(self, labels: Features, batch: LabelledBatch) -> tuple[Picture, dict[str, Tensor]]:
        """Return what becomes of maps, and terms of a method's own that the generator minimises.

        Args:
            labels: What networks see of the maps.
            batch: The samples.
        """
        painted: Picture = self.generator(self.entered(self.generator, labels, batch.picture, batch.instances))
        return painted, {}

    def entered(self, generator: Generator, labels: Features, picture: Picture, instances: Tensor) -> Features:
        """Return what goes into a generator: what networks see of maps, and what a method adds.

        Args:
            generator: Which.
            labels: What networks see of the maps.
            picture: The real ones, in [-1, 1].
            instances: Which object each pixel belongs to.
        """
        return labels

    def discriminator_terms(
        self, labels: Features, real: Picture, fake: Picture, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the discriminators minimise: the mean over their scales."""
        judged = [self._judged(seen(pictures, labels)) for pictures in (real, fake)]
        for_real, for_fake = (scales[0][-1] for scales in judged)
        self.watch(verdict_accuracy(for_real, for_fake, self.settings.adversarial))
        terms = [
            discriminator_loss(mine[-1], others[-1], self.settings.adversarial)
            for mine, others in zip(*judged, strict=True)
        ]
        return {"discriminator": torch.stack(terms).mean()}

    def generator_terms(
        self, labels: Features, real: Picture, fake: Picture, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the generator minimises: to be taken for real, and to give the features of what is."""
        settings = self.settings
        for_fake = self._judged(seen(fake, labels))
        with torch.no_grad():
            for_real = self._judged(seen(real, labels))
        gan = torch.stack([generator_loss(layers[-1], settings.adversarial) for layers in for_fake]).mean()
        terms = {"gan": gan, "features": settings.feature_weight * feature_matching(for_fake, for_real)}
        if settings.perceptual_weight:
            (vgg,) = self._vgg
            with torch.autocast(self.device.type, enabled=False):
                found, wanted = (vgg((pictures.float() + 1) / 2, list(SEEN)) for pictures in (fake, real))
                terms["perceptual"] = settings.perceptual_weight * perceptual_matching(found, wanted, SEEN)
        return terms

    def on_fit_start(self) -> None:
        """Load the network that sees."""
        self._vgg = [
            VGG.pretrained(self.settings.network, device=self.device, dtype=choose_dtype("auto", self.device))
        ]

    def held_out_terms(self) -> dict[str, float]:
        """Return how far painted maps are from real pictures, and signs of what goes wrong."""
        measures = HeldOutMeasures(*self._vgg)
        for _, real, fake in self.readable(self.held_out, self._painted):
            measures.add(fake, real)
        return measures.means()

    def samples(self) -> Picture:
        """Return map, what becomes of it, and the real picture, row by row."""
        rows = []
        for painted in self.readable(self.held_out[:SAMPLES], self._painted):
            labels, real, fake = painted
            rows.append((labels.expand(-1, 3, -1, -1), fake, real))
        return in_rows(rows)

    def _painted(self, item: Labelled, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return a held-out map in grey, its real picture and what was painted, in [0, 1]."""
        labels, instances, real = (
            each.to(self.device)
            for each in read_labelled(item, self.settings.crop_size, self.palette, find_objects=self.find_objects)
        )
        with self.noise(1, number), applied(self.kept_generator):
            seen = self.settings.encoded(labels, instances)
            fake = translate(self.kept_generator, self.entered(self.kept_generator, seen, real * 2 - 1, instances))
        return labels / max(1, int(labels.max())), real, (fake.float() + 1) / 2

    def _judged(self, seen: Features) -> list[list[Tensor]]:
        layers: list[list[Tensor]] = self.discriminator.layers(seen)
        return layers
