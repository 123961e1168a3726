"""Training of `methods.cyclegan`: two generators, each the other's way back, and two discriminators."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from impasto._typing import Features, Picture
from impasto.data.unpaired import UnpairedBatch, UnpairedFolder
from impasto.image.channels import as_rgb
from impasto.image.tensors import in_rows
from impasto.losses.adversarial import discriminator_loss, generator_loss, verdict_accuracy
from impasto.methods.cyclegan import (
    BothJudges,
    BothWays,
    CycleGANSettings,
    card_of,
    discriminator_of,
    generator_of,
)
from impasto.nn.translate import Generator
from impasto.training.adversarial import AsJudged, frozen, side_by_side
from impasto.training.pool import ImagePool
from impasto.training.unpaired import SAMPLES, UnpairedTraining
from impasto.weights.model import Card

POOLS = "pools"
"""Where earlier fakes are in a checkpoint."""


class CycleGANTraining(UnpairedTraining):
    """Both ways at once: one step of both generators, and then one of both discriminators."""

    method = "cyclegan"
    settings: CycleGANSettings
    generator: BothWays

    def __init__(self, settings: CycleGANSettings, trained: UnpairedFolder, held_out: UnpairedFolder) -> None:
        super().__init__(trained, held_out)
        self.settings = settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator = BothWays(generator_of(settings), generator_of(settings, "BtoA"))
            of_a, of_b = (discriminator_of(settings, count) for count in self.channels)
            self.discriminator = BothJudges(of_a, of_b)
        self.pools = {kind: ImagePool(settings.pool_size) for kind in "ab"}

    @property
    def channels(self) -> tuple[int, int]:
        """Of A and of B."""
        return self.settings.in_channels, self.settings.out_channels

    def networks(self) -> Mapping[str, nn.Module]:
        """Return both generators as one, and both discriminators."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def generators(self, *, kept: bool) -> Mapping[str, Generator]:
        """Return what makes pictures of each kind."""
        both = self.kept if kept else self.generator
        assert isinstance(both, BothWays)
        return {"b": both.a_to_b, "a": both.b_to_a}

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return card_of(self.settings)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep earlier fakes, too."""
        checkpoint[POOLS] = {kind: pool.state_dict() for kind, pool in self.pools.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the next chapter, and with the fakes that were there."""
        super().on_load_checkpoint(checkpoint)
        for kind, pool in self.pools.items():
            pool.load_state_dict(checkpoint[POOLS][kind], self.trainer.strategy.root_device)

    def training_step(self, batch: UnpairedBatch, index: int) -> None:
        """Improve the generators, and then the discriminators."""
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        real_a, real_b = batch.a, batch.b
        with self.noise(0, int(batch.positions[0])):
            seen_a, seen_b = self.as_judged(real_a), self.as_judged(real_b)
            fake_b, idt_b = self.translated(self.generator.a_to_b, real_a, real_b)
            fake_a, idt_a = self.translated(self.generator.b_to_a, real_b, real_a)
            with frozen(self.discriminator):
                terms = self.adversarial_terms(fake_a, fake_b, seen_a, seen_b)
                terms |= self.cycle_terms(real_a, real_b, fake_a, fake_b)
                if idt_a is not None and idt_b is not None:
                    terms |= self.identity_terms(real_a, real_b, idt_a, idt_b)
                self.improve("generator", terms, index)
            with self.noise(2, self.first_of_step(batch.positions)):
                judged_a, judged_b = (self.from_pool(*each) for each in (("a", fake_a), ("b", fake_b)))
            terms = self.discriminator_terms(real_a, real_b, judged_a, judged_b, seen_a, seen_b)
            self.improve("discriminator", terms, index)

    def translated(self, generator: Generator, real: Features, same: Features) -> tuple[Features, Features | None]:
        """Return what a generator makes of pictures, and of those that are what it makes already.

        Args:
            generator: Which.
            real: Pictures to translate.
            same: Pictures of the other kind; nothing is made of them if the identity does not count.
        """
        if not self.settings.identity_weight:
            return generator(real), None
        # normalised picture by picture, both go through at once
        fake, idt = generator(torch.cat([real, same])).chunk(2)
        return fake, idt

    def adversarial_terms(
        self, fake_a: Features, fake_b: Features, seen_a: AsJudged = side_by_side, seen_b: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return how far discriminators do not take fakes for real."""
        kind = self.settings.adversarial
        return {
            "gan_b": generator_loss(self.discriminator.b(seen_b(fake_b, None)), kind),
            "gan_a": generator_loss(self.discriminator.a(seen_a(fake_a, None)), kind),
        }

    def cycle_terms(
        self, real_a: Features, real_b: Features, fake_a: Features, fake_b: Features
    ) -> dict[str, Tensor]:
        """Return how far pictures are from where they began, after there and back."""
        weight = self.settings.cycle_weight
        rec_a, rec_b = self.generator.b_to_a(fake_b), self.generator.a_to_b(fake_a)
        return {
            "cycle_a": weight * (rec_a.float() - real_a).abs().mean(),
            "cycle_b": weight * (rec_b.float() - real_b).abs().mean(),
        }

    def identity_terms(
        self, real_a: Features, real_b: Features, idt_a: Features, idt_b: Features
    ) -> dict[str, Tensor]:
        """Return how far what is of a kind already is changed."""
        weight = self.settings.cycle_weight * self.settings.identity_weight
        return {
            "identity_a": weight * (idt_a.float() - real_a).abs().mean(),
            "identity_b": weight * (idt_b.float() - real_b).abs().mean(),
        }

    def from_pool(self, kind: str, fakes: Features) -> Features:
        """Return fakes of a kind to be judged, half of them earlier ones, and let the pool have the new ones.

        The pool is that of all processes: each puts all fakes in, in the order of their samples, and takes its own.

        Args:
            kind: Which.
            fakes: Of this process.
        """
        if self.processes == 1:
            return self.pools[kind](fakes.detach())
        gathered = self.all_gather(fakes.detach())
        assert isinstance(gathered, Tensor)
        return self.pools[kind](gathered.flatten(0, 1)).chunk(self.processes)[self.global_rank]

    def discriminator_terms(
        self,
        real_a: Features,
        real_b: Features,
        fake_a: Features,
        fake_b: Features,
        seen_a: AsJudged = side_by_side,
        seen_b: AsJudged = side_by_side,
    ) -> dict[str, Tensor]:
        """Return what the discriminators minimise: half of each one's loss, so that it learns no faster."""
        terms, accuracies, loss = {}, [], self.settings.adversarial
        for kind, judge, seen, real, fake in (
            ("a", self.discriminator.a, seen_a, real_a, fake_a),
            ("b", self.discriminator.b, seen_b, real_b, fake_b),
        ):
            for_real, for_fake = judge(seen(real, None)), judge(seen(fake.detach().to(real.dtype), None))
            terms[f"discriminator_{kind}"] = 0.5 * discriminator_loss(for_real, for_fake, loss)
            accuracies.append(verdict_accuracy(for_real, for_fake, loss))
        self.watch(torch.stack(accuracies).mean())
        return terms

    def samples(self) -> Picture:
        """Return what went in, what became of it, what that became, and the identity, row by row, both ways."""
        return in_rows([*self._rows("b"), *self._rows("a")])

    def _rows(self, kind: str) -> Iterator[list[Picture]]:
        generators = self.generators(kept=True)
        there, back = generators[kind], generators["ab"[kind == "a"]]
        for real in self.readable(self._sources(kind)[:SAMPLES], lambda item, _: self.read(item)):
            fake = self.shown(there, real)
            row = [real, fake, self.shown(back, fake)]
            if self.settings.identity_weight:
                row.append(self.shown(back, real))
            yield [as_rgb(each) for each in row]
