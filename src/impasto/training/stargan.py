"""Training of `methods.stargan`: a generator for many domains, and a discriminator that tells them apart."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from impasto._typing import Features, Picture
from impasto.data.domain_crops import DomainBatch, DomainCrops, collate_domains, whole
from impasto.data.domains import Domains, Member, twins, with_truths
from impasto.errors import ImpastoError
from impasto.image.tensors import in_rows
from impasto.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty, verdict_accuracy
from impasto.losses.classification import domain_loss
from impasto.methods.stargan import StarganSettings, card_of, discriminator_of, generator_of, with_label
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.relative import changed_error
from impasto.metrics.seen import Seer, seer
from impasto.nn.translate import Generator, translate
from impasto.nn.vgg import VGG
from impasto.training.adversarial import AdversarialTraining, AsJudged, frozen, side_by_side
from impasto.training.watchdog import HeldOutMeasures
from impasto.weights.model import Card

SAMPLES, SHOWN = 4, 8
"""Rows of the samples, and most domains in one."""
LOOKED_AT = 64
"""Translations that are measured at every look, evenly out of all that could be."""
Item = TypeVar("Item")


class StarganTraining(AdversarialTraining):
    """Pictures of domains in; what is held out is translated whole, as `impasto translate` would."""

    method = "stargan"
    settings: StarganSettings
    generator: Generator

    def __init__(self, settings: StarganSettings, trained: Domains, held_out: Domains) -> None:
        super().__init__(len(trained.members))
        self.settings, self.trained, self.held_out = settings, trained, held_out
        self.labels = trained.labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = generator_of(settings), discriminator_of(settings)
        self._seers: list[tuple[VGG, Seer]] = []  # in a list, so that their weights are not taken for ours
        self._real: dict[str, Tensor] = {}

    def networks(self) -> Mapping[str, nn.Module]:
        """Return generator and discriminator."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def updates_of(self, network: str) -> int:
        """Return how often a network is improved in every step: the generator once."""
        return self.settings.n_critic if network == "discriminator" else 1

    @property
    def batches(self) -> int:
        """How many batches of each process make a step: some for every update of the discriminator."""
        return self.settings.accumulate * self.settings.n_critic

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return card_of(self.settings)

    def train_dataloader(self) -> DataLoader[DomainBatch]:
        """Return the crops of every chapter in turn."""
        settings = self.settings
        crops = DomainCrops(
            self.trained,
            settings.crop,
            self.steps * self.samples_a_step,
            load_size=settings.load_size,
            seed=settings.seed,
        )
        return self.in_chapters(crops, collate_domains)

    def training_step(self, batch: DomainBatch, index: int) -> None:
        """Improve the discriminator, and after so many times the generator."""
        self.broken |= {str(path): reason for path, reason in batch.broken.items()}
        real, generators_turn = batch.pictures, index % self.batches >= self.batches - self.settings.accumulate
        with self.noise(0, int(batch.positions[0])):
            with torch.set_grad_enabled(generators_turn):
                fake = self.generator(with_label(real, self.labels.masked(batch.targets, batch.owners)))
            seen = self.as_judged(real)
            self.improve("discriminator", self.discriminator_terms(batch, fake.detach(), seen), index)
            if generators_turn:
                with frozen(self.discriminator):
                    self.improve("generator", self.generator_terms(batch, fake, seen), index)

    def discriminator_terms(
        self, batch: DomainBatch, fake: Features, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the discriminator minimises: to tell real from fake, and domains of real pictures apart."""
        settings = self.settings
        real, fake = seen(batch.pictures, None), seen(fake.to(batch.pictures.dtype), None)
        verdicts, logits = self.discriminator(torch.cat([real, fake]))
        for_real, for_fake = verdicts.chunk(2)
        if settings.adversarial != "wgangp":  # a critic may be right always: its slope does not vanish for that
            self.watch(verdict_accuracy(for_real, for_fake, settings.adversarial))
        terms = {
            "discriminator": discriminator_loss(for_real, for_fake, settings.adversarial),
            "real_domain": settings.cls_weight * self._domain_loss(logits.chunk(2)[0], batch.labels, batch.owners),
        }
        if settings.adversarial == "wgangp":
            share = torch.rand(len(real), device=real.device)
            penalty = gradient_penalty(lambda mixed: self.discriminator(mixed)[0], real, fake, share)
            terms["penalty"] = settings.penalty_weight * penalty
        return terms

    def generator_terms(
        self, batch: DomainBatch, fake: Features, seen: AsJudged = side_by_side
    ) -> dict[str, Tensor]:
        """Return what the generator minimises: to be taken for real, of the target, and back again what it was."""
        settings = self.settings
        verdicts, logits = self.discriminator(seen(fake, None))
        rec = self.generator(with_label(fake, self.labels.masked(batch.labels, batch.owners)))
        return {
            "gan": generator_loss(verdicts, settings.adversarial),
            "fake_domain": settings.cls_weight * self._domain_loss(logits, batch.targets, batch.owners),
            "rec": settings.rec_weight * (rec.float() - batch.pictures).abs().mean(),
        }

    def _domain_loss(self, logits: Tensor, labels: Tensor, owners: Tensor) -> Tensor:
        return domain_loss(logits, labels, owners, self.labels.groups)

    def on_fit_start(self) -> None:
        """Load the networks that judge what is held out."""
        self._seers = [(VGG.pretrained(device=self.device), seer(device=self.device))]

    def held_out_terms(self) -> dict[str, float]:
        """Return how good translations are, and signs of what goes wrong.

        Where the truth is known, since a picture of the same name is in the other domain, `total` is the part of
        the input's distance from it that is left; else it is the kernel distance to real pictures of the domain.
        """
        known = twins(self.held_out)
        return self._beside_truth(known) if known else self._beside_others()

    def _beside_truth(self, known: Mapping[tuple[int, str], Mapping[str, Member]]) -> dict[str, float]:
        measures, errors = HeldOutMeasures(self._seers[0][0]), list[tuple[float, float]]()
        for source, fake, truth in self.readable(_evenly(with_truths(known)), self._with_truth):
            measures.add(fake, truth)
            if (error := changed_error(fake, source, truth)) is not None:
                errors.append((error.found, error.source))
        found, given = (sum(each) for each in zip(*errors, strict=True)) if errors else (1.0, 1.0)
        return measures.means() | {"left": found / given, "total": found / given}

    def _beside_others(self) -> dict[str, float]:
        """Return measures of translations beside what they were made of, and beside others of the domain."""
        vgg, seeing = self._seers[0]
        measures, distances = HeldOutMeasures(vgg), dict[str, float]()
        tasks = _evenly([(member, name) for member in self.held_out.members for name in self._others(member)])
        seen: dict[str, list[Tensor]] = {}
        for name, source, fake in self.readable(tasks, self._named):
            measures.add(fake, source)
            seen.setdefault(name, []).append(seeing.see(fake))
        for name, fakes in seen.items():
            real = self._real_features(seeing, name)
            if min(len(fakes), len(real)) > 1:
                distances[f"kid_{name}"] = kernel_distance(torch.cat(fakes), real)
        if not distances:
            raise ImpastoError("what is held out is too little to judge by; two pictures to translate are needed")
        found = measures.means()
        changed = {"changed_l1": found.pop("l1"), "changed_distance": found.pop("distance")}
        changed["input_correlation"] = found.pop("correlation")
        return found | changed | distances | {"total": sum(distances.values()) / len(distances)}

    def _others(self, member: Member) -> list[str]:
        """Return what a picture can be translated to that it is not."""
        return [name for name in self.labels.sets[member.owner].names if name not in member.present]

    def _real_features(self, seeing: Seer, name: str) -> Tensor:
        """Return what is seen of real pictures that have a name, held out or not."""
        if name not in self._real:
            everyone = [*self.held_out.members, *self.trained.members]
            members = _evenly([member for member in everyone if name in member.present])
            size = self.settings.crop_size
            pictures = self.readable(members, lambda member, _: whole(member.path, size).to(self.device))
            self._real[name] = torch.cat([seeing.see(picture) for picture in pictures])
        return self._real[name]

    def samples(self) -> Picture:
        """Return inputs and what becomes of them in each domain, row by row."""
        return in_rows([*self.readable(_evenly(self.held_out.members, SAMPLES), self._row)])

    def _row(self, member: Member, number: int) -> list[Tensor]:
        names = self.labels.sets[member.owner].names[:SHOWN]
        translated = [self._translated((member, name), number) for name in names]
        return [translated[0][0], *(fake for _, fake in translated)]

    def _translated(self, task: tuple[Member, str], number: int) -> tuple[Tensor, Tensor]:
        """Return a held-out picture and its translation, in [0, 1]."""
        member, name = task
        source = whole(member.path, self.settings.crop_size).to(self.device)
        label = self.labels.label(self.labels.changed(member.present, name))
        fake = translate(self.kept_generator, with_label(source * 2 - 1, label)).float()
        return source, (fake + 1) / 2

    def _named(self, task: tuple[Member, str], number: int) -> tuple[str, Tensor, Tensor]:
        return task[1], *self._translated(task, number)

    def _with_truth(self, task: tuple[Member, str, Member], number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return a held-out picture, its translation and what that should be, in [0, 1]."""
        member, name, twin = task
        truth = whole(twin.path, self.settings.crop_size).to(self.device)
        source, fake = self._translated((member, name), number)
        if source.shape != truth.shape:
            raise ImpastoError(f"{member.path} and {twin.path} are not of one shape, though of one name")
        return source, fake, truth


def _evenly(items: Sequence[Item], most: int = LOOKED_AT) -> list[Item]:
    """Return at most so many, evenly out of all."""
    count = min(most, len(items))
    return [items[index * len(items) // count] for index in range(count)]
