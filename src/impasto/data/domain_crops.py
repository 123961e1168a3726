"""Crops of pictures with their labels, and with the labels they are to be translated to.

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

from impasto.data.domains import Domains, Member
from impasto.data.kept import Kept
from impasto.data.label_sets import LabelSets
from impasto.data.rounds import first_readable
from impasto.data.sizes import check_crop, cut, loaded_size
from impasto.image.io import read_image
from impasto.image.regions import on_white
from impasto.image.resize import resize


class DomainSample(NamedTuple):
    """One sample.

    Attributes:
        picture: In [-1, 1].
        label: What it has, of all names.
        target: What it is to be translated to, likewise.
        owner: Which data set it is of.
        position: Where in the training.
        broken: Files passed over to get it, with reasons.
    """

    picture: Float[Tensor, "3 height width"]
    label: Float[Tensor, " names"]
    target: Float[Tensor, " names"]
    owner: int
    position: int
    broken: dict[Path, str]


class DomainBatch(NamedTuple):
    """Several samples: pictures in [-1, 1], labels, targets, data sets, positions, and the files passed over."""

    pictures: Float[Tensor, "b 3 h w"]
    labels: Float[Tensor, "b names"]
    targets: Float[Tensor, "b names"]
    owners: Int[Tensor, " b"]
    positions: Int[Tensor, " b"]
    broken: dict[Path, str]


class DomainCrops(Dataset[DomainSample]):
    """Crops at random places, mirrored half of the time; several data sets take turns.

    In every round of a data set each of its pictures comes once, in a new order. The target is the label of a
    picture drawn from the same data set. The shorter side is resized to `load_size`, whatever the picture's shape.
    """

    def __init__(
        self, domains: Domains, crop: tuple[int, int], length: int, *, load_size: int | None = None, seed: int = 0
    ) -> None:
        """Prepare.

        Args:
            domains: What is trained on.
            crop: Height and width of a crop, in pixels.
            length: How many samples there are.
            load_size: What the shorter side is resized to before a crop is cut; as little as it can if not given.
            seed: Of order, place, mirroring and targets.

        Raises:
            SettingError: If something is not allowed.
        """
        self.load_size = min(crop) if load_size is None else load_size
        check_crop(crop, self.load_size)
        self.labels, self.crop, self.length, self.seed = domains.labels, crop, length, seed
        owners = sorted({member.owner for member in domains.members})
        self.sets = [[member for member in domains.members if member.owner == owner] for owner in owners]
        self._kept = Kept(self._read)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> DomainSample:
        """Return one sample.

        Raises:
            IndexError: Past the end.
            InputError: If no picture of a data set can be read.
        """
        if not 0 <= position < self.length:
            raise IndexError(position)
        turn, which = divmod(position, len(self.sets))
        members, own_seed = self.sets[which], np.random.SeedSequence((self.seed, 4, which)).generate_state(1)
        member, pixels, broken = first_readable(
            members, turn, int(own_seed[0]), lambda each: self._kept(each.path), attrgetter("path"), "pictures"
        )
        chance = np.random.default_rng((self.seed, 5, position))
        (crop,) = cut(pixels, self.crop, chance)
        target = members[int(chance.integers(len(members)))]
        label, wanted = (has(each, self.labels) for each in (member, target))
        return DomainSample(crop.float() / 127.5 - 1, label, wanted, member.owner, position, broken)

    def _read(self, path: Path) -> tuple[Tensor]:
        """Return a picture as bytes, on white, its shorter side resized."""
        return ((whole(path, self.load_size, self.crop)[0] * 255).round().byte(),)


def whole(path: Path, size: int, crop: tuple[int, int] = (1, 1)) -> Float[Tensor, "1 3 _h _w"]:
    """Return a picture in [0, 1], on white, its shorter side resized; more if a crop would not fit else.

    Raises:
        InputError: If it cannot be read.
    """
    picture = on_white(read_image(path))
    return resize(picture, *loaded_size(picture.shape[2], picture.shape[3], size, crop)).clamp(0, 1)


def has(member: Member, labels: LabelSets) -> Float[Tensor, " names"]:
    """Return 1 for each name that a picture has, else 0."""
    return torch.tensor([float(name in member.present) for name in labels.names])


def collate_domains(samples: Sequence[DomainSample]) -> DomainBatch:
    """Put samples into one batch."""
    return DomainBatch(
        torch.stack([sample.picture for sample in samples]),
        torch.stack([sample.label for sample in samples]),
        torch.stack([sample.target for sample in samples]),
        torch.tensor([sample.owner for sample in samples]),
        torch.tensor([sample.position for sample in samples]),
        {path: reason for sample in samples for path, reason in sample.broken.items()},
    )
