"""Training of `methods.pix2pix`: a generator and a discriminator that sees what was translated."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from impasto._typing import Features, Picture
from impasto.data.paired import PairedBatch, PairedCrops, collate_pairs, whole_pair
from impasto.data.pairs import Pair
from impasto.image.channels import as_rgb
from impasto.image.tensors import in_rows
from impasto.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty, verdict_accuracy
from impasto.methods.pix2pix import Pix2PixSettings, card_of, discriminator_of, generator_of
from impasto.nn.translate import Generator, translate
from impasto.nn.vgg import VGG
from impasto.training.adversarial import AdversarialTraining, AsJudged, frozen, side_by_side
from impasto.training.watchdog import HeldOutMeasures
from impasto.weights.model import Card

SAMPLES = 4


class Pix2PixTraining(AdversarialTraining):
    """Pairs in; what is held out is translated whole, as `impasto translate` would."""

    method = "pix2pix"
    settings: Pix2PixSettings
    generator: Generator

    def __init__(self, settings: Pix2PixSettings, pairs: Sequence[Pair], held_out: Sequence[Pair]) -> None:
        super().__init__(len(pairs))
        self.settings, self.pairs, self.held_out = settings, pairs, held_out
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = generator_of(settings), discriminator_of(settings)
        self._vgg: list[VGG] = []  # in a list, so that its weights are not taken for ours

    def networks(self) -> Mapping[str, nn.Module]:
        """Return generator and discriminator; the generator alone where L1 is all that counts."""
        both = {"generator": self.generator, "discriminator": self.discriminator}
        return both if self.settings.gan_weight else {"generator": self.generator}

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return card_of(self.settings)

    def train_dataloader(self) -> DataLoader[PairedBatch]:
        """Return the crops of every chapter in turn."""
        settings = self.settings
        crops = PairedCrops(
            self.pairs,
            settings.crop,
            self.steps * self.samples_a_step,
            channels=(settings.in_channels, settings.out_channels),
            load_size=settings.load_size,
            seed=settings.seed,
        )
        return self.in_chapters(crops, collate_pairs)

    def training_step(self, batch: PairedBatch, index: int) -> None:
        """Improve the discriminator, and then the generator."""
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        real_a, real_b = batch.source, batch.target
        with self.noise(0, int(batch.positions[0])):
            fake_b, seen = self.generator(real_a), self.as_judged(real_b)
            if self.settings.gan_weight:
                terms = self.discriminator_terms(real_a, real_b, fake_b.detach(), seen)
                self.improve("discriminator", terms, index)
            with frozen(self.discriminator):
                self.improve("generator", self.generator_terms(real_a, real_b, fake_b, seen), index)

    def discriminator_terms(
        self, real_a: Features, real_b: Features, fake_b: Features, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the discriminator minimises: half of its loss, so that it learns no faster."""
        settings = self.settings
        real, fake = (seen(b, real_a) for b in (real_b, fake_b.to(real_b.dtype)))
        kind, for_real, for_fake = settings.adversarial, self.discriminator(real), self.discriminator(fake)
        self.watch(verdict_accuracy(for_real, for_fake, kind))
        terms = {"discriminator": 0.5 * discriminator_loss(for_real, for_fake, kind)}
        if kind == "wgangp":
            share = torch.rand(len(real), device=real.device)
            terms["penalty"] = settings.penalty_weight * gradient_penalty(self.discriminator, real, fake, share)
        return terms

    def generator_terms(
        self, real_a: Features, real_b: Features, fake_b: Features, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the generator minimises: L1, and that the discriminator takes it for real."""
        settings = self.settings
        terms = {"l1": settings.l1_weight * (fake_b.float() - real_b).abs().mean()}
        if settings.gan_weight:
            verdicts = self.discriminator(seen(fake_b, real_a))
            terms["gan"] = settings.gan_weight * generator_loss(verdicts, settings.adversarial)
        return terms

    def on_fit_start(self) -> None:
        """Load the network that judges what is held out."""
        self._vgg = [VGG.pretrained(device=self.device)]

    def held_out_terms(self) -> dict[str, float]:
        """Return how far translations are from what they should be, and signs of what goes wrong."""
        measures = HeldOutMeasures(*self._vgg)
        for _, real_b, fake_b in self.readable(self.held_out, self._translated):
            measures.add(as_rgb(fake_b), as_rgb(real_b))
        return measures.means()

    def samples(self) -> Picture:
        """Return input, output and what it should be, row by row."""
        rows = []
        for translated in self.readable(self.held_out[:SAMPLES], self._translated):
            real_a, real_b, fake_b = map(as_rgb, translated)
            rows.append((real_a, fake_b, real_b))
        return in_rows(rows)

    def _translated(self, pair: Pair, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return a held-out pair and its translation, in [0, 1]."""
        settings = self.settings
        real_a, real_b = (
            each.to(self.device)
            for each in whole_pair(pair, settings.crop_size, (settings.in_channels, settings.out_channels))
        )
        with self.noise(1, number):
            fake_b = translate(self.kept_generator, real_a * 2 - 1).float()
        return real_a, real_b, (fake_b + 1) / 2
