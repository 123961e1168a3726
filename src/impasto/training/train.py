"""`train`: a network that paints in one pass, learnt from a folder of photos and some paintings."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto._version import __version__
from impasto.data.crops import Crops
from impasto.errors import SettingError, check_choice
from impasto.image.files import pictures_in
from impasto.image.io import read_image
from impasto.image.regions import visible_colors
from impasto.methods import METHODS
from impasto.methods.adain import AdainSettings
from impasto.methods.johnson import JohnsonSettings
from impasto.methods.multistyle import Multistyle, MultistyleSettings
from impasto.methods.prediction import PredictionSettings
from impasto.training.adain import AdainTraining
from impasto.training.johnson import JohnsonTraining
from impasto.training.multistyle import MultistyleTraining
from impasto.training.one_pass import OnePassTraining, Settings
from impasto.training.prediction import PredictionTraining
from impasto.training.run import OnTrainingStep, RunSettings, Trained, run_training
from impasto.weights.model import Card, read_model
from impasto.weights.store import catalog, find

TRAINABLE = ("johnson", "multistyle", "adain", "prediction")
HELD_OUT_EVERY, MOST_HELD_OUT = 20, 50
"""Of so many pictures one is never trained on, and at most so many are."""
HELD_OUT_CROPS = 32
SAMPLES, SAMPLE_SIZE = 3, 256


def train(
    method: str,
    *,
    data: str | os.PathLike[str],
    styles: Sequence[str | os.PathLike[str]],
    run: str | os.PathLike[str],
    start: str | os.PathLike[str] | None = None,
    settings: Settings | None = None,
    run_settings: RunSettings | None = None,
    on_step: OnTrainingStep | None = None,
) -> Trained:
    """Train a network; the same call on the same run goes on where it was interrupted, exactly.

    Args:
        method: One of `TRAINABLE`.
        data: A folder of photos, looked through with the folders in it; one of 20 is held out.
        styles: Paintings, or folders of them. `johnson` learns one, `multistyle` each under its file's name; for
            `adain` and `prediction` the more the better.
        run: The run's folder.
        start: A trained network to begin with. A `multistyle` network keeps all it knows, to the bit, and learns
            the new styles by their rows alone.
        settings: The method's.
        run_settings: Device, precision, how often to look at held-out photos.
        on_step: Called after every step; raising in it cancels.

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
    settings = kind() if settings is None else settings
    if not isinstance(settings, kind):
        raise SettingError(f"settings are {type(settings).__name__}; {method} takes {kind.__name__}")
    started = None if start is None else _read_start(start, method)
    photos, paintings = _Pictures.under([data], "photos"), _Pictures.under(styles, "paintings")
    training = _training(settings, photos, paintings, started)
    config = {
        "impasto": __version__,
        "method": method,
        "settings": asdict(settings),
        "photos": photos.described(),
        "paintings": paintings.described(),
        "start": None if started is None else started.sha256,
    }
    samples = [photos.held_out_crops(SAMPLE_SIZE, SAMPLES, 1.0, 1)[index].picture[None] for index in range(SAMPLES)]
    return run_training(training, method, Path(run), samples, config, run_settings or RunSettings(), on_step)


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
        paths = sorted({*self.trained, *self.held_out})
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


def _read_start(start: str | os.PathLike[str], method: str) -> _Start:
    path = find(str(start)) if str(start) in catalog() else Path(start)
    card, tensors = read_model(path)
    if card.method != method:
        raise SettingError(f"{path} is a network for {card.method}; {method} begins with one of its own kind")
    return _Start(card, tensors, hashlib.sha256(path.read_bytes()).hexdigest())


def _training(
    settings: Settings, photos: _Pictures, paintings: _Pictures, started: _Start | None
) -> OnePassTraining:
    crops = photos.crops(settings.crop_size, settings.steps * settings.batch_size, settings.zoom, settings.seed)
    held_out = photos.held_out_crops(settings.crop_size, HELD_OUT_CROPS, settings.zoom, settings.seed + 1)
    training: OnePassTraining
    if isinstance(settings, JohnsonSettings):
        training = JohnsonTraining(settings, paintings.pictures(), crops, held_out)
    elif isinstance(settings, MultistyleSettings):
        training = MultistyleTraining(settings, paintings.pictures(), crops, held_out)
        if started is not None:
            training.learn_rows_of(_multistyle(started, settings), started.card.styles)
            return training
    else:
        assert isinstance(settings, PredictionSettings | AdainSettings)
        looked_at = settings.style_size // 2
        looks = paintings.crops(looked_at, settings.looks, 2.0, settings.seed + 2, settings.turned_hues)
        held_out_looks = paintings.held_out_crops(looked_at, HELD_OUT_CROPS, 2.0, settings.seed + 3)
        of_method = PredictionTraining if isinstance(settings, PredictionSettings) else AdainTraining
        training = of_method(settings, looks, crops, held_out, held_out_looks)  # type: ignore[arg-type]
    if started is not None:
        _load(training.network, started)
    return training


def _multistyle(started: _Start, settings: MultistyleSettings) -> Multistyle:
    network = Multistyle(len(started.card.styles), settings.base_channels, settings.num_blocks)
    _load(network, started)
    return network


def _load(network: torch.nn.Module, started: _Start) -> None:
    try:
        network.load_state_dict(dict(started.tensors))
    except RuntimeError as error:
        raise SettingError(
            f"the network to start with has another shape ({str(error).splitlines()[-1].strip()}); choose the "
            "base_channels and num_blocks that it was trained with"
        ) from None
