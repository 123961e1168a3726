"""Training of `methods.spade`: an encoder, if there is one, learns with the generator what pictures look like."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from impasto._typing import Features, Picture
from impasto.data.labelled import Labelled, LabelledBatch
from impasto.image.labels import Palette
from impasto.methods.spade import SpadeGenerator, SpadeSettings, card_of, generator_of, judge_of
from impasto.training.labelled import LabelledTraining
from impasto.weights.model import Card


class SpadeTraining(LabelledTraining):
    """Discriminators learn four times as fast as the generator."""

    method = "spade"
    settings: SpadeSettings
    generator: SpadeGenerator
    channels_last_on_cpu = True

    def __init__(
        self,
        settings: SpadeSettings,
        items: Sequence[Labelled],
        held_out: Sequence[Labelled],
        palette: Palette | None = None,
    ) -> None:
        super().__init__(settings, items, held_out, palette)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = generator_of(settings), judge_of(settings)

    def rates(self) -> Mapping[str, float]:
        """Return that the discriminator learns at another rate (Heusel et al. 2017, arXiv:1706.08500)."""
        return {"discriminator": self.settings.discriminator_rate}

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return replace(card_of(self.settings), palette=self.named_colors)

    def painted(self, labels: Features, batch: LabelledBatch) -> tuple[Picture, dict[str, Tensor]]:
        """Return maps painted like their pictures, and how far what those look like is from N(0, 1)."""
        if self.generator.encoder is None:
            return super().painted(labels, batch)
        with torch.autocast(self.device.type, enabled=False):
            mean, log_variance = self.generator.encoder(batch.picture)
            style = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1).mean()
        return self.generator(labels, style), {"kl": self.settings.kl_weight * divergence}
