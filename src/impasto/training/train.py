"""`train`: a network that paints or translates in one pass, learnt from folders of pictures."""

import hashlib
import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from impasto._version import __version__
from impasto.data.crops import Crops
from impasto.errors import SettingError, check_choice
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.regions import visible_colors
from impasto.methods import METHODS, prediction
from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import JohnsonSettings
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.methods.prediction import PredictionSettings
from impasto.nn.vgg import Network
from impasto.training.adain import AdainTraining
from impasto.training.johnson import JohnsonTraining
from impasto.training.module import Training
from impasto.training.multistyle import MultistyleTraining
from impasto.training.one_pass import OnePassTraining, Settings
from impasto.training.prediction import PredictionTraining
from impasto.training.run import OnTrainingStep, OnWarning, Trained, run_training
from impasto.training.run_settings import RunSettings
from impasto.training.translators import Settings as TranslatorSettings
from impasto.training.translators import translator_training
from impasto.weights.model import EDGE_ENCODER, Card, read_model
from impasto.weights.store import catalog, find

PAINTERS = ("johnson", "multistyle", "adain", "prediction")
TRANSLATORS = ("pix2pix", "pix2pixhd", "spade", "cyclegan", "cut", "fastcut", "sincut", "stargan")
TRAINABLE = PAINTERS + TRANSLATORS
STARTS = {
    "johnson": ("johnson", "prediction"),
    "multistyle": ("multistyle", "prediction"),
    "adain": ("adain",),
    "prediction": ("prediction",),
    "pix2pix": ("pix2pix",),
    "pix2pixhd": ("pix2pixhd",),
    "spade": ("spade",),
    "cyclegan": ("cyclegan",),
    "cut": ("cut",),
    "fastcut": ("fastcut",),
    "sincut": ("sincut",),
    "stargan": ("stargan",),
}
"""Whose network a training can begin with."""
HELD_OUT_EVERY, MOST_HELD_OUT = 20, 50
"""Of so many pictures one is never trained on, and at most so many are."""
HELD_OUT_CROPS = 32
LOOKS_A_PAINTING, FEWEST_LOOKS, MOST_LOOKS = 8, 1000, 10_000
"""How many crops of paintings are drawn where nothing else is said."""
SAMPLES, SAMPLE_SIZE = 3, 256
ROW_STEPS, ROW_LEARNING_RATE = 500, 0.01
"""A row alone is learnt sooner than a network."""


def train(
    method: str,
    *,
    data: str | os.PathLike[str],
    run: str | os.PathLike[str],
    styles: Sequence[str | os.PathLike[str]] = (),
    start: str | os.PathLike[str] | None = None,
    settings: Settings | TranslatorSettings | None = None,
    run_settings: RunSettings | None = None,
    on_step: OnTrainingStep | None = None,
    on_warning: OnWarning | None = None,
) -> Trained:
    """Train a network; the same call on the same run goes on where it was interrupted, exactly.

    Args:
        method: One of `TRAINABLE`.
        data: A folder of photos, looked through with the folders in it; one of 20 is held out. For `pix2pix` a
            folder of pairs: `train/*` side by side, or `trainA/*` and `trainB/*`; for `spade` label maps and their
            pictures: `trainannot/*` and `train/*`, or `train_label/*` and `train_img/*`; for `cyclegan` and
            `cut` pictures of two kinds: `trainA/*` and `trainB/*`; for `stargan` `train/<domain>/*`, or pictures
            beside a CelebA attribute file, or a folder of such data sets. What lies in `val` or `test` likewise
            is held out.
        run: The run's folder.
        styles: Paintings, or folders of them. `johnson` learns one, `multistyle` each under its file's name; for
            `adain` and `prediction` the more the better; translators have none.
        start: A trained network to begin with, whose widths are then kept. A `multistyle` network keeps all it
            knows, to the bit, and learns new styles by their rows alone; given its own styles, all of it is trained
            further. `johnson` and `multistyle` can also begin with a network for `prediction`, which knows how to
            paint and has a first guess of every style.
        settings: The method's; if not given, those of `suited_settings`.
        run_settings: Device, precision, how often to look at held-out photos.
        on_step: Called after every step; raising in it cancels.
        on_warning: Called with what a watchdog says that looks after translators' trainings.

    Returns:
        Where the model is, and what the training came to.

    Raises:
        SettingError: If settings do not fit.
        InputError: If there are no pictures, or the folder is not this run's.

    Example:
        >>> impasto.train("johnson", data="photos", styles=["wave.jpg"], run="runs/wave").model
    """
    check_choice("method", method, TRAINABLE)
    kind = getattr(METHODS[method].load(), METHODS[method].settings)
    settings = suited_settings(method, styles, start) if settings is None else settings
    if not isinstance(settings, kind):
        raise SettingError(f"settings are {type(settings).__name__}; {method} takes {kind.__name__}")
    config = {"impasto": __version__, "method": method}
    training: Training
    if isinstance(settings, TranslatorSettings):
        if styles:
            raise SettingError(f"{method} has no styles; leave them out")
        training, described = translator_training(settings, Path(data))
        if start is not None:
            begun = _Start.read(start, method)
            training.begin_with(begun.card, begun.tensors)
            described["start"] = begun.sha256
        config |= {"settings": asdict(training.settings)} | described
    else:
        training, described = _painter_training(method, settings, data, styles, start)
        config |= described
    return run_training(training, Path(run), config, run_settings or RunSettings(), on_step, on_warning)


def _painter_training(
    method: str,
    settings: Settings,
    data: str | os.PathLike[str],
    styles: Sequence[str | os.PathLike[str]],
    start: str | os.PathLike[str] | None,
) -> tuple[OnePassTraining, dict[str, Any]]:
    """Return a training on photos and paintings, and what tells it from others."""
    begun = None if start is None else _Start.read(start, method)
    settings = settings if begun is None else begun.shaped(settings)
    if begun is None and getattr(settings, "encoder", "") == EDGE_ENCODER:
        raise SettingError(
            f"encoder is {EDGE_ENCODER!r}, which only older models use; choose {' or '.join(get_args(Network))}"
        )
    photos, paintings = _Pictures.under([data], "photos"), _Pictures.under(styles, "paintings")
    training = _training(settings, photos, paintings, begun)
    samples = photos.held_out_crops(SAMPLE_SIZE, SAMPLES, 1.0, 1)
    training.sample_photos = [samples[index].picture[None] for index in range(SAMPLES)]
    return training, {
        "settings": asdict(settings),
        "photos": photos.described(),
        "paintings": paintings.described(),
        "start": None if begun is None else begun.sha256,
    }


def suited_settings(
    method: str, styles: Sequence[str | os.PathLike[str]], start: str | os.PathLike[str] | None
) -> Settings | TranslatorSettings:
    """Return what a training is set to where nothing else is said.

    A method has its own settings, with colours encoded for AdaIN; a network to begin with brings those that it was
    trained with, and rows alone are learnt in few steps at a high rate.

    Args:
        method: One of `TRAINABLE`.
        styles: As for `train`.
        start: As for `train`.

    Raises:
        SettingError: If a training of this method cannot begin with that network.
        InputError: If there are no paintings.
    """
    check_choice("method", method, TRAINABLE)
    kind = getattr(METHODS[method].load(), METHODS[method].settings)
    if start is None:
        own: Settings | TranslatorSettings = kind()
        return replace(own, encoded_colors=True) if isinstance(own, AdainSettings) else own
    begun = _Start.read(start, method)
    own_names = {field.name for field in fields(kind)} - {"seed"}
    trained = replace(
        begun.card, settings={name: value for name, value in begun.card.settings.items() if name in own_names}
    )
    settings: Settings | TranslatorSettings = trained.settings_as(kind)
    names = {path.stem for path in _Pictures.under(styles, "paintings").all()} if styles else set()
    if isinstance(settings, MultistyleSettings) and begun.is_taught_rows(names):
        settings = replace(settings, steps=ROW_STEPS, learning_rate=ROW_LEARNING_RATE)
    return settings


class _Pictures(NamedTuple):
    """Files to train on, and files that are held out."""

    trained: list[Path]
    held_out: list[Path]

    @classmethod
    def under(cls, places: Sequence[str | os.PathLike[str]], what: str) -> "_Pictures":
        """Return the pictures of files and folders.

        Raises:
            InputError: If there are none.
        """
        if not places:
            raise SettingError(f"there are no {what} to train on; give a file or a folder")
        paths = [
            path
            for place in map(Path, places)
            for path in ([place] if place.is_file() else pictures_in(place, within=True))
        ]
        held_out = paths[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY][:MOST_HELD_OUT]
        if not held_out:
            return cls(paths, paths)
        return cls([path for path in paths if path not in set(held_out)], held_out)

    def crops(self, size: int, length: int, zoom: float, seed: int, turned_hues: float = 0.0) -> Crops:
        return Crops(self.trained, size, length, zoom=zoom, seed=seed, turned_hues=turned_hues)

    def held_out_crops(self, size: int, length: int, zoom: float, seed: int) -> Crops:
        return Crops(self.held_out, size, length, zoom=zoom, seed=seed)

    def all(self) -> list[Path]:
        return sorted({*self.trained, *self.held_out})

    def described(self) -> dict[str, Any]:
        """Return what tells these pictures from others: their number, and a digest of names and sizes."""
        digest = hashlib.sha256()
        for path in (*self.trained, *self.held_out):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        return {"trained": len(self.trained), "held_out": len(self.held_out), "sha256": digest.hexdigest()}

    def pictures(self) -> dict[str, Tensor]:
        """Return all pictures by the names of their files.

        Raises:
            SettingError: If two have the same name.
        """
        paths = self.all()
        named = {path.stem: visible_colors(read_image(path)) for path in paths}
        if len(named) < len(paths):
            raise SettingError(
                "two paintings have the same name; rename one, since a style is called by its file's name"
            )
        return named


class _Start(NamedTuple):
    card: Card
    tensors: Mapping[str, Tensor]
    sha256: str

    @classmethod
    def read(cls, start: str | os.PathLike[str], method: str) -> "_Start":
        """Read a trained network.

        Raises:
            SettingError: If a training of this method cannot begin with it.
        """
        path = find(str(start)) if str(start) in catalog() else Path(start)
        card, tensors = read_model(path)
        if card.method not in STARTS[method]:
            raise SettingError(
                f"{path} is a network for {card.method}; {method} begins with one for {' or '.join(STARTS[method])}"
            )
        return cls(card, tensors, hashlib.sha256(path.read_bytes()).hexdigest())

    def shaped(self, settings: Settings) -> Settings:
        """Return settings with the shape that this network has."""
        shape = ("base_channels", "num_blocks", "embedding_size", "encoder", "ending")
        known = self.card.settings
        return replace(
            settings, **{name: known[name] for name in shape if name in known and hasattr(settings, name)}
        )

    def is_taught_rows(self, names: Set[str]) -> bool:
        """Return whether a training on styles of these names changes nothing but new rows of this network."""
        return self.card.method == "multistyle" and names != set(self.card.styles)

    def predicted_rows(self, pictures: Sequence[Tensor]) -> tuple[Mapping[str, Tensor], Tensor]:
        """Return the transformation network's tensors and the row of each picture, by a network for prediction."""
        settings = self.card.settings_as(PredictionSettings)
        painter = prediction.painter(settings, self.tensors, (), torch.device("cpu"), torch.float32)
        return painter.network.transform.state_dict(), painter.rows(pictures).clone()

    def load_into(self, network: torch.nn.Module) -> None:
        """Give a network of the same shape these weights.

        Raises:
            SettingError: If it has another shape.
        """
        try:
            network.load_state_dict(dict(self.tensors))
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise SettingError(f"the network to begin with is not what its file says ({reason})") from None


def _training(settings: Settings, photos: _Pictures, paintings: _Pictures, start: _Start | None) -> OnePassTraining:
    crops = photos.crops(settings.crop_size, settings.steps * settings.batch_size, settings.zoom, settings.seed)
    held_out = photos.held_out_crops(settings.crop_size, HELD_OUT_CROPS, settings.zoom, settings.seed + 1)
    if isinstance(settings, JohnsonSettings | MultistyleSettings):
        return _learning_styles(settings, paintings.pictures(), crops, held_out, start)
    assert isinstance(settings, PredictionSettings | AdainSettings)
    looked_at = settings.style_size // 2
    number = settings.looks or min(max(FEWEST_LOOKS, LOOKS_A_PAINTING * len(paintings.trained)), MOST_LOOKS)
    looks = paintings.crops(looked_at, number, 2.0, settings.seed + 2, settings.turned_hues)
    held_out_looks = paintings.held_out_crops(looked_at, HELD_OUT_CROPS, 2.0, settings.seed + 3)
    training: OnePassTraining
    if isinstance(settings, PredictionSettings):
        training = PredictionTraining(settings, looks, crops, held_out, held_out_looks)
    else:
        training = AdainTraining(settings, looks, crops, held_out, held_out_looks)
    if start is not None:
        start.load_into(training.network)
    return training


def _learning_styles(
    settings: JohnsonSettings | MultistyleSettings,
    paintings: Mapping[str, Tensor],
    crops: Crops,
    held_out: Crops,
    start: _Start | None,
) -> OnePassTraining:
    """Return a training of styles with names, which may begin with the rows that a network for prediction gives."""
    pictures = list(paintings.values())
    if isinstance(settings, JohnsonSettings):
        one = JohnsonTraining(settings, paintings, crops, held_out)
        if start is not None and start.card.method == "prediction":
            transform, rows = start.predicted_rows(pictures)
            one.network.transform.load_state_dict(transform)
            one.network.row.data.copy_(rows)
        elif start is not None:
            start.load_into(one.network)
        return one
    many = MultistyleTraining(settings, paintings, crops, held_out)
    if start is not None and start.card.method == "prediction":
        transform, rows = start.predicted_rows([held_out[index].picture[None] for index in range(8)] + pictures)
        many.network.transform.load_state_dict(transform)
        many.network.rows.data.copy_(torch.cat([rows[:8].mean(dim=0, keepdim=True), rows[8:]]))
    elif start is not None:
        known = Multistyle(len(start.card.styles), settings.base_channels, settings.num_blocks)
        start.load_into(known)
        if start.card.styles == many.style_names:
            many.network = known
        elif both := sorted({*start.card.styles} & {*many.style_names}):
            raise SettingError(f"the network to begin with knows {both[0]}; give all of its styles, or new ones")
        else:
            many.learn_rows_of(known, start.card.styles)
    return many
