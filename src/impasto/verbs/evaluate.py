"""`evaluate`: how good a translator's pictures are, measured on what it was not trained on."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto._typing import Picture
from impasto._version import __version__
from impasto.data.labelled import Labelled, find_labelled, read_labelled
from impasto.data.paired import whole_pair
from impasto.data.pairs import Pair, find_pairs
from impasto.errors import ImpastoError, InputError, check_choice
from impasto.image.io import Image, ImageSource
from impasto.image.labels import Palette
from impasto.image.regions import visible_colors
from impasto.methods import METHODS
from impasto.methods.stargan import StarganSettings
from impasto.metrics.distance import perceptual_distance
from impasto.metrics.frechet import frechet_distance
from impasto.metrics.intervals import COVERED, DRAWS, bootstrap
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.pixels import l1, psnr, ssim
from impasto.metrics.relative import DIFFERS
from impasto.metrics.seen import Features, seer
from impasto.nn.vgg import VGG
from impasto.verbs.evaluate_domains import measure_domains
from impasto.verbs.translate import TranslateSettings, Translator, load_translator, translate
from impasto.weights.model import Card

FRECHET, KERNEL = "fid_efficientnet_lite0", "kid_efficientnet_lite0"
Measure = Callable[[NDArray[np.int64]], float]
"""Measures pictures, given their numbers."""
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
    size = settings.size or int(translator.card.settings["crop_size"])
    if METHODS[translator.card.method].named_domains:
        return _of_domains(model, Path(data), split, features, replace(settings, size=size), on_picture)
    settings = replace(settings, size=None)
    pictures = _Pictures(VGG.pretrained(), features)
    broken: dict[str, str] = {}
    examples = _examples(Path(data), split, translator.card)
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
    measures = pictures.measures()
    return Evaluation(
        {name: measure(np.arange(count)) for name, measure in measures.items()},
        {name: bootstrap(measure, count) for name, measure in measures.items()},
        pictures.real(_real_pictures(Path(data), split, translator.card, size, count)),
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


class _Pictures:
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
            f"kid{self.seer.ending}": lambda drawn: kernel_distance(found[drawn], wanted[drawn]),
        }

    def real(self, others: Iterable[Picture]) -> dict[str, float]:
        """Return the distances of sets between other real pictures and those that were to be made."""
        seen = [self._seen(each) for each in others]
        if len(seen) < 2:
            return {}
        others_seen, wanted = torch.cat(seen), torch.cat(self.wanted)
        return {
            f"fid{self.seer.ending}": frechet_distance(others_seen, wanted),
            f"kid{self.seer.ending}": kernel_distance(others_seen, wanted),
        }

    @torch.no_grad()
    def _seen(self, picture: Picture) -> Tensor:
        return self.seer.see(picture)


def _mean(values: NDArray[np.float64], drawn: NDArray[np.int64]) -> float:
    return float(values[drawn].mean())


Read = Callable[[int], tuple[ImageSource, ImageSource | None, Picture]]
"""Reads, for the size of the shorter side, what to translate, its instances, and what it should become."""


def _examples(folder: Path, split: str, card: Card) -> list[tuple[str, Read]]:
    """Return name and reader of everything in a split."""
    return list(_labelled(folder, split) if METHODS[card.method].labelled else _paired(folder, split, card))


def _real_pictures(folder: Path, split: str, card: Card, size: int, count: int) -> Iterator[Picture]:
    """Yield at most so many real pictures that were trained on, evenly out of all that can be read."""
    try:
        examples = [] if split == "train" else _examples(folder, "train", card)
    except ImpastoError:
        return  # there is nothing to compare with
    for _, read in examples[:: max(1, len(examples) // count)][:count]:
        with suppress(ImpastoError):
            yield read(size)[2]


def _paired(folder: Path, split: str, card: Card) -> Iterator[tuple[str, Read]]:
    for pair in find_pairs(folder, split, card.settings["direction"]).pairs:
        yield pair.name, partial(_read_pair, pair, card)


def _read_pair(pair: Pair, card: Card, size: int) -> tuple[ImageSource, None, Picture]:
    source, target = whole_pair(pair, size, card.channels)
    return source, None, target.expand(-1, 3, -1, -1) if target.shape[1] == 1 else target[:, :3]


def _labelled(folder: Path, split: str) -> Iterator[tuple[str, Read]]:
    found = find_labelled(folder, split)
    for item in found.items:
        yield item.name, partial(_read_labelled, item, found.palette)


def _read_labelled(item: Labelled, palette: Palette | None, size: int) -> tuple[ImageSource, ImageSource, Picture]:
    labels, instances, picture = read_labelled(item, size, palette)
    maps = [Image(each[0, 0, :, :, None].numpy().astype(np.uint16), name=item.name) for each in (labels, instances)]
    return maps[0], maps[1], picture
