"""`translate`: a picture turned into another by a network that learnt how."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from impasto.errors import ImpastoError, InputError, SettingError, WeightsError, check_range, check_whole
from impasto.image.channels import from_channels, with_channels
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.labels import read_labels
from impasto.image.regions import visible_colors
from impasto.image.resize import fit, resize
from impasto.methods import METHODS
from impasto.nn import translate as any_size
from impasto.nn.blocks import Noise
from impasto.nn.compute import Device, Precision, choose_device, choose_dtype, repeatable
from impasto.nn.labelled import LabelSettings
from impasto.result import Result
from impasto.verbs.published import read_any_model, sha256_of, state_of
from impasto.verbs.stylize import recipe_of
from impasto.weights.model import Card

SMALLEST, LARGEST = 8, 65536


@dataclass(frozen=True)
class TranslateSettings:
    """What can be chosen when a network translates; every value is checked at once."""

    size: int | None = None
    """Longest side in pixels of what is translated; by default the picture's own."""
    noise: float = 1.0
    """How much of the noise that the network was trained with; 0 gives the same picture for every seed."""
    seed: int = 0
    """Of the noise: another seed, another picture."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute: bf16 is faster where the hardware has it."""

    def __post_init__(self) -> None:
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
    settings: TranslateSettings | None = None,
    **changes: Any,
) -> Result:
    """Turn a picture into another with a trained network, as its training showed it on what was held out.

    Args:
        model: A model file, such as the `model.safetensors` of a run.
        source: A path, bytes, PIL image, numpy array or tensor, of any size; for a network that paints label maps
            a map of ids.
        instances: Which object each pixel belongs to, for a network that sees where objects touch; by default
            every class is one.
        style: A picture to paint the map like, for a network that was trained to know looks (SPADE with
            `style_guided`); by default a look is drawn, by the seed.
        settings: All settings at once.
        **changes: Single settings, such as `seed=3`, in place of or on top of `settings`.

    Returns:
        The picture, of the source's own size unless `size` is given, with as many bits; and its recipe.

    Raises:
        InputError: If the picture or the model cannot be read.
        SettingError: If a setting is not allowed.
        WeightsError: If the model is damaged, or does not translate.

    Example:
        >>> impasto.translate("runs/facades/model.safetensors", "labels.png").image.save("facade.png")
    """
    began = time.perf_counter()
    settings = _changed(settings or TranslateSettings(), changes)
    translator = load_translator(model, settings)
    labelled = METHODS[translator.card.method].labelled
    photo = read_labels(source) if labelled else read_image(source)
    numbers = None if instances is None else read_labels(instances)
    wanted = None if style is None else read_image(style)
    more = {"instances": numbers, "style": wanted}
    inputs = {"content": photo} | {role: image for role, image in more.items() if image is not None}
    if numbers is not None and not labelled:
        raise SettingError(f"{translator.name} translates pictures, which have no instances; leave them out")
    try:
        entered = _labels(photo, numbers, translator) if labelled else _picture(photo, translator, settings)
        look = {} if wanted is None else {"style": _look(wanted, translator)}
        painted = _translated(entered, translator, settings, look)
    except (RuntimeError, MemoryError) as error:
        raise _explained(error, max(photo.height, photo.width)) from error
    recipe = recipe_of("translate", settings, inputs, translator, translator=os.fspath(model))
    like = replace(photo, pixels=np.zeros((1, 1, 1), np.uint8)) if labelled else photo
    image = replace(from_channels(painted, like), recipe=recipe)
    return Result(image, recipe, [{}], time.perf_counter() - began)


def load_translator(model: str | os.PathLike[str], settings: TranslateSettings) -> Translator:
    """Return the network of a model file; one that was loaded before is not loaded again.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or does not translate.
    """
    path, device = Path(model), choose_device(settings.device)
    return _loaded(path, state_of(path), device, choose_dtype(settings.precision, device))


@lru_cache(maxsize=4)
def _loaded(path: Path, state: tuple[int, int], device: torch.device, dtype: torch.dtype) -> Translator:
    """Load a model once; `state` is that of the file, so that a new one under the same name is loaded again."""
    card, tensors = read_any_model(path)
    row = METHODS.get(card.method)
    if row is None or row.verb != "translate":
        raise WeightsError(f"{path} is a network for {card.method}, which does not translate")
    module = row.load()
    settings = card.settings_as(getattr(module, row.settings))
    try:
        generator = module.translator(settings, tensors, device, dtype)
    except RuntimeError as error:  # load_state_dict lists every tensor that does not fit
        raise WeightsError(f"{path} does not hold what it says: {str(error).splitlines()[0]}") from None
    return Translator(generator, card, path.name, sha256_of(path, state))


def _picture(photo: Image, translator: Translator, settings: TranslateSettings) -> Tensor:
    """Return what a network sees of a picture."""
    picture = with_channels(photo, translator.card.channels[0])
    if settings.size is not None:
        picture = resize(picture, *fit(photo.height, photo.width, settings.size))
    return picture * 2 - 1


def _labels(labels: Image, instances: Image | None, translator: Translator) -> Tensor:
    """Return what a network sees of a label map.

    Raises:
        InputError: If maps differ in size, or no id of the map is a class.
    """
    row = METHODS[translator.card.method]
    settings: LabelSettings = translator.card.settings_as(getattr(row.load(), row.settings))
    maps = [
        torch.from_numpy(image.pixels[..., 0].astype(np.int64))[None, None]
        for image in (labels, instances or labels)
    ]
    if maps[0].shape != maps[1].shape:
        raise InputError(
            f"{labels.name} is {labels.width}×{labels.height} pixels, and its instances are "
            f"{maps[1].shape[3]}×{maps[1].shape[2]}; both must be of one size"
        )
    if int(maps[0].min()) >= settings.classes:
        raise InputError(
            f"{labels.name} has no class: its ids begin with {int(maps[0].min())}, those of {translator.name} end "
            f"with {settings.classes - 1}; give a map of ids, not a picture of them"
        )
    return settings.encoded(*maps)


@torch.inference_mode()
def _look(style: Image, translator: Translator) -> Tensor:
    """Return what a picture looks like to a network that knows looks.

    Raises:
        SettingError: If it knows none.
    """
    encoder = getattr(translator.generator, "encoder", None)
    if encoder is None:
        raise SettingError(f"{translator.name} was not trained to know looks; leave the style out")
    picture = visible_colors(style).to(next(encoder.parameters())) * 2 - 1
    mean: Tensor = encoder(picture)[0]
    return mean


@torch.inference_mode()
def _translated(
    entered: Tensor, translator: Translator, settings: TranslateSettings, given: Mapping[str, Tensor]
) -> Tensor:
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
            painted = any_size.translate(generator, entered.to(weight), **given)
    finally:
        for module, share in shares.items():
            module.share = share
    return (painted.float().cpu() + 1).div_(2).clamp_(0, 1)


def _changed(settings: TranslateSettings, changes: Mapping[str, Any]) -> TranslateSettings:
    known = list(TranslateSettings.__dataclass_fields__)
    for name in changes:
        if name not in known:
            raise SettingError(f"there is no setting {name!r}; the settings of translate are {', '.join(known)}")
    return replace(settings, **changes)


def _explained(error: Exception, size: int) -> Exception:
    """Turn running out of memory into one line; anything else is a bug of ours and stays as it is."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error).lower():
        return ImpastoError(f"out of memory while translating at {size} pixels; choose a smaller size than {size}")
    return error
