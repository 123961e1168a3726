"""Training of `methods.cut`: one generator, one discriminator, and heads that compare what the encoder sees."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from impasto._typing import Features, Picture
from impasto.data.unpaired import UnpairedBatch, UnpairedFolder
from impasto.image.channels import as_rgb
from impasto.image.tensors import in_rows
from impasto.losses.adversarial import discriminator_loss, generator_loss, r1_penalty, verdict_accuracy
from impasto.losses.patchnce import patch_nce
from impasto.methods.cut import (
    CutSettings,
    card_of,
    discriminator_of,
    encode,
    generator_of,
    heads_of,
    layers_seen,
    sample_places,
)
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.translate import Generator
from impasto.nn.unet import UNet
from impasto.training.adversarial import AsJudged, behind, frozen, side_by_side
from impasto.training.unpaired import SAMPLES, UnpairedTraining
from impasto.weights.model import Card


class CutTraining(UnpairedTraining):
    """One way: what is translated is called A here, whichever folder it lies in."""

    settings: CutSettings
    generator: ResnetGenerator | UNet

    def __init__(self, settings: CutSettings, trained: UnpairedFolder, held_out: UnpairedFolder) -> None:
        if settings.direction == "BtoA":
            trained, held_out = (UnpairedFolder(each.b, each.a) for each in (trained, held_out))
        super().__init__(trained, held_out, settings.crops_a_round)
        self.settings, self.method, self.zoom = settings, settings.name, settings.zoom
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = generator_of(settings), discriminator_of(settings)
            self.heads = heads_of(settings)

    @property
    def channels(self) -> tuple[int, int]:
        """Of what is translated, and of what it becomes."""
        return self.settings.in_channels, self.settings.out_channels

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the generator, with the heads that see for it, and the discriminator."""
        return {
            "generator": nn.ModuleList([self.generator, self.heads]),
            "discriminator": self.discriminator,
        }

    def generators(self, *, kept: bool) -> Mapping[str, Generator]:
        """Return what makes pictures of B."""
        return {"b": self.kept_generator if kept else self.generator}

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return card_of(self.settings)

    def training_step(self, batch: UnpairedBatch, index: int) -> None:
        """Improve the discriminator, and then the generator."""
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        real_a, real_b = batch.a, batch.b
        with self.noise(0, int(batch.positions[0])):
            seen = self.as_judged(real_b)
            # the same in all processes, as if one had the whole batch
            with self.noise(2, self.first_of_step(batch.positions)):
                flipped = self.settings.flip_equivariance and bool(torch.rand(()) < 0.5)
                given = torch.cat([real_a, real_b]) if self.settings.translates_both else real_a
                painted, keys = self.translated(given, flipped=flipped)
                places = sample_places(keys, self.settings.num_patches)
            count = len(real_a)
            self.improve("discriminator", self.discriminator_terms(real_b, painted[:count].detach(), seen), index)
            with frozen(self.discriminator):
                cut = painted.detach().requires_grad_()
                terms = self.adversarial_terms(cut[:count], seen)
                terms |= self.nce_terms(cut[:count], [layer[:count] for layer in keys], places, flipped=flipped)

                def more() -> Iterator[dict[str, Tensor]]:
                    if self.settings.translates_both:
                        others = [layer[count:] for layer in keys]
                        yield self.identity_terms(cut[count:], others, real_b, places, flipped=flipped)
                    yield behind(painted, cut)

                self.improve("generator", terms, index, more())

    def translated(self, pictures: Features, *, flipped: bool) -> tuple[Features, list[Features]]:
        """Return what becomes of pictures, and what the encoder sees in them, without gradients.

        Args:
            pictures: In [-1, 1].
            flipped: Whether they are translated mirrored; what is seen is that of the pictures as they are.
        """
        with layers_seen(self.generator, self.settings.compared) as keys:
            painted: Features = self.generator(pictures.flip(3) if flipped else pictures)
        if flipped:
            with torch.no_grad():
                keys = encode(self.generator, pictures, self.settings.compared)
        return painted, [layer.detach() for layer in keys]

    def discriminator_terms(
        self, real_b: Features, fake_b: Features, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the discriminator minimises: half of its loss, so that it learns no faster."""
        settings = self.settings
        real, fake = (seen(each.to(real_b.dtype), None) for each in (real_b, fake_b))
        for_real, for_fake = self.discriminator(real), self.discriminator(fake)
        self.watch(verdict_accuracy(for_real, for_fake, settings.adversarial))
        terms = {"discriminator": 0.5 * discriminator_loss(for_real, for_fake, settings.adversarial)}
        if settings.r1_weight:
            terms["r1"] = settings.r1_weight * r1_penalty(self.discriminator, real)
        return terms

    def adversarial_terms(self, fake_b: Features, seen: AsJudged = side_by_side) -> dict[str, Tensor]:
        """Return how far the discriminator does not take fakes for real."""
        return {"gan": generator_loss(self.discriminator(seen(fake_b, None)), self.settings.adversarial)}

    def nce_terms(
        self, painted: Features, keys: Sequence[Features], places: Sequence[Tensor], *, flipped: bool
    ) -> dict[str, Tensor]:
        """Return how badly places of what was painted are told apart by what stood there before.

        Args:
            painted: Of pictures.
            keys: What the encoder saw in the pictures.
            places: Which are compared.
            flipped: Whether they were translated mirrored.
        """
        settings = self.settings
        queries = encode(self.generator, painted, settings.compared)
        queries = [layer.flip(3) for layer in queries] if flipped else queries
        mine = self._told_apart(self.heads(queries, places))
        with torch.no_grad():
            wanted = self._told_apart(self.heads(keys, places))
        weight = settings.nce_weight / (2 if settings.nce_identity else 1)
        return {"nce": weight * patch_nce(mine, wanted, settings.temperature)}

    def identity_terms(
        self,
        painted: Features,
        keys: Sequence[Features],
        real_b: Features,
        places: Sequence[Tensor],
        *,
        flipped: bool,
    ) -> dict[str, Tensor]:
        """Return how far what is of the kind already is changed, in PatchNCE and in L1, if they count.

        Args:
            painted: What became of pictures of the kind.
            keys: What the encoder saw in them.
            real_b: The pictures.
            places: Which are compared.
            flipped: Whether they were translated mirrored.
        """
        settings, terms = self.settings, dict[str, Tensor]()
        if settings.nce_identity:
            terms["nce_identity"] = self.nce_terms(painted, keys, places, flipped=flipped)["nce"]
        if settings.identity_weight:
            wanted = real_b.flip(3) if flipped else real_b
            terms["identity"] = settings.identity_weight * (painted.float() - wanted).abs().mean()
        return terms

    def _told_apart(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """Return vectors of pictures, those together that are told from each other."""
        return [each.flatten(0, 1)[None] for each in vectors] if self.settings.others == "batch" else [*vectors]

    def samples(self) -> Picture:
        """Return what went in and what became of it, row by row."""
        rows = []
        for real in self.readable(self._sources("b")[:SAMPLES], lambda item, _: self.read(item)):
            rows.append([as_rgb(each) for each in (real, self.shown(self.kept_generator, real))])
        return in_rows(rows)
