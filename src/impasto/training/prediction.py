"""Training of `methods.prediction`: crops of photos, each painted after a crop of a painting."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from impasto._typing import Picture
from impasto.data.crops import Crops
from impasto.methods.prediction import Prediction, PredictionSettings, style_statistics
from impasto.nn.perceptual import Grams
from impasto.training.one_pass import OnePassTraining, shuffled

PAINTINGS_PER_PHOTO = 16
"""So many crops are painted after paintings for each one painted after itself."""
KEPT = 2**31
"""Bytes of looks at paintings that are remembered."""
_LOOKED_AT_FIRST = 256


class Look(NamedTuple):
    """What is seen of a crop of a painting: its statistics, and its Gram matrices rounded to half precision."""

    statistics: Float[Tensor, "1 n"]
    grams: dict[str, Tensor]


class PredictionTraining(OnePassTraining):
    """Crops of paintings are numbered, and every crop of a photo gets one by its position."""

    settings: PredictionSettings
    network: Prediction

    def __init__(self, settings: PredictionSettings, paintings: Crops, photos: Crops) -> None:
        super().__init__(settings, photos)
        self.paintings = paintings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = Prediction(settings.base_channels, settings.num_blocks, settings.embedding_size)
        self._looks: dict[int, Look] = {}
        self._free = KEPT

    def on_fit_start(self) -> None:
        """Learn how paintings differ, unless that is known from a checkpoint."""
        super().on_fit_start()
        if bool((self.network.spread == 1).all()):
            first = range(min(_LOOKED_AT_FIRST, len(self.paintings)))
            self.network.standardise(torch.cat([self._look(index).statistics for index in first]))

    def paint(self, pictures: Picture, positions: Int[Tensor, " b"]) -> tuple[Picture, Grams]:
        """Paint each crop after its painting, some after themselves: that is what no strength at all means."""
        photos = max(1, len(self.paintings) // PAINTINGS_PER_PHOTO)
        styles = shuffled(positions, len(self.paintings) + photos, self.settings.seed)
        looks = [
            self._look(index) if index < len(self.paintings) else self._seen(picture[None])
            for index, picture in zip(styles.tolist(), pictures, strict=True)
        ]
        with torch.autocast(self.device.type, enabled=False):
            embedding = self.network.embed(torch.cat([look.statistics for look in looks]))
            rows = self.network.rows(embedding)
        grams = {
            name: torch.cat([look.grams[name] for look in looks]).float() for name in self.settings.style_layers
        }
        return self.network.paint(pictures, rows), grams

    def _look(self, index: int) -> Look:
        if index in self._looks:
            return self._looks[index]
        look = self._seen(self.paintings[index].picture[None].to(self.device))
        size = sum(gram.nbytes for gram in look.grams.values()) + look.statistics.nbytes
        if size <= self._free:
            self._free -= size
            self._looks[index] = look
        return look

    def _seen(self, picture: Picture) -> Look:
        with torch.autocast(self.device.type, enabled=False):
            grams = {name: gram.bfloat16() for name, gram in self.loss.grams(picture).items()}
            return Look(style_statistics(self.loss.vgg, picture), grams)
