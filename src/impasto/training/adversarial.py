"""What the trainings of all translators share: two networks that improve in turn."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from impasto._typing import Features
from impasto.errors import ImpastoError, SettingError
from impasto.nn.adversarial import AdversarialSettings
from impasto.nn.compute import lay_out
from impasto.nn.translate import Generator
from impasto.training.diff_augment import DiffAugment
from impasto.training.module import Training
from impasto.training.running_mean import running_mean
from impasto.training.watchdog import ACCURACY
from impasto.weights.model import Card

FUSED = ("cpu", "cuda", "mps")
"""Where Adam has an implementation in one piece, which takes a fraction of the time."""
AsJudged = Callable[[Features, Features | None], Features]
"""Puts pictures, and what they were made of, before a discriminator."""
BEHIND = "behind"
"""A term that is no loss; see `behind`."""
Item = TypeVar("Item")
Made = TypeVar("Made")


class AdversarialTraining(Training):
    """A generator and a discriminator, each with an optimiser of its own.

    Lightning's own loop has one loss; two networks are improved by hand (`improve`). Noise is a function of the
    seed and the place in the training, of nothing else, so that one which is interrupted goes on exactly.
    """

    settings: AdversarialSettings
    generator: nn.Module
    automatic_optimization = False
    channels_last_on_cpu = False
    """Whether the fastest layout on an accelerator is the fastest on a CPU, too; where deep layers have few places,
    or borders are reflected, it is not."""

    def __init__(self, samples: int) -> None:
        """Prepare.

        Args:
            samples: How many samples a round has.
        """
        super().__init__()
        self.samples_in_a_round = samples
        self.averaged: AveragedModel | None = None

    def first_of_step(self, positions: Tensor) -> int:
        """Return the position of the first sample of a batch of all processes: the same in each of them.

        Args:
            positions: Of the samples of this process' batch.
        """
        return int(positions[0]) - self.global_rank * len(positions)

    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """Return what is improved, by name: every one of them in every step."""

    def updates_of(self, network: str) -> int:
        """Return how often a network is improved in every step."""
        return 1

    @property
    def updates(self) -> int:
        """How often optimisers step in every step."""
        return sum(self.updates_of(name) for name in self.networks())

    @property
    def batches(self) -> int:
        """How many batches of each process make a step."""
        return self.settings.accumulate

    @property
    def steps(self) -> int:
        """Steps in all: rounds of all samples, in batches."""
        rounds = self.settings.epochs + self.settings.decay_epochs
        return math.ceil(rounds * self.samples_in_a_round / self.samples_a_step)

    def rate(self, step: int) -> float:
        """Return which share of the learning rate a step has: all of it, and then less and less along a line."""
        turn = step * self.samples_a_step / self.samples_in_a_round
        over = (turn - self.settings.epochs) / max(1e-9, self.settings.decay_epochs)
        return min(1.0, max(0.0, 1 - over))

    def begin_with(self, card: Card, tensors: Mapping[str, Tensor]) -> None:
        """Begin with a trained generator instead of one that was drawn.

        Args:
            card: What its model file says about itself.
            tensors: Its weights by name.

        Raises:
            SettingError: If it has another shape.
        """
        network = self.generator_for(card)
        known = {name: tensor for name, tensor in tensors.items() if name in network.state_dict()}
        try:
            network.load_state_dict(known)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise SettingError(f"the network to begin with is not of the shape that is set ({reason})") from None

    def generator_for(self, card: Card) -> nn.Module:
        """Return which part of the networks a trained generator is."""
        return self.generator

    def rates(self) -> Mapping[str, float]:
        """Return the learning rate of networks that have one of their own."""
        return {}

    def configure_model(self) -> None:
        """Lay the networks out before their state is restored and their optimisers made."""
        on_cpu = self.trainer.strategy.root_device.type == "cpu"
        if not on_cpu or self.channels_last_on_cpu:
            for network in self.networks().values():
                lay_out(network)
        if self.settings.ema_decay:
            average = running_mean(self.settings.ema_decay)
            self.averaged = AveragedModel(self.generator, multi_avg_fn=average, use_buffers=True)
            self.averaged.requires_grad_(False)

    @property
    def kept(self) -> nn.Module:
        """What generates and is judged and kept: the running mean, if there is one."""
        return self.generator if self.averaged is None else self.averaged.module

    @property
    def kept_generator(self) -> Generator:
        """The generator that is judged and kept, where there is one."""
        kept = self.kept
        assert isinstance(kept, Generator)
        return kept

    def tensors(self) -> Mapping[str, Tensor]:
        """Return those of what is kept."""
        return self.kept.state_dict()

    def configure_optimizers(self) -> tuple[list[Optimizer], list[Any]]:
        """Return an Adam for each network, with the same schedule."""
        settings = self.settings
        adams: list[Optimizer] = [
            Adam(
                network.parameters(),
                lr=self.rates().get(name, settings.learning_rate),
                betas=settings.betas,
                fused=self.device.type in FUSED,
            )
            for name, network in self.networks().items()
        ]
        times = [self.updates_of(name) for name in self.networks()]
        schedules = [LambdaLR(adam, partial(self._rate, each)) for adam, each in zip(adams, times, strict=True)]
        return adams, [{"scheduler": schedule, "interval": "step"} for schedule in schedules]

    def _rate(self, times: int, update: int) -> float:
        return self.rate(update // times)

    def improve(
        self, which: str, terms: Mapping[str, Tensor], batch: int, more: Iterable[Mapping[str, Tensor]] = ()
    ) -> None:
        """Take a step of one network against the sum of its terms, once enough batches are added up.

        Args:
            which: Its name.
            terms: Weighted; logged under their names.
            batch: The batch's number in its chapter.
            more: Further terms, computed one after the other once the memory of those before is free again.

        Raises:
            ImpastoError: If one is not finite.
        """
        checked = chain([self._finite(terms)], map(self._finite, more))
        place = [*self.networks()].index(which)
        optimizer, schedule = _several(self.optimizers())[place], _several(self.lr_schedulers())[place]
        added = self.settings.accumulate
        if batch % added == 0:
            optimizer.zero_grad()
        for each in checked:
            self._learn(each)
        if (batch + 1) % added == 0:
            optimizer.step()
            schedule.step()
            if which == "generator" and self.averaged is not None:
                self.averaged.update_parameters(self.generator)

    def _finite(self, terms: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return terms as they are, if all of them are finite."""
        for name, term in terms.items():
            if not bool(term.isfinite()):
                raise ImpastoError(
                    f"the loss {name} is {float(term.detach())} at step {self.steps_done}; lower learning_rate "
                    f"(now {self.settings.learning_rate:g}) and start from the last checkpoint"
                )
        return terms

    def _learn(self, terms: Mapping[str, Tensor]) -> None:
        """Add the slopes of terms to those there are."""
        self.manual_backward(torch.stack([*terms.values()]).sum() / self.settings.accumulate)
        told = {name: term.detach() for name, term in terms.items() if name != BEHIND}
        self.log_dict(told, sync_dist=self.processes > 1)

    def as_judged(self, pictures: Features) -> AsJudged:
        """Return what puts pictures, and what they were made of, before a discriminator: the same way for all.

        Args:
            pictures: A batch of the size of what is judged.
        """
        return DiffAugment.drawn(pictures) if self.settings.diff_augment else side_by_side

    def watch(self, accuracy: Tensor) -> None:
        """Log how often the discriminator is right."""
        if self._fabric is not None or self._trainer is not None:
            self.log(ACCURACY, accuracy, sync_dist=self.processes > 1)

    def readable(self, items: Sequence[Item], made: Callable[[Item, int], Made]) -> Iterator[Made]:
        """Yield what is made of held-out items; one that cannot be read is passed over and named.

        Args:
            items: What is held out.
            made: Makes something of an item and its number.

        Raises:
            ImpastoError: If none can be read.
        """
        broken: list[str] = []
        for number, item in enumerate(items):
            try:
                yield made(item, number)
            except ImpastoError as error:
                self.broken[str(item)] = str(error)
                broken.append(str(error))
        if len(broken) == len(items):
            raise ImpastoError(
                f"nothing that is held out can be read; the first: {broken[0] if broken else 'none'}"
            )

    @contextmanager
    def noise(self, *numbers: int) -> Iterator[None]:
        """Draw noise that follows from the seed and some numbers, and leave everyone else's as it was."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(np.random.SeedSequence((self.settings.seed, *numbers)).generate_state(1)[0]))
            yield


class _Behind(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, made: Tensor, cut: Tensor) -> Tensor:
        ctx.cut = cut
        return made.new_zeros(())

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, None]:
        # scaled already, as the losses were that left it there
        return ctx.cut.grad, None


def behind(made: Tensor, cut: Tensor) -> dict[str, Tensor]:
    """Return a term that is nothing, by which what made a tensor gets the slopes that others left at its cut.

    So a network is kept in memory for what several terms look at, and what looks for one of them at a time.

    Args:
        made: By the network.
        cut: The same numbers, detached, which gradients were asked of.
    """
    nothing: Tensor = _Behind.apply(made, cut)  # type: ignore[no-untyped-call]
    return {BEHIND: nothing}


def side_by_side(picture: Features, condition: Features | None = None) -> Features:
    """Return pictures behind what they were made of, as discriminators see them."""
    return picture if condition is None else torch.cat([condition, picture], dim=1)


def _several(one_or_more: Any) -> Sequence[Any]:
    """Return a list also where Lightning hands out what is alone in it."""
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without computing its own."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


@contextmanager
def applied(network: nn.Module) -> Iterator[None]:
    """Let a network be as when it is applied: spectral norms stay as training left them."""
    before = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(before)
