"""Training of `methods.prediction`: crops of photos, each painted after a crop of a painting."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.methods.prediction import LAYERS, Prediction, PredictionSettings, network_of, statistics_of
from impasto.nn.compute import choose_dtype
from impasto.nn.vgg import VGG, check_encoder
from impasto.training.looks import Look, Looks
from impasto.training.one_pass import PerceptualTraining, between, shuffled, strengths

PAINTINGS_PER_PHOTO = 16
"""So many crops are painted after paintings for each one painted after itself."""
SAMPLES = 6
_LOOKED_AT_FIRST = 256


class PredictionTraining(PerceptualTraining):
    """Crops of paintings are numbered, and every crop of a photo gets one by its position."""

    method = "prediction"
    settings: PredictionSettings
    network: Prediction

    def __init__(
        self,
        settings: PredictionSettings,
        paintings: Crops,
        photos: Crops,
        held_out: Crops,
        held_out_paintings: Crops,
    ) -> None:
        super().__init__(settings, photos, held_out)
        self.paintings, self.held_out_paintings = paintings, held_out_paintings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = network_of(settings)
        self._encoder: list[VGG] = []  # in a list, so that its weights are not taken for ours
        self.looks: Looks
        self.held_out_looks: Looks

    def on_fit_start(self) -> None:
        """Learn how paintings differ, unless that is known from a checkpoint."""
        super().on_fit_start()
        encoder, network = check_encoder(self.settings.encoder), self.settings.network
        self._encoder = [
            self.loss.vgg
            if encoder == network
            else VGG.pretrained(encoder, device=self.device, dtype=choose_dtype("auto", self.device))
        ]
        self.looks = Looks(self.paintings, self._see, self.device)
        self.held_out_looks = Looks(self.held_out_paintings, self._see, self.device)
        if bool((self.network.spread == 1).all()):
            first = range(min(_LOOKED_AT_FIRST, len(self.paintings)))
            self.network.standardise(torch.cat([self.looks.at(index)["statistics"] for index in first]))

    def terms(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool = False) -> dict[str, Tensor]:
        """Paint each crop after its painting, some partly, some after themselves, which is no strength at all."""
        looks = self._looks_at(pictures, positions, held_out)
        wanted = {name: torch.cat([look[name] for look in looks]).float() for name in self.settings.style_layers}
        shares = torch.cat([look["share"] for look in looks])
        strength = torch.ones(len(positions)) if held_out else strengths(positions, self.settings.seed)
        strength = strength.to(self.device)
        with torch.autocast(self.device.type, enabled=False):
            rows = self._rows(looks)
            if bool((strength < 1).any()):
                own = [self.looks.of(picture[None]) for picture in pictures]
                rows = torch.lerp(self._rows(own), rows, strength[:, None])
                own_grams = {name: torch.cat([look[name] for look in own]) for name in wanted}
                wanted = between(own_grams, wanted, strength)
                shares = torch.lerp(torch.ones_like(shares), shares, strength)
        return self.loss(self.network.paint(pictures, rows), pictures, wanted, shares)

    @torch.no_grad()
    def painted_samples(self, photo: Picture) -> Picture:
        """Return a photo painted after held-out paintings."""
        looks = [self.held_out_looks.at(index) for index in range(min(SAMPLES, len(self.held_out_looks)))]
        return torch.cat([self.network.paint(photo, self._rows([look])) for look in looks])

    def _looks_at(self, pictures: Picture, positions: Int[Tensor, " b"], held_out: bool) -> Sequence[Look]:
        if held_out:
            return [self.held_out_looks.at(position % len(self.held_out_looks)) for position in positions.tolist()]
        photos = max(1, len(self.looks) // PAINTINGS_PER_PHOTO)
        styles = shuffled(positions, len(self.looks) + photos, self.settings.seed).tolist()
        return [
            self.looks.at(index) if index < len(self.looks) else self.looks.of(picture[None])
            for index, picture in zip(styles, pictures, strict=True)
        ]

    def _rows(self, looks: Sequence[Look]) -> Tensor:
        return self.network.rows(self.network.embed(torch.cat([look["statistics"] for look in looks])))

    @torch.no_grad()
    def _see(self, picture: Picture) -> Mapping[str, Tensor]:
        with torch.autocast(self.device.type, enabled=False):
            features = self.loss.vgg(picture, {*LAYERS, *self.settings.style_layers})
            grams = self.loss.grams_of(features)
            (encoder,) = self._encoder
            encoded = features if encoder is self.loss.vgg else encoder(picture, LAYERS)
            return {**grams, "statistics": statistics_of(encoded), "share": self.share(grams)}
