"""Two folders of pictures that do not belong together, one of each kind, and crops of both to train on.

`trainA/*` beside `trainB/*`, of any sizes and numbers, as in CycleGAN's data sets. In every round of a folder each
of its pictures comes once, beside pictures of the other in an order of their own, so that none is tied to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from impasto.data.kept import Kept
from impasto.data.paired import sized
from impasto.data.rounds import first_readable
from impasto.data.sizes import check_crop, cut
from impasto.errors import InputError, check_choice, check_range, one_line
from impasto.image.channels import CHANNELS
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.resize import resize


@dataclass(frozen=True)
class UnpairedFolder:
    """The pictures of one split, of both kinds, sorted by name."""

    a: Sequence[Path]
    b: Sequence[Path]


def find_unpaired(folder: Path, split: str = "train") -> UnpairedFolder:
    """Find the pictures of a split.

    Args:
        folder: Of the data set.
        split: `train`, `val` or `test`: which folders of it to look in.

    Raises:
        InputError: If a folder is missing or holds no picture.
    """
    sides = folder / f"{split}A", folder / f"{split}B"
    if not all(side.is_dir() for side in sides):
        raise InputError(
            f"{one_line(str(folder))} does not hold both {split}A and {split}B; name the folders of the two kinds "
            "of pictures so"
        )
    return UnpairedFolder(*(pictures_in(side) for side in sides))


class UnpairedSample(NamedTuple):
    """A picture of each kind in [-1, 1]; the position, the file of A, and the files passed over, with reasons."""

    a: Float[Tensor, "c height width"]
    b: Float[Tensor, "d height width"]
    position: int
    name: str
    broken: dict[Path, str]


class UnpairedBatch(NamedTuple):
    """Several samples: pictures in [-1, 1], positions, and the files passed over."""

    a: Float[Tensor, "n c h w"]
    b: Float[Tensor, "n d h w"]
    positions: Int[Tensor, " n"]
    broken: dict[Path, str]


class UnpairedCrops(Dataset[UnpairedSample]):
    """Crops at random places, each picture's its own, mirrored half of the time.

    A sample is a function of the seed and its position in the training, of nothing else. The shorter side is
    resized to `load_size`, whatever the picture's shape.
    """

    def __init__(
        self,
        a: Sequence[Path],
        b: Sequence[Path],
        crop: tuple[int, int],
        length: int,
        *,
        channels: tuple[int, int] = (3, 3),
        load_size: int | None = None,
        mirrored: float = 0.5,
        zoom: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            a: Files of the one kind.
            b: Files of the other.
            crop: Height and width of a crop, in pixels.
            length: How many samples there are.
            channels: Of A and of B: 1 is grey, 3 is RGB, 4 has alpha as well.
            load_size: What the shorter side is resized to before a crop is cut; as little as it can if not given.
            mirrored: Share of the crops that are mirrored.
            zoom: Crops are cut up to so many times as large, as far as pictures go, and reduced.
            seed: Of order, place, mirroring and size.

        Raises:
            SettingError: If something is not allowed.
        """
        self.load_size = min(crop) if load_size is None else load_size
        check_crop(crop, self.load_size)
        check_range("mirrored", mirrored, 0, 1)
        check_range("zoom", zoom, 1, 16)
        for count in channels:
            check_choice("channels", count, CHANNELS)
        self.crop, self.length, self.mirrored, self.zoom, self.seed = crop, length, mirrored, zoom, seed
        self.sides = [[(path, count) for path in paths] for paths, count in zip((a, b), channels, strict=True)]
        self._kept = Kept(self._read)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> UnpairedSample:
        """Return one sample.

        Raises:
            IndexError: Past the end.
            InputError: If none of the one kind, or of the other, can be read.
        """
        if not 0 <= position < self.length:
            raise IndexError(position)
        a, name, broken = self._cut(0, position)
        b, _, also_broken = self._cut(1, position)
        return UnpairedSample(a, b, position, name, broken | also_broken)

    def _cut(self, side: int, position: int) -> tuple[Tensor, str, dict[Path, str]]:
        """Return a crop of one kind in [-1, 1], what its picture is called, and the files passed over."""
        key = (self.seed, 2, side)
        own_seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        (path, _), kept, broken = first_readable(
            self.sides[side], position, own_seed, self._kept, itemgetter(0), f"pictures of {'AB'[side]}"
        )
        chance = np.random.default_rng((*key, position))
        fitting = (there / wanted for there, wanted in zip(kept[0].shape[-2:], self.crop, strict=True))
        scale = chance.uniform(1, min(self.zoom, *fitting)) if self.zoom > 1 else 1.0
        height, width = (int(side * scale) for side in self.crop)
        (crop,) = cut(kept, (height, width), chance, self.mirrored)
        return resize(crop[None].float() / 255, *self.crop)[0] * 2 - 1, path.stem, broken

    def _read(self, item: tuple[Path, int]) -> tuple[Tensor]:
        """Return a picture as bytes, its shorter side resized."""
        path, channels = item
        picture = sized(read_image(path), self.load_size, channels, self.crop)[0]
        return ((picture * 255).round().byte(),)


def collate_unpaired(samples: Sequence[UnpairedSample]) -> UnpairedBatch:
    """Put samples into one batch."""
    return UnpairedBatch(
        torch.stack([sample.a for sample in samples]),
        torch.stack([sample.b for sample in samples]),
        torch.tensor([sample.position for sample in samples]),
        {path: reason for sample in samples for path, reason in sample.broken.items()},
    )
