"""Model files, our own and those that others published, read alike."""

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from impasto.errors import InputError, WeightsError
from impasto.methods import METHODS
from impasto.weights.foreign_styles import translate_style
from impasto.weights.foreign_translators import is_generator, translate_generator
from impasto.weights.load import read_tensors
from impasto.weights.model import MODEL_SUFFIX, Card, read_model


class Published(NamedTuple):
    """A network that others published, as a model file of ours would hold it.

    Attributes:
        card: What the model file says about itself.
        tensors: Its weights.
        left_out: Names of tensors that painting has no use for.
    """

    card: Card
    tensors: dict[str, Tensor]
    left_out: tuple[str, ...]


def read_published(path: Path, encoder: Path | None = None) -> Published:
    """Return a network that others published; a style it knows is named after the file.

    Args:
        path: The checkpoint.
        encoder: The VGG that encodes for it, if it is an AdaIN decoder.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or none that is known.
    """
    paths = [path] if encoder is None else [path, encoder]
    for each in paths:
        if not each.is_file():
            raise InputError(f"there is no checkpoint {each}; give a file")
    state, *encoders = [read_tensors(each) for each in paths]
    try:
        found = translate_generator(state) if is_generator(state) else translate_style(state, *encoders)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    module = METHODS[found.method].load()
    card = Card(method=found.method, settings=found.settings)
    if METHODS[found.method].verb == "translate":
        card = module.card_of(card.settings_as(getattr(module, METHODS[found.method].settings)))
    elif METHODS[found.method].named_styles:
        card = replace(card, styles=(path.stem,))
    files = {each.name: sha256_of(each, state_of(each)) for each in paths}
    card = replace(card, training={"origin": found.origin, "files": files}, licence="as published")
    return Published(card, found.tensors, found.left_out)


def read_any_model(path: Path) -> tuple[Card, dict[str, Tensor]]:
    """Return what a model file says about itself, and its tensors; of a published checkpoint what it is known as.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or none that is known.
    """
    if path.suffix == MODEL_SUFFIX or not path.is_file():
        return read_model(path)
    return read_published(path)[:2]


@lru_cache(maxsize=16)
def sha256_of(path: Path, state: tuple[int, int]) -> str:
    """Return a file's hash; `state` is that of the file, so that a new one under the same name is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_of(path: Path) -> tuple[int, int]:
    """Return when a file was last written, and its size; zeros if it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
