"""Training of `methods.johnson`: crops of photos, all painted after one painting."""

from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.errors import SettingError
from impasto.image.resize import fit, resize
from impasto.methods.johnson import Johnson, JohnsonSettings, network_of
from impasto.nn.perceptual import Grams
from impasto.training.one_pass import PerceptualTraining


class JohnsonTraining(PerceptualTraining):
    """Every crop is painted after the same painting."""

    method = "johnson"
    settings: JohnsonSettings
    network: Johnson

    def __init__(
        self, settings: JohnsonSettings, paintings: Mapping[str, Picture], photos: Crops, held_out: Crops
    ) -> None:
        super().__init__(settings, photos, held_out)
        if len(paintings) != 1:
            raise SettingError(f"johnson learns one painting, and {len(paintings)} are given; choose multistyle")
        (self.painting,), self.style_names = paintings.values(), tuple(paintings)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = network_of(settings)
        self.grams: Grams

    def on_fit_start(self) -> None:
        """Look at the painting."""
        super().on_fit_start()
        size = fit(self.painting.shape[-2], self.painting.shape[-1], self.settings.style_size)
        self.grams = self.loss.grams(resize(self.painting, *size).to(self.device))

    def terms(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool = False) -> dict[str, Tensor]:
        """Paint each crop."""
        wanted = {name: gram.expand(len(pictures), -1, -1) for name, gram in self.grams.items()}
        return self.loss(self.network(pictures), pictures, wanted, self.share(self.grams))

    @torch.no_grad()
    def painted_samples(self, photo: Picture) -> Picture:
        """Return a photo painted."""
        painted: Tensor = self.network(photo)
        return painted.clamp(0, 1)  # a linear ending is not cut in training
