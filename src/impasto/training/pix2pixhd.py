"""Training of `methods.pix2pixhd`: the global generator first, and then all of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from impasto._typing import Features, Picture
from impasto.data.labelled import Labelled, read_labelled
from impasto.errors import ImpastoError
from impasto.image.labels import Palette
from impasto.image.objects import Maps, describe
from impasto.methods.pix2pixhd import (
    InstanceEncoder,
    LocalEnhancer,
    Pix2PixHDSettings,
    card_of,
    generator_of,
    judge_of,
)
from impasto.nn.translate import Generator
from impasto.training.labelled import LabelledTraining
from impasto.weights.model import Card

ENCODER = "encoder."
MOST_LOOKED_AT = 500
"""About how many pictures' objects give the looks to choose from."""
SMALLEST = 16
"""Pixels that an object has at least whose look is worth choosing."""


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

    def begin_with(self, card: Card, tensors: Mapping[str, Tensor]) -> None:
        """Begin with a trained generator, and its encoder."""
        super().begin_with(card, tensors)
        encoder = self.generator.encoder
        if encoder is not None:
            known = {name.removeprefix(ENCODER): each for name, each in tensors.items() if name.startswith(ENCODER)}
            encoder.load_state_dict(known)

    @property
    def find_objects(self) -> bool:
        """Whether objects are to be told apart: each gets a look of its own."""
        return self.settings.instance_features > 0

    def entered(self, generator: Generator, labels: Features, picture: Picture, instances: Tensor) -> Features:
        """Return what networks see of maps, and what each object of the pictures looks like."""
        if generator.encoder is None:
            return labels
        return torch.cat([labels, generator.encoder(picture, instances)], dim=1)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return those of the generator that is kept, with looks of the objects that it was trained on."""
        encoder = self.kept_generator.encoder
        if isinstance(encoder, InstanceEncoder):
            encoder.gather([*self._objects(encoder)], self.settings.seed)
        return super().tensors()

    @torch.no_grad()
    def _objects(self, encoder: InstanceEncoder) -> Iterator[tuple[int, Tensor]]:
        """Yield class and features of objects, of many training pictures."""
        every = max(1, len(self.items) // MOST_LOOKED_AT)
        for item in self.items[::every]:
            try:
                labels, instances, real = read_labelled(
                    item, self.settings.crop_size, self.palette, find_objects=True
                )
            except ImpastoError:
                continue  # training has named it
            features = encoder(real.to(self.device) * 2 - 1, instances.to(self.device))[0].flatten(1).cpu()
            maps = Maps(labels[0, 0].numpy(), instances[0, 0].numpy())
            first = np.unique(maps.objects, return_index=True)[1].tolist()
            for each, place in zip(describe(maps), first, strict=True):
                if each.places >= SMALLEST:
                    yield min(each.label, self.settings.known_labels - 1), features[:, place]

    def card(self) -> Card:
        """Return what the model file says about itself."""
        return replace(card_of(self.settings), palette=self.named_colors)
