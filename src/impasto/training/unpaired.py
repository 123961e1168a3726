"""What trainings share that have no pairs: pictures of two kinds, and no right answer to be measured against."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from impasto._typing import Features, Picture
from impasto.data.paired import sized
from impasto.data.unpaired import UnpairedBatch, UnpairedCrops, UnpairedFolder, collate_unpaired
from impasto.image.channels import as_rgb
from impasto.image.io import read_image
from impasto.metrics.edges import edge_correlation
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.seen import Seer, seer
from impasto.nn.translate import Generator, translate
from impasto.training.adversarial import AdversarialTraining
from impasto.training.watchdog import Signs

SAMPLES = 4
"""Held-out pictures of each kind among the samples."""
LOOKED_AT = 8
"""Held-out pictures of each kind in which signs of what goes wrong are looked for at every chapter's end."""
FEW, TILES = 10, 4
"""With fewer pictures than this each is measured in so many tiles each way: a distance of sets needs sets."""


class Held(NamedTuple):
    """A held-out picture: where it lies, and which kind it is to become, `a` or `b`."""

    path: Path
    becomes: str

    def __str__(self) -> str:
        """Return the file, which is named if it cannot be read."""
        return str(self.path)


class UnpairedTraining(AdversarialTraining):
    """Pictures of two kinds in; what is held out is translated whole, as `impasto translate` would.

    Attributes:
        zoom: Crops are cut up to so many times as large, and reduced.
    """

    zoom = 1.0

    def __init__(self, trained: UnpairedFolder, held_out: UnpairedFolder, crops_a_round: int = 0) -> None:
        """Prepare.

        Args:
            trained: What is trained on.
            held_out: What is not.
            crops_a_round: How many crops make a round; by default as many as the larger kind has pictures.
        """
        super().__init__(crops_a_round or max(len(trained.a), len(trained.b)))
        self.trained, self.held_out = trained, held_out
        self._seers: list[Seer] = []
        self._known: dict[str, Tensor] = {}

    @property
    @abstractmethod
    def channels(self) -> tuple[int, int]:
        """Of A and of B."""

    @abstractmethod
    def generators(self, *, kept: bool) -> Mapping[str, Generator]:
        """Return what makes pictures of each kind, by the kind's name.

        Args:
            kept: Those that are kept, or else those that are trained.
        """

    def train_dataloader(self) -> DataLoader[UnpairedBatch]:
        """Return the crops of every chapter in turn."""
        settings = self.settings
        crops = UnpairedCrops(
            self.trained.a,
            self.trained.b,
            settings.crop,
            self.steps * self.samples_a_step,
            channels=self.channels,
            load_size=settings.load_size,
            zoom=self.zoom,
            seed=settings.seed,
        )
        return self.in_chapters(crops, collate_unpaired)

    def on_fit_start(self) -> None:
        """Load the network that sees sets of pictures."""
        self._seers = [seer(device=self.device)]

    def held_out_terms(self) -> dict[str, float]:
        """Return how far translations are from real pictures as sets, how much of their structure stays, and signs.

        `kid_b` is the kernel distance of what was made of A to pictures of B, as the bundled network sees them,
        `kid_a` that of what was made of B; `total` is their mean, which tells the best networks. `edges` is the
        correlation of edges with those of what went in.
        """
        distances, edges, signs = dict[str, float](), list[float](), Signs()
        for kind in self.generators(kept=True):
            fakes = []
            for real, fake in self.readable(self._sources(kind), self._translated):
                edges.append(float(edge_correlation(fake, real)))
                signs.add(fake, real)
                fakes.append(fake)
            distances[f"kid_{kind}"] = kernel_distance(self._seen(fakes), self._real(kind))
        total = sum(distances.values()) / len(distances)
        return {**distances, "edges": sum(edges) / len(edges), **_beside_input(signs), "total": total}

    def signs(self) -> dict[str, float]:
        """Return signs of what goes wrong in the networks that are trained, by a few held-out pictures."""
        signs = Signs()
        for kind, generator in self.generators(kept=False).items():
            items = self._sources(kind)[:LOOKED_AT]
            for real, fake in self.readable(items, lambda item, _: self._made(item, generator)):  # noqa: B023
                signs.add(fake, real)
        return _beside_input(signs)

    def read(self, item: Held) -> Features:
        """Return a held-out picture in [0, 1], its shorter side resized.

        Raises:
            InputError: If it cannot be read.
        """
        channels = self.channels[0 if item.becomes == "b" else 1]
        return sized(read_image(item.path), self.settings.whole_size, channels).to(self.device)

    def shown(self, generator: Generator, picture: Features) -> Features:
        """Return what a generator makes of a picture, both in [0, 1]."""
        return (translate(generator, picture * 2 - 1).float() + 1) / 2

    def _translated(self, item: Held, number: int) -> tuple[Picture, Picture]:
        """Return a held-out picture and its translation by what is kept, in [0, 1]."""
        return self._made(item, self.generators(kept=True)[item.becomes])

    def _made(self, item: Held, generator: Generator) -> tuple[Picture, Picture]:
        real = self.read(item)
        return as_rgb(real), as_rgb(self.shown(generator, real))

    def _sources(self, kind: str) -> list[Held]:
        """Return held-out pictures that become pictures of a kind."""
        return [Held(path, kind) for path in (self.held_out.a if kind == "b" else self.held_out.b)]

    def _real(self, kind: str) -> Tensor:
        """Return what is seen in held-out pictures of a kind."""
        if kind not in self._known:
            other = "ab"[kind == "a"]
            pictures = self.readable(self._sources(other), lambda item, _: as_rgb(self.read(item)))
            self._known[kind] = self._seen([*pictures])
        return self._known[kind]

    def _seen(self, pictures: Sequence[Picture]) -> Tensor:
        """Return what is seen in pictures, or in their tiles where there are few of the one or of the other."""
        (seen_by,) = self._seers
        if min(len(self.held_out.a), len(self.held_out.b)) < FEW:
            pictures = [tile for picture in pictures for tile in _tiles(picture)]
        return torch.cat([seen_by.see(picture) for picture in pictures])


def _beside_input(signs: Signs) -> dict[str, float]:
    found = signs.means()
    return {"input_correlation": found.pop("correlation"), **found}


def _tiles(picture: Picture) -> Sequence[Picture]:
    """Return a picture in tiles."""
    height, width = (max(1, side // TILES) for side in picture.shape[-2:])
    rows = [row for row in picture.split(height, dim=2) if row.shape[2] == height]
    return [tile for row in rows for tile in row.split(width, dim=3) if tile.shape[3] == width]
