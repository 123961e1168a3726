"""`evaluate`: how good a translator's pictures are, measured on what it was not trained on.

Of pairs and label maps, beside what pictures should be. Without pairs, as a set beside real pictures of the kind
that is made: how much nearer to these than what went in, and how much of its structure is left.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto._typing import Picture
from impasto._version import __version__
from impasto.data.labelled import Labelled, find_labelled, read_labelled
from impasto.data.paired import sized, whole_pair
from impasto.data.pairs import Direction, Pair, find_pairs
from impasto.data.unpaired import find_unpaired
from impasto.errors import ImpastoError, InputError, check_choice
from impasto.image.channels import as_rgb
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.labels import Palette
from impasto.image.regions import visible_colors
from impasto.methods import METHODS
from impasto.methods.stargan import StarganSettings
from impasto.metrics.distance import perceptual_distance
from impasto.metrics.edges import edge_correlation
from impasto.metrics.frechet import frechet_distance
from impasto.metrics.intervals import COVERED, DRAWS, bootstrap
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.pixels import l1, psnr, ssim
from impasto.metrics.relative import DIFFERS
from impasto.metrics.seen import Features, seer
from impasto.nn.vgg import VGG
from impasto.verbs.evaluate_domains import measure_domains
from impasto.verbs.translate import TranslateSettings, Translator, load_translator, settings_of, translate
from impasto.weights.model import Card

FRECHET, KERNEL = "fid_efficientnet_lite0", "kid_efficientnet_lite0"
Measure = Callable[..., float]
"""Measures pictures, given the numbers of those of each set."""
OnPicture = Callable[[int, int], None]
"""Called after every picture with how many are done, and how many there are."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        values: Of every measure, by name.
        intervals: Of every measure, the middle 95 % of bootstrap draws.
        real: Of measures of sets: between as many real pictures of `train` and those of the split, which is what
            pictures as good as real ones have. It is far from 0 where there are few. Empty without `train`.
        protocol: How it was measured.
        broken: Files that could not be read, with the reason.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    real: Mapping[str, float]
    protocol: Mapping[str, Any]
    broken: Mapping[str, str]


def evaluate(
    model: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str],
    split: str = "val",
    features: Features = "efficientnet-lite0",
    settings: TranslateSettings | None = None,
    on_picture: OnPicture | None = None,
) -> Evaluation:
    """Translate what a model was not trained on, and measure how far it is from what it should be.

    Args:
        model: A model file.
        data: The data folder, in any layout that the model's method is trained on.
        split: Which part of it.
        features: What sees sets of pictures. `inception-v3` gives what is called FID and KID elsewhere, `fid` and
            `kid` here; its weights are fetched once. The bundled network's have its name.
        settings: How to translate. `size` is that of the shorter side here, by default that of the crops the model
            was trained on.
        on_picture: Called after every picture.

    Raises:
        InputError: If there is no model, or there are fewer than two pictures that can be read.
        WeightsError: If the model is damaged, or InceptionV3 cannot be fetched.
    """
    check_choice("features", features, Features)
    settings = settings or TranslateSettings()
    translator = load_translator(model, settings)
    size = settings.size or int(settings_of(translator).whole_size)
    if METHODS[translator.card.method].named_domains:
        return _of_domains(model, Path(data), split, features, replace(settings, size=size), on_picture)
    settings = replace(settings, size=None)
    broken: dict[str, str] = {}
    folder = _Folder(Path(data), translator.card, settings.direction)
    examples = folder.examples(split)
    pictures: _Paired | _Unpaired
    if METHODS[translator.card.method].unpaired:
        pictures = _Unpaired(features, folder.targets(split, size))
    else:
        pictures = _Paired(VGG.pretrained(), features)
    for number, (name, read) in enumerate(examples, 1):
        try:
            source, instances, wanted = read(size)
            image = translate(model, source, instances=instances, settings=settings).image
        except ImpastoError as error:
            broken[name] = str(error)
            continue
        pictures.add(visible_colors(image), wanted)
        if on_picture is not None:
            on_picture(number, len(examples))
    count = len(pictures.found)
    if count < 2:
        why = f"; the first: {next(iter(broken.values()))}" if broken else ""
        raise InputError(f"{count} pictures of {split} could be measured, and two are needed{why}")
    measures, counts = pictures.measures(), pictures.counts
    return Evaluation(
        {name: measure(*map(np.arange, counts)) for name, measure in measures.items()},
        {name: bootstrap(measure, *counts) for name, measure in measures.items()},
        pictures.real(() if split == "train" else folder.targets("train", size, pictures.counts[-1])),
        _protocol(translator, split, count, size, pictures.seer.about, settings),
        broken,
    )


def _of_domains(
    model: str | os.PathLike[str],
    data: Path,
    split: str,
    features: Features,
    settings: TranslateSettings,
    on_picture: OnPicture | None,
) -> Evaluation:
    """Measure a network that is told by name what to translate to."""
    translator, seeing = load_translator(model, settings), seer(features)
    built, alone = translator.card.settings_as(StarganSettings), replace(settings, size=None)
    assert settings.size is not None
    measured = measure_domains(
        lambda picture, to: visible_colors(translate(model, picture, settings=replace(alone, to=to)).image),
        built.labels,
        data,
        split=split,
        attributes=built.attributes,
        to=settings.to,
        size=settings.size,
        seeing=seeing,
        on_picture=on_picture,
    )
    left = f"mean absolute difference from the truth by that of the input, where the latter is above {DIFFERS:.4f}"
    protocol = _protocol(translator, split, measured.translations, settings.size, seeing.about, alone) | {
        "left": left
    }
    return Evaluation(measured.values, measured.intervals, measured.real, protocol, measured.broken)


def _protocol(
    translator: Translator, split: str, count: int, size: int, about: str, settings: TranslateSettings
) -> dict[str, Any]:
    """Return how pictures are measured."""
    return {
        "impasto": __version__,
        "model": {"name": translator.name, "sha256": translator.sha256},
        "split": split,
        "count": count,
        "size": f"shorter side {size} pixels",
        "resize": "bicubic, antialiased; label maps nearest",
        "format": "8 bits, before any file",
        "features": about,
        "intervals": f"{COVERED:.0%} of {DRAWS} bootstrap draws",
        "settings": {name: value for name, value in asdict(settings).items() if name != "size"},
    }


class _Paired:
    """What is measured of each picture, and what is kept of it for measures of all together."""

    def __init__(self, vgg: VGG, features: Features) -> None:
        self.vgg, self.seer = vgg, seer(features)
        self.each: dict[str, list[float]] = {"l1": [], "psnr": [], "ssim": [], "distance_vgg16": []}
        self.found: list[Tensor] = []
        self.wanted: list[Tensor] = []

    def add(self, found: Picture, wanted: Picture) -> None:
        """Measure a picture beside what it should be."""
        for measure, value in (("l1", l1), ("psnr", psnr), ("ssim", ssim)):
            self.each[measure].append(float(value(found, wanted)))
        self.each["distance_vgg16"].append(float(perceptual_distance(found, wanted, self.vgg)))
        self.found.append(self._seen(found))
        self.wanted.append(self._seen(wanted))

    def measures(self) -> dict[str, Measure]:
        """Return what measures pictures by their numbers."""
        found, wanted = torch.cat(self.found), torch.cat(self.wanted)
        return {name: partial(_mean, np.array(values)) for name, values in self.each.items()} | {
            f"fid{self.seer.ending}": lambda drawn: frechet_distance(found[drawn], wanted[drawn]),
            f"kid{self.seer.ending}": lambda drawn: kernel_distance(found[drawn], wanted[drawn], (drawn, drawn)),
        }

    @property
    def counts(self) -> tuple[int, ...]:
        """How many pictures there are."""
        return (len(self.found),)

    def real(self, others: Iterable[Picture]) -> dict[str, float]:
        """Return the distances of sets between other real pictures and those that were to be made."""
        return _distances([self._seen(each) for each in others], self.wanted, self.seer.ending)

    @torch.no_grad()
    def _seen(self, picture: Picture) -> Tensor:
        return self.seer.see(picture)


class _Unpaired:
    """What is kept of pictures to measure sets of them, and how much of their structure stayed."""

    def __init__(self, features: Features, targets: Iterable[Picture]) -> None:
        """Prepare.

        Args:
            features: What sees.
            targets: Real pictures of the kind that is made.
        """
        self.seer = seer(features)
        self.edges: list[float] = []
        self.found: list[Tensor] = []
        self.given: list[Tensor] = []
        self.targets = [self.seer.see(each) for each in targets]
        if len(self.targets) < 2:
            raise InputError(f"{len(self.targets)} pictures of the kind that is made can be read; two are needed")

    def add(self, found: Picture, given: Picture) -> None:
        """Measure a picture beside what it was made of."""
        self.edges.append(float(edge_correlation(found, given)))
        self.found.append(self.seer.see(found))
        self.given.append(self.seer.see(given))

    @property
    def counts(self) -> tuple[int, ...]:
        """How many pictures were made, and how many real ones they are compared with."""
        return len(self.found), len(self.targets)

    def measures(self) -> dict[str, Measure]:
        """Return what measures pictures by their numbers: made ones, and, named so, those that went in."""
        found, given, targets = map(torch.cat, (self.found, self.given, self.targets))
        edges, ending = np.array(self.edges), self.seer.ending
        return {
            "edge_correlation": lambda drawn, _: _mean(edges, drawn),
            f"fid{ending}": lambda drawn, real: frechet_distance(found[drawn], targets[real]),
            f"kid{ending}": lambda drawn, real: kernel_distance(found[drawn], targets[real], (drawn, real)),
            f"input_fid{ending}": lambda drawn, real: frechet_distance(given[drawn], targets[real]),
            f"input_kid{ending}": lambda drawn, real: kernel_distance(given[drawn], targets[real], (drawn, real)),
        }

    def real(self, others: Iterable[Picture]) -> dict[str, float]:
        """Return the distances of sets between other real pictures of the kind and those of the split."""
        return _distances([self.seer.see(each) for each in others], self.targets, self.seer.ending)


def _distances(seen: Sequence[Tensor], others: Sequence[Tensor], ending: str) -> dict[str, float]:
    if min(len(seen), len(others)) < 2:
        return {}
    first, second = torch.cat([*seen]), torch.cat([*others])
    return {f"fid{ending}": frechet_distance(first, second), f"kid{ending}": kernel_distance(first, second)}


def _mean(values: NDArray[np.float64], drawn: NDArray[np.int64]) -> float:
    return float(values[drawn].mean())


Read = Callable[[int], tuple[ImageSource, ImageSource | None, Picture]]
"""Reads, for the size of the shorter side, what to translate, its instances, and what it is measured beside."""


class _Folder(NamedTuple):
    """A data folder, as a model's method is trained on it.

    Attributes:
        path: Where it lies.
        card: The model's.
        direction: What to make of what, if that was said.
    """

    path: Path
    card: Card
    direction: Direction | None

    def examples(self, split: str) -> list[tuple[str, Read]]:
        """Return name and reader of everything in a split."""
        method = METHODS[self.card.method]
        if method.unpaired:
            return [(path.name, partial(_read_unpaired, path, self.card)) for path in self._sides(split)[0]]
        return list(_labelled(self.path, split) if method.labelled else _paired(self.path, split, self.card))

    def targets(self, split: str, size: int, most: int | None = None) -> Iterator[Picture]:
        """Yield real pictures of what is to be made, evenly out of all that can be read.

        Args:
            split: Which part of the folder.
            size: Of the shorter side.
            most: At most so many.
        """
        try:
            readers = self._targets(split)
        except ImpastoError:
            return  # there is nothing to compare with
        most = len(readers) if most is None else most
        for read in readers[:: max(1, len(readers) // max(1, most))][:most]:
            with suppress(ImpastoError):
                yield read(size)

    def _targets(self, split: str) -> list[Callable[[int], Picture]]:
        if METHODS[self.card.method].unpaired:
            return [partial(_read_rgb, path, self.card.channels[1]) for path in self._sides(split)[1]]
        return [partial(_wanted, read) for _, read in self.examples(split)]

    def _sides(self, split: str) -> tuple[Sequence[Path], Sequence[Path]]:
        """Return pictures to translate, and real ones of what they become."""
        found = find_unpaired(self.path, split)
        direction = self.direction or self.card.settings.get("direction", "AtoB")
        return (found.a, found.b) if direction == "AtoB" else (found.b, found.a)


def _wanted(read: Read, size: int) -> Picture:
    return read(size)[2]


def _read_rgb(path: Path, channels: int, size: int) -> Picture:
    return as_rgb(sized(read_image(path), size, channels))


def _read_unpaired(path: Path, card: Card, size: int) -> tuple[ImageSource, None, Picture]:
    source = sized(read_image(path), size, card.channels[0])
    return source, None, as_rgb(source)


def _paired(folder: Path, split: str, card: Card) -> Iterator[tuple[str, Read]]:
    for pair in find_pairs(folder, split, card.settings["direction"]).pairs:
        yield pair.name, partial(_read_pair, pair, card)


def _read_pair(pair: Pair, card: Card, size: int) -> tuple[ImageSource, None, Picture]:
    source, target = whole_pair(pair, size, card.channels)
    return source, None, as_rgb(target)


def _labelled(folder: Path, split: str) -> Iterator[tuple[str, Read]]:
    found = find_labelled(folder, split)
    for item in found.items:
        yield item.name, partial(_read_labelled, item, found.palette)


def _read_labelled(item: Labelled, palette: Palette | None, size: int) -> tuple[ImageSource, ImageSource, Picture]:
    labels, instances, picture = read_labelled(item, size, palette)
    maps = [Image(each[0, 0, :, :, None].numpy().astype(np.uint16), name=item.name) for each in (labels, instances)]
    return maps[0], maps[1], picture
