"""Crops of aligned pairs, to train on: what is done to the one picture is done to the other.

As in `data.crops`, a sample is a function of the seed and its position in the training, of nothing else.
"""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from impasto.data.kept import Kept
from impasto.data.pairs import Pair
from impasto.data.rounds import first_readable
from impasto.data.sizes import check_crop, cut, loaded_size
from impasto.errors import check_choice, check_range
from impasto.image.channels import CHANNELS, with_channels
from impasto.image.io import Image
from impasto.image.resize import resize


class PairedSample(NamedTuple):
    """One sample, in [-1, 1]; its position, its pair's name, and the files passed over to get it, with reasons."""

    source: Float[Tensor, "c size size"]
    target: Float[Tensor, "d size size"]
    position: int
    name: str
    broken: dict[Path, str]


class PairedBatch(NamedTuple):
    """Several samples: pictures in [-1, 1], positions, and the files passed over."""

    source: Float[Tensor, "b c h w"]
    target: Float[Tensor, "b d h w"]
    positions: Int[Tensor, " b"]
    broken: dict[Path, str]


class PairedCrops(Dataset[PairedSample]):
    """Crops at random places, the same of both pictures, mirrored half of the time.

    The shorter side is resized to `load_size`, whatever the picture's shape; nothing is squeezed into a square.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        crop: tuple[int, int],
        length: int,
        *,
        channels: tuple[int, int] = (3, 3),
        load_size: int | None = None,
        mirrored: float = 0.5,
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            pairs: What is trained on.
            crop: Height and width of a crop, in pixels.
            length: How many samples there are.
            channels: Of source and target: 1 is grey, 3 is RGB, 4 has alpha as well.
            load_size: What the shorter side is resized to before a crop is cut; as little as it can if not given.
            mirrored: Share of the samples that are mirrored.
            seed: Of order, place and mirroring.

        Raises:
            SettingError: If something is not allowed.
        """
        self.load_size = min(crop) if load_size is None else load_size
        check_crop(crop, self.load_size)
        check_range("mirrored", mirrored, 0, 1)
        for count in channels:
            check_choice("channels", count, CHANNELS)
        self.pairs, self.crop, self.length, self.channels = list(pairs), crop, length, channels
        self.mirrored, self.seed = mirrored, seed
        self._kept = Kept(self._read)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> PairedSample:
        """Return one sample.

        Raises:
            IndexError: Past the end.
            InputError: If no pair can be read.
        """
        if not 0 <= position < self.length:
            raise IndexError(position)
        pair, (source, target), broken = first_readable(
            self.pairs, position, self.seed, self._kept, attrgetter("source"), "pairs"
        )
        chance = np.random.default_rng((self.seed, 1, position))
        source, target = (
            each[0].float() * 2 - 1 for each in cut((source, target), self.crop, chance, self.mirrored)
        )
        return PairedSample(source, target, position, pair.name, broken)

    def _read(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """Return both pictures, in half precision since they are kept, their shorter sides resized."""
        source, target = pair.read()
        return (
            sized(source, self.load_size, self.channels[0], self.crop).half(),
            sized(target, self.load_size, self.channels[1], self.crop).half(),
        )


def whole_pair(
    pair: Pair, size: int, channels: tuple[int, int]
) -> tuple[Float[Tensor, "1 c _h _w"], Float[Tensor, "1 d _h _w"]]:
    """Return both pictures of a pair whole, in [0, 1], their shorter sides resized.

    Args:
        pair: Which.
        size: Of the shorter side, in pixels.
        channels: Of source and target.

    Raises:
        InputError: If a file cannot be read, or the two are not of one size.
    """
    source, target = (sized(image, size, count) for image, count in zip(pair.read(), channels, strict=True))
    return source, target


def sized(image: Image, size: int, channels: int, crop: tuple[int, int] = (1, 1)) -> Float[Tensor, "1 c _h _w"]:
    """Return a picture as a tensor in [0, 1], its shorter side resized; more if a crop would not fit else."""
    picture = with_channels(image, channels)
    return resize(picture, *loaded_size(picture.shape[2], picture.shape[3], size, crop))


def collate_pairs(samples: Sequence[PairedSample]) -> PairedBatch:
    """Put samples into one batch."""
    return PairedBatch(
        torch.stack([sample.source for sample in samples]),
        torch.stack([sample.target for sample in samples]),
        torch.tensor([sample.position for sample in samples]),
        {path: reason for sample in samples for path, reason in sample.broken.items()},
    )
