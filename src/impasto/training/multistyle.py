"""Training of `methods.multistyle`: crops of photos, each painted after one of the styles."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.image.resize import fit, resize
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.nn.perceptual import Grams
from impasto.training.one_pass import OnePassTraining, shuffled


class MultistyleTraining(OnePassTraining):
    """Every crop gets a style by its position; all styles come equally often."""

    settings: MultistyleSettings
    network: Multistyle

    def __init__(self, settings: MultistyleSettings, paintings: Sequence[Picture], photos: Crops) -> None:
        super().__init__(settings, photos)
        self.paintings = paintings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = Multistyle(len(paintings), settings.base_channels, settings.num_blocks)
        self.grams: Grams

    def on_fit_start(self) -> None:
        """Look at the paintings."""
        super().on_fit_start()
        sizes = [
            fit(painting.shape[-2], painting.shape[-1], self.settings.style_size) for painting in self.paintings
        ]
        seen = [
            self.loss.grams(resize(painting, height, width).to(self.device))
            for painting, (height, width) in zip(self.paintings, sizes, strict=True)
        ]
        self.grams = {name: torch.cat([grams[name] for grams in seen]) for name in self.settings.style_layers}

    def paint(self, pictures: Picture, positions: Int[Tensor, " b"]) -> tuple[Picture, Grams]:
        """Paint each crop after its style, some after themselves: that is what no strength at all means."""
        styles = self.styles_at(positions)
        own = [
            self.loss.grams(picture[None]) if style == 0 else None
            for picture, style in zip(pictures, styles.tolist(), strict=True)
        ]
        wanted = {
            name: torch.cat(
                [
                    self.grams[name][style - 1 : style] if seen is None else seen[name]
                    for seen, style in zip(own, styles.tolist(), strict=True)
                ]
            )
            for name in self.settings.style_layers
        }
        return self.network(pictures, styles.to(self.device)), wanted

    def styles_at(self, positions: Int[Tensor, " b"]) -> Int[Tensor, " b"]:
        """Return which row the crop at a position is painted with."""
        return shuffled(positions, 1 + len(self.paintings), self.settings.seed)
