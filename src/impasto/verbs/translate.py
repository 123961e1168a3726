"""`translate`: a picture turned into another by a network that learnt how."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from impasto.data.label_sets import ALL, ANY
from impasto.data.pairs import Direction
from impasto.errors import SettingError, WeightsError, check_choice, check_range, check_whole
from impasto.image.channels import from_channels, with_channels
from impasto.image.grid import grid
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.labels import read_labels
from impasto.image.regions import on_white
from impasto.image.resize import fit, resize
from impasto.methods import METHODS
from impasto.methods.pix2pixhd import InstanceEncoder
from impasto.methods.stargan import StarganSettings, with_label
from impasto.nn import translate as any_size
from impasto.nn.blocks import Noise
from impasto.nn.compute import Device, Precision, choose_device, choose_dtype, repeatable
from impasto.nn.labelled import LabelSettings
from impasto.result import Result
from impasto.verbs.label_maps import Seen, edited, maps_of, seen_of
from impasto.verbs.published import read_any_model, sha256_of, state_of
from impasto.verbs.stylize import recipe_of
from impasto.verbs.trouble import explained, with_changes
from impasto.weights.model import Card

SMALLEST, LARGEST = 8, 65536


@dataclass(frozen=True)
class TranslateSettings:
    """What can be chosen when a network translates; every value is checked at once."""

    size: int | None = None
    """Longest side in pixels of what is translated; by default the picture's own."""
    to: str | None = None
    """What to translate to, for a network that knows domains by name: Sunrise; of attributes several, Male,Young,
    and what is not named the picture shall not have; all is a strip of every one."""
    noise: float = 1.0
    """How much of the noise that the network was trained with; 0 gives the same picture for every seed."""
    seed: int = 0
    """Of the noise: another seed, another picture."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute: bf16 is faster where the hardware has it."""
    direction: Direction | None = None
    """What to make of what, for a network that has learnt both; AtoB by default."""

    def __post_init__(self) -> None:
        if self.direction is not None:
            check_choice("direction", self.direction, Direction)
        check_whole("size", SMALLEST if self.size is None else self.size, SMALLEST, LARGEST)
        check_range("noise", self.noise, 0, 1)
        check_whole("seed", self.seed, 0, 2**63 - 1)


class Translator(NamedTuple):
    """A model file, ready to translate.

    Attributes:
        generator: The network.
        card: What the file says about itself.
        name: Of the file.
        sha256: Of the file.
        runtime: What computes.
    """

    generator: any_size.Generator
    card: Card
    name: str
    sha256: str
    runtime: str = "torch"


def translate(
    model: str | os.PathLike[str],
    source: ImageSource,
    *,
    instances: ImageSource | None = None,
    style: ImageSource | None = None,
    edits: Sequence[str] = (),
    settings: TranslateSettings | None = None,
    **changes: Any,
) -> Result:
    """Turn a picture into another with a trained network, as its training showed it on what was held out.

    Args:
        model: A model file, such as the `model.safetensors` of a run.
        source: A path, bytes, PIL image, numpy array or tensor, of any size; for a network that paints label maps
            a map of ids.
        instances: Which object each pixel belongs to, for a network that sees where objects touch; by default
            every connected area of a class is one.
        style: A picture to paint the map like, for a network that was trained to know looks (SPADE with
            `style_guided`), or the picture that the map is of, for one that knows looks of objects (Pix2PixHD with
            `instance_features`); by default looks are drawn, by the seed.
        edits: What to do to a label map before it is painted, such as `"remove 7"`; see `impasto.edit`.
        settings: All settings at once.
        **changes: Single settings, such as `seed=3` or `to="Sunrise"`, in place of or on top of `settings`.

    Returns:
        The picture, of the source's own size unless `size` is given, with as many bits; and its recipe. For
        `to="all"` a strip: the source and what it becomes in every domain, with their names.

    Raises:
        InputError: If the picture or the model cannot be read.
        SettingError: If a setting is not allowed.
        WeightsError: If the model is damaged, or does not translate.

    Example:
        >>> impasto.translate("runs/facades/model.safetensors", "labels.png").image.save("facade.png")
    """
    began = time.perf_counter()
    settings = with_changes(settings or TranslateSettings(), changes, "translate")
    translator = load_translator(model, settings)
    labelled = METHODS[translator.card.method].labelled
    targets = _targets(translator, settings)
    photo = read_labels(source) if labelled else read_image(source)
    numbers = None if instances is None else read_labels(instances)
    wanted = None if style is None else read_image(style)
    more = {"instances": numbers, "style": wanted}
    inputs = {"content": photo} | {role: image for role, image in more.items() if image is not None}
    if not labelled and (numbers is not None or wanted is not None or edits):
        raise SettingError(f"{translator.name} translates pictures; instances, style and edits are for label maps")
    try:
        if labelled:
            seen = [_seen(photo, numbers, wanted, edits, translator, settings)]
        else:
            picture = _picture(photo, translator, settings)
            seen = [Seen(with_label(picture, label)) for label in targets.values()] or [Seen(picture)]
        painted = [translated(each, translator, settings) for each in seen]
    except (RuntimeError, MemoryError) as error:
        raise explained(error, "translating", max(photo.height, photo.width)) from error
    recipe = recipe_of("translate", settings, inputs, translator, translator=os.fspath(model), edits=list(edits))
    like = replace(photo, pixels=np.zeros((1, 1, 1), np.uint8)) if labelled else photo
    image = from_channels(painted[0], like)
    if settings.to == ALL:
        shown = from_channels((picture + 1) / 2, like)
        others = [from_channels(each, like) for each in painted]
        image = grid([shown, *others], columns=1 + len(others), column_labels=["input", *targets])
    return Result(replace(image, recipe=recipe), recipe, [{}], time.perf_counter() - began)


def load_translator(model: str | os.PathLike[str], settings: TranslateSettings) -> Translator:
    """Return the network of a model file; one that was loaded before is not loaded again.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or does not translate.
        SettingError: If it has not learnt the direction.
    """
    path, device = Path(model), choose_device(settings.device)
    return _loaded(path, state_of(path), device, choose_dtype(settings.precision, device), settings.direction)


@lru_cache(maxsize=4)
def _loaded(
    path: Path, state: tuple[int, int], device: torch.device, dtype: torch.dtype, direction: Direction | None
) -> Translator:
    """Load a model once; `state` is that of the file, so that a new one under the same name is loaded again."""
    card, tensors = read_any_model(path)
    row = METHODS.get(card.method)
    if row is None or row.verb != "translate":
        raise WeightsError(f"{path} is a network for {card.method}, which does not translate")
    module = row.load()
    build = partial(module.generator_of, card.settings_as(getattr(module, row.settings)))
    own = card.settings.get("direction", "AtoB")
    if row.both_ways:
        card, tensors = _one_way(card, tensors, direction or "AtoB")
        build = partial(build, direction or "AtoB")
    elif direction not in (None, own):
        raise SettingError(f"{path.name} has learnt one direction, {own}, not {direction}; leave direction out")
    try:
        generator = any_size.ready(build, tensors, device, dtype)
    except RuntimeError as error:  # load_state_dict lists every tensor that does not fit
        raise WeightsError(f"{path} does not hold what it says: {str(error).splitlines()[0]}") from None
    return Translator(generator, card, path.name, sha256_of(path, state))


def _one_way(card: Card, tensors: Mapping[str, Tensor], direction: Direction) -> tuple[Card, dict[str, Tensor]]:
    """Return one of the two generators of a model file: what it takes and gives, and its weights."""
    prefix = {"AtoB": "a_to_b.", "BtoA": "b_to_a."}[direction]
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return (card if direction == "AtoB" else replace(card, channels=card.channels[::-1])), own


def model_name(model: Path, to: str | None = None) -> str:
    """Return what a model is called in a picture's name: a run's model like the run; and what it translates to."""
    name = model.absolute().parent.name if model.stem == "model" else model.stem
    return name if to is None else f"{name}-{to.replace(ANY, '-').replace('/', '-')}"


def settings_of(translator: Translator) -> Any:
    """Return how a translator was built, as settings of its method."""
    row = METHODS[translator.card.method]
    return translator.card.settings_as(getattr(row.load(), row.settings))


def _targets(translator: Translator, settings: TranslateSettings) -> dict[str, Tensor]:
    """Return the labels to translate to, by their names; none if the network knows no domains.

    Raises:
        SettingError: If they are needed and not said, or said and not known.
    """
    built = settings_of(translator)
    if isinstance(built, StarganSettings):
        return built.labels.chosen(settings.to)
    if settings.to is not None:
        raise SettingError(f"to is {settings.to!r}, but {translator.name} knows no domains; leave it out")
    return {}


def _picture(photo: Image, translator: Translator, settings: TranslateSettings) -> Tensor:
    """Return what a network sees of a picture: drawings whose domain is changed lie on white, as in training."""
    named = METHODS[translator.card.method].named_domains
    picture = on_white(photo) if named else with_channels(photo, translator.card.channels[0])
    if settings.size is not None:
        picture = resize(picture, *fit(photo.height, photo.width, settings.size))
    return picture * 2 - 1


def _seen(
    labels: Image,
    instances: Image | None,
    style: Image | None,
    edits: Sequence[str],
    translator: Translator,
    settings: TranslateSettings,
) -> Seen:
    """Return what a network sees of a label map."""
    generator, built = translator.generator, settings_of(translator)
    assert isinstance(built, LabelSettings)
    find_objects = bool(edits) or isinstance(generator.encoder, InstanceEncoder)
    maps = maps_of(labels, instances, built.classes, find_objects=find_objects)
    return seen_of(generator, built, maps, edited(maps, edits, built.classes), style, settings.seed, settings.size)


@torch.inference_mode()
def translated(seen: Seen, translator: Translator, settings: TranslateSettings) -> Tensor:
    """Return what a network makes of what it sees, `(1, channels, height, width)` in [0, 1]."""
    generator = translator.generator
    weight = next(generator.parameters())
    shares = {module: module.share for module in generator.modules() if isinstance(module, Noise)}
    devices = [weight.device] if weight.device.type == "cuda" else []
    try:
        for module, share in shares.items():
            module.share = share * settings.noise
        with repeatable(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(settings.seed)
            given = {} if seen.style is None else {"style": seen.style}
            painted = any_size.translate(generator, seen.entered.to(weight), **given)
    finally:
        for module, share in shares.items():
            module.share = share
    return (painted.float().cpu() + 1).div_(2).clamp_(0, 1)
