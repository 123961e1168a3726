"""Training of `methods.pix2pixhd`: the global generator first, and then all of it."""

from collections.abc import Sequence

import torch
from torch import nn

from impasto.data.labelled import Labelled
from impasto.image.labels import Palette
from impasto.methods.pix2pixhd import LocalEnhancer, Pix2PixHDSettings, card_of, generator_of, judge_of
from impasto.training.labelled import LabelledTraining
from impasto.weights.model import Card


class Pix2PixHDTraining(LabelledTraining):
    """A global generator, or one that a local enhancer was added to."""

    method = "pix2pixhd"
    settings: Pix2PixHDSettings

    def __init__(
        self,
        settings: Pix2PixHDSettings,
        items: Sequence[Labelled],
        held_out: Sequence[Labelled],
        palette: Palette | None = None,
    ) -> None:
        super().__init__(settings, items, held_out, palette)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = generator_of(settings), judge_of(settings)

    def generator_for(self, card: Card) -> nn.Module:
        """Return all of the generator, or what an enhancer is added to if it was trained without one."""
        if isinstance(self.generator, LocalEnhancer) and not card.settings.get("enhanced"):
            return self.generator.coarse
        return self.generator

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return card_of(self.settings)
