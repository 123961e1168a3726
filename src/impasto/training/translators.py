"""What translators are trained on: those of `val` or `test` held out, or one of 20."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from impasto.data.domains import Domains, find_domains, split_by_name
from impasto.data.labelled import LabelledFolder, find_labelled
from impasto.data.pairs import Direction, Pair, find_pairs
from impasto.data.unpaired import UnpairedFolder, find_unpaired
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.image.labels import read_label_map
from impasto.methods.cut import CutSettings
from impasto.methods.cyclegan import CycleGANSettings
from impasto.methods.pix2pix import Pix2PixSettings
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.methods.spade import SpadeSettings
from impasto.methods.stargan import StarganSettings
from impasto.nn.labelled import MOST_CLASSES
from impasto.training.adversarial import AdversarialTraining
from impasto.training.cut import CutTraining
from impasto.training.cyclegan import CycleGANTraining
from impasto.training.pix2pix import Pix2PixTraining
from impasto.training.pix2pixhd import Pix2PixHDTraining
from impasto.training.spade import SpadeTraining
from impasto.training.stargan import StarganTraining

HELD_OUT_SPLITS = ("val", "test")
HELD_OUT_EVERY, MOST_HELD_OUT = 20, 50

Item = TypeVar("Item")
Settings = Pix2PixSettings | Pix2PixHDSettings | SpadeSettings | CycleGANSettings | CutSettings | StarganSettings


class Pairs(NamedTuple):
    """What is trained on, and what is held out."""

    trained: Sequence[Pair]
    held_out: Sequence[Pair]

    @classmethod
    def under(cls, folder: Path, direction: Direction) -> "Pairs":
        """Return the pairs of a folder.

        Raises:
            InputError: If there are none.
        """
        trained = find_pairs(folder, "train", direction).pairs
        split = _held_out_split(folder, "", "A")
        return cls(*_split(trained, find_pairs(folder, split, direction).pairs if split else ()))


class Unpaired(NamedTuple):
    """What is trained on, and what is held out, of both kinds."""

    trained: UnpairedFolder
    held_out: UnpairedFolder

    @classmethod
    def under(cls, folder: Path) -> "Unpaired":
        """Return the pictures of a folder.

        Raises:
            InputError: If there are none of the one kind, or of the other.
        """
        trained, split = find_unpaired(folder), _held_out_split(folder, "A")
        held_out = find_unpaired(folder, split) if split else UnpairedFolder((), ())
        sides = (_split(trained.a, held_out.a), _split(trained.b, held_out.b))
        return cls(*(UnpairedFolder(a, b) for a, b in zip(*sides, strict=True)))

    def described(self) -> dict[str, Any]:
        """Return what tells these pictures from others."""
        trained, held_out = ([*each.a, *each.b] for each in self)
        return _described(len(trained), len(held_out), [*trained, *held_out])


def translator_training(settings: Settings, data: Path) -> tuple[AdversarialTraining, dict[str, Any]]:
    """Return a training on a folder, and what tells its settings and data from others.

    Raises:
        InputError: If there is nothing to train on.
    """
    if isinstance(settings, Pix2PixSettings):
        pairs = Pairs.under(data, settings.direction)
        paths = [path for pair in (*pairs.trained, *pairs.held_out) for path in (pair.source, pair.target)]
        return Pix2PixTraining(settings, *pairs), _described(len(pairs.trained), len(pairs.held_out), paths)
    if isinstance(settings, CycleGANSettings):
        kinds = Unpaired.under(data)
        return CycleGANTraining(settings, *kinds), kinds.described()
    if isinstance(settings, CutSettings):
        kinds = Unpaired.under(data)
        return CutTraining(settings, *kinds), kinds.described()
    if isinstance(settings, StarganSettings):
        return _domain_training(settings, data)
    found, split = find_labelled(data), _held_out_split(data, "_label", "annot")
    trained, held_out = _split(found.items, find_labelled(data, split).items if split else ())
    if not settings.classes:
        settings = replace(settings, classes=count_classes(found))
    paths = [path for item in (*trained, *held_out) for path in item if path is not None]
    training: SpadeTraining | Pix2PixHDTraining
    if isinstance(settings, SpadeSettings):
        training = SpadeTraining(settings, trained, held_out, found.palette)
    else:
        training = Pix2PixHDTraining(settings, trained, held_out, found.palette)
    training.named_colors = found.named_colors
    return training, _described(len(trained), len(held_out), paths)


def _domain_training(settings: StarganSettings, data: Path) -> tuple[StarganTraining, dict[str, Any]]:
    """Return a training on pictures of domains, and what tells its data from others."""
    found = find_domains(data, "train", settings.attributes)
    names = tuple(map(str, found.labels.sets))
    if settings.domains not in ((), names):
        raise SettingError(f"domains is {settings.domains}, but {data} has {names}; give its own, or other data")
    trained, held_out = _split_domains(found, data, settings.attributes)
    training = StarganTraining(replace(settings, domains=names), trained, held_out)
    paths = [member.path for member in (*trained.members, *held_out.members)]
    return training, _described(len(trained.members), len(held_out.members), paths)


def _split_domains(found: Domains, data: Path, attributes: str) -> tuple[Domains, Domains]:
    """Return what is trained on, and what is held out: of `val` or `test`, or one of 20 of each domain.

    Where that is too little to measure distances of sets by, all that is trained on is looked at.
    """
    for split in HELD_OUT_SPLITS:
        with suppress(InputError):  # if there is no such split
            held_out = find_domains(data, split, attributes)
            return found, held_out if _is_enough(held_out) else found
    trained, kept = split_by_name(found.members, HELD_OUT_EVERY, MOST_HELD_OUT)
    held_out = found._replace(members=kept)
    return (found._replace(members=trained), held_out) if _is_enough(held_out) else (found, found)


def _is_enough(held_out: Domains) -> bool:
    """Return whether there are two pictures to translate to each name."""
    labels = held_out.labels
    return all(
        sum(member.owner == labels.owner(name) and name not in member.present for member in held_out.members) > 1
        for name in labels.names
    )


def count_classes(found: LabelledFolder) -> int:
    """Return how many classes there are: as many as are named, or one more than the largest id of the maps."""
    if found.names:
        return len(found.names)
    largest = 0
    for item in found.items:
        try:
            largest = max(largest, int(read_label_map(item.labels, found.palette).max()))
        except ImpastoError:
            continue  # it will be passed over and named
    return min(largest + 1, MOST_CLASSES)


def _held_out_split(folder: Path, *endings: str) -> str | None:
    """Return which split is held out, if there is one."""
    return next(
        (split for split in HELD_OUT_SPLITS if any((folder / f"{split}{ending}").is_dir() for ending in endings)),
        None,
    )


def _split(trained: Sequence[Item], held_out: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return what is trained on and what is held out: one of 20 where nothing is; all of it where there are few."""
    if held_out:
        return trained, held_out[:MOST_HELD_OUT]
    held_out = trained[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY][:MOST_HELD_OUT]
    return ([each for each in trained if each not in held_out], held_out) if held_out else (trained, trained)


def _described(trained: int, held_out: int, paths: Iterable[Path]) -> dict[str, Any]:
    """Return what tells data from others: how many there are, and a digest of names and sizes."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return {"data": {"trained": trained, "held_out": held_out, "sha256": digest.hexdigest()}}
