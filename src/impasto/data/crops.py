"""Random crops of pictures, to train on.

A crop is a function of the seed and its position in the training, of nothing else: whoever asks for crop 12,345
gets the same pixels, in one process or in many, from the start or after an interruption.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from impasto.data.kept import Kept
from impasto.data.rounds import first_readable
from impasto.errors import check_range, check_whole
from impasto.image.color import turn_hue
from impasto.image.io import read_image
from impasto.image.regions import visible_colors
from impasto.image.resize import resize

LARGEST_CROP = 4096


class Crop(NamedTuple):
    """One sample: pixels, its position, the file it is from, and the files passed over to get it, with reasons."""

    picture: Float[Tensor, "3 size size"]
    position: int
    path: Path
    broken: dict[Path, str]


class Batch(NamedTuple):
    """Several samples: pixels, positions, and the files passed over."""

    pictures: Float[Tensor, "b 3 size size"]
    positions: Int[Tensor, " b"]
    broken: dict[Path, str]


class Crops(Dataset[Crop]):
    """Square crops at random places, of random scale, mirrored half of the time.

    In every round each picture comes once, in a new order. A picture that cannot be read is passed over and the
    next one of the round taken; `Crop.broken` names it.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        length: int,
        *,
        zoom: float = 1.5,
        turned_hues: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            paths: The pictures' files.
            size: Of a crop, in pixels each way.
            length: How many crops there are.
            zoom: The shorter side of a picture is resized to between one and this many times `size`.
            turned_hues: Share of the crops whose hues are all turned by one random angle.
            seed: Of order, place, scale, mirroring and hues.
        """
        check_whole("crop size", size, 16, LARGEST_CROP)
        check_range("zoom", zoom, 1, 16)
        check_range("turned_hues", turned_hues, 0, 1)
        self.paths, self.size, self.length, self.zoom, self.seed = list(paths), size, length, zoom, seed
        self.turned_hues = turned_hues
        self._kept = Kept(self._read)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> Crop:
        """Return one crop.

        Raises:
            IndexError: Past the end.
            InputError: If no picture can be read.
        """
        if not 0 <= position < self.length:
            raise IndexError(position)
        path, (pixels,), broken = first_readable(
            self.paths, position, self.seed, self._kept, lambda path: path, "pictures"
        )
        return Crop(self._cut(pixels, position), position, path, broken)

    def _read(self, path: Path) -> tuple[Tensor]:
        """Return a picture's colours as bytes, its shorter side reduced to what the largest crop needs."""
        picture = visible_colors(read_image(path))
        height, width = picture.shape[-2:]
        scale = self.size * self.zoom / min(height, width)
        if scale < 1:
            picture = resize(picture, *(max(self.size, round(side * scale)) for side in (height, width)))
        return ((picture * 255).round().byte(),)

    def _cut(self, pixels: Tensor, position: int) -> Float[Tensor, "3 size size"]:
        chance = np.random.default_rng((self.seed, 1, position))
        height, width = pixels.shape[-2:]
        window = max(1, round(min(height, width) / chance.uniform(1, self.zoom)))
        top, left = (int(chance.integers(0, room + 1)) for room in (height - window, width - window))
        crop = pixels[..., top : top + window, left : left + window].float() / 255
        crop = resize(crop, self.size, self.size)
        crop = crop.flip(3) if chance.random() < 0.5 else crop
        if chance.random() < self.turned_hues:
            crop = turn_hue(crop, chance.uniform(0, 2 * math.pi))
        return crop[0]


def collate(crops: Sequence[Crop]) -> Batch:
    """Put crops into one batch."""
    broken = {path: reason for crop in crops for path, reason in crop.broken.items()}
    positions = torch.tensor([crop.position for crop in crops])
    return Batch(torch.stack([crop.picture for crop in crops]), positions, broken)
