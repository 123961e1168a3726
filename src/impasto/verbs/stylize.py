"""`stylize`: a photo painted after paintings."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from impasto._version import __version__
from impasto.errors import SettingError, check_choice
from impasto.image.color import luminance
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.regions import Style, mask_of, visible_colors, visible_part
from impasto.image.resize import fit, resize
from impasto.image.tensors import from_tensor
from impasto.methods import METHODS, gatys
from impasto.methods.deepdream import DeepDreamSettings
from impasto.methods.gatys import GatysSettings
from impasto.nn.backbones import backbone_dtype
from impasto.nn.compute import Device, Precision, choose_device, choose_dtype
from impasto.nn.one_pass import OnePassSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs.one_pass import Model, load_model, paint_photo
from impasto.verbs.trouble import explained, with_changes
from impasto.weights.store import entry_named

StylizeSettings = GatysSettings | OnePassSettings
"""What can be chosen, for a method that optimises or for one that paints in one pass."""
DRAFTED_BY = "prediction"
"""The method that paints what Gatys' method starts from with `init="draft"`."""


class Computed(Protocol):
    """Settings, a dataclass, that say where and how precisely to compute."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def device(self) -> Device:
        """Where."""

    @property
    def precision(self) -> Precision:
        """In what."""


class Loaded(Protocol):
    """A trained network, as recipes name it."""

    @property
    def name(self) -> str:
        """Of the weights, or of the file."""

    @property
    def sha256(self) -> str:
        """Of the file."""

    @property
    def runtime(self) -> str:
        """What computes."""


def stylize(
    content: ImageSource,
    style: ImageSource | Sequence[ImageSource] = (),
    *,
    method: str = "gatys",
    settings: StylizeSettings | None = None,
    masks: Sequence[ImageSource] = (),
    grey: bool = True,
    on_step: OnStep | None = None,
    **changes: Any,
) -> Result:
    """Paint a picture after one or several paintings.

    Args:
        content: A path, bytes, PIL image, numpy array or tensor.
        style: A painting, or several; or names, for a network that has learnt styles by name.
        method: How; see `impasto methods`.
        settings: All settings at once: `GatysSettings`, or `OnePassSettings` for every other method.
        masks: One per style, white where the style applies; soft edges are fine, any size.
        grey: Whether a grey photo stays grey.
        on_step: Called after every step; raising in it cancels.
        **changes: Single settings, such as `size=512`, in place of or on top of `settings`.

    Returns:
        The picture, of the content's own size unless `size` is given, with alpha, colour profile and bit depth
        of the content; and the recipe that makes it again.

    Raises:
        InputError: If a picture cannot be read.
        SettingError: If a setting is not allowed, or does not fit the pictures.

    Example:
        >>> result = impasto.stylize("photo.jpg", "wave.jpg", size=512)
        >>> result.image.save("painted.png")
    """
    began = time.perf_counter()
    settings = changed(settings or settings_kind(method)(), method, changes)
    photo = read_image(content)
    mask_images = [read_image(each) for each in masks]
    job = _Job(photo, several(style), mask_images, method, grey, on_step)
    result = _by_optimising(job, settings) if isinstance(settings, GatysSettings) else _in_one_pass(job, settings)
    return replace(result, seconds=time.perf_counter() - began)


def settings_kind(method: str) -> type[StylizeSettings]:
    """Return the settings a method is applied with.

    Raises:
        SettingError: If there is no such method, or it does not stylize.
    """
    check_choice("method", method, [name for name, row in METHODS.items() if row.verb == "stylize"])
    return OnePassSettings if METHODS[method].one_pass else GatysSettings


class _Job(NamedTuple):
    """What `stylize` was asked for, apart from settings."""

    photo: Image
    styles: Sequence[ImageSource]
    masks: Sequence[Image]
    method: str
    grey: bool
    on_step: OnStep | None

    def regions(self, styles: int) -> list[Tensor | None]:
        if self.masks and len(self.masks) != styles:
            raise SettingError(f"there are {len(self.masks)} masks for {styles} styles; give one mask per style")
        return [mask_of(image) for image in self.masks] or [None] * styles


def _in_one_pass(job: _Job, settings: OnePassSettings) -> Result:
    model = load_model(job.method, settings)
    styles = styles_of(job.styles, model)
    regions = job.regions(len(styles))
    try:
        painted = paint_photo(job.photo, styles, model, settings, regions)
    except (RuntimeError, MemoryError) as error:
        raise explained(error, "painting", max(painted_size(job.photo, settings))) from error
    if job.on_step is not None:
        job.on_step(Step(1, 1, {}, painted))
    inputs = inputs_of(job.photo, styles, job.masks)
    recipe = recipe_of("stylize", settings, inputs, model, **choices_of(job.method, job.grey, styles))
    return Result(finished(painted, job.photo, settings, grey=job.grey, recipe=recipe), recipe, [{}])


def styles_of(styles: Sequence[ImageSource], model: Model) -> list[Image | str]:
    """Return paintings as pictures, or the names of styles; all that a network knows if it is only one.

    Raises:
        InputError: If a painting cannot be read.
    """
    known = model.painter.styles
    if not known:
        return [read_image(style) for style in styles]
    if not styles and len(known) == 1:
        return list(known)
    return [style if isinstance(style, str) else read_image(style) for style in styles]


def _by_optimising(job: _Job, settings: GatysSettings) -> Result:
    paintings = [read_image(each) for each in job.styles]
    regions = job.regions(len(paintings))
    start = None if settings.init in gatys.STARTS else read_image(settings.init)
    first = None if start is None else visible_colors(start)
    trace: list[Mapping[str, float]] = []

    def follow(step: Step) -> None:
        if step.index > 0:
            trace.append(step.losses)
        if job.on_step is not None:
            job.on_step(step)

    try:
        if settings.init == "draft":
            first = _draft(job, paintings, regions, settings)
        painted = gatys.paint(
            visible_colors(job.photo),
            [
                Style(visible_colors(painting), region, visible_part(painting))
                for painting, region in zip(paintings, regions, strict=True)
            ],
            settings,
            visible=visible_part(job.photo),
            start=first,
            on_step=follow,
        )
    except (RuntimeError, MemoryError) as error:
        raise explained(error, "painting", settings.size or gatys.DEFAULT_SIZE) from error
    inputs = inputs_of(job.photo, paintings, job.masks, start)
    recipe = recipe_of("stylize", settings, inputs, **choices_of(job.method, job.grey, paintings))
    return Result(finished(painted, job.photo, settings, grey=job.grey, recipe=recipe), recipe, trace)


def _draft(
    job: _Job, paintings: Sequence[Image], regions: Sequence[Tensor | None], settings: GatysSettings
) -> Tensor:
    """Paint the photo in one pass, to start from, and show it."""
    levels = gatys.schedule(job.photo.height, job.photo.width, settings)
    chosen = OnePassSettings(
        size=max(levels[-1].height, levels[-1].width),
        style_blend=settings.style_blend,
        style_scale=settings.style_scale,
        colors=settings.colors,
        device=settings.device,
        precision=settings.precision,
        runtime="torch",
    )
    draft = paint_photo(job.photo, paintings, load_model(DRAFTED_BY, chosen), chosen, regions)
    if job.on_step is not None:
        job.on_step(Step(0, sum(level.steps for level in levels), {}, draft))
    return luminance(draft) if settings.colors == "luminance" else draft


def inputs_of(
    photo: Image, styles: Sequence[Image | str], masks: Sequence[Image] = (), start: Image | None = None
) -> dict[str, Image | Sequence[Image]]:
    """Return the pictures something is painted from, by what they serve as."""
    paintings = [style for style in styles if isinstance(style, Image)]
    inputs: dict[str, Image | Sequence[Image]] = {"content": photo, "style": paintings, "masks": masks}
    return inputs if start is None else inputs | {"init": start}


def choices_of(method: str, grey: bool, styles: Sequence[Image | str]) -> dict[str, Any]:
    """Return what a recipe says of a verb's choices: its method, and the names of styles that are no pictures."""
    named = [style for style in styles if isinstance(style, str)]
    return {"method": method, "grey": grey, **({"styles": named} if named else {})}


def finished(
    painted: Tensor,
    photo: Image,
    settings: StylizeSettings,
    *,
    grey: bool = True,
    recipe: Mapping[str, Any] | None = None,
) -> Image:
    """Turn a painted tensor, or a step's picture, into the picture a user gets.

    Args:
        painted: `(1, 3, height, width)` in [0, 1], any size.
        photo: The content it was painted from.
        settings: Gives the size.
        grey: Whether a grey photo stays grey.
        recipe: Goes into the picture's metadata.
    """
    image = from_tensor(resize(painted.cpu(), *painted_size(photo, settings)), photo, keep_grey=grey)
    return replace(image, recipe=recipe)


def painted_size(photo: Image, settings: StylizeSettings) -> tuple[int, int]:
    """Return height and width of what a photo becomes, in pixels."""
    size = (photo.height, photo.width)
    return size if settings.size is None else fit(*size, settings.size)


def recipe_of(
    verb: str,
    settings: Computed,
    inputs: Mapping[str, Image | Sequence[Image]],
    model: Loaded | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Return everything needed to paint a picture again, as JSON values.

    Args:
        verb: Which verb painted it.
        settings: All settings.
        inputs: The pictures by what they served as.
        model: The trained network, if one painted.
        **choices: The verb's other arguments.
    """
    named = {
        role: _named(images) if isinstance(images, Image) else [_named(image) for image in images]
        for role, images in inputs.items()
    }
    circumstances = _circumstances(settings, model)
    return {"verb": verb, **choices, "settings": asdict(settings), "inputs": named, **circumstances}


def stopped(
    photo: Image,
    styles: Sequence[Image | str],
    settings: StylizeSettings,
    step: Step,
    *,
    method: str = "gatys",
    masks: Sequence[Image] = (),
    start: Image | None = None,
    grey: bool = True,
) -> Result:
    """Return what a run leaves that was interrupted after a step: the best picture so far, whose recipe says so.

    Args:
        photo: The content.
        styles: Paintings, or names.
        settings: How it was painted.
        step: The last one.
        method: By which method.
        masks: One per style, or none.
        start: The picture `settings.init` names, if it names one.
        grey: Whether a grey photo stays grey.
    """
    inputs = inputs_of(photo, styles, masks, start)
    recipe = recipe_of("stylize", settings, inputs, **choices_of(method, grey, styles))
    recipe["interrupted"] = {"step": step.index, "of": step.total}
    image = finished(step.image, photo, settings, grey=grey, recipe=recipe)
    return Result(image, recipe, [step.losses])


def several(style: ImageSource | Sequence[ImageSource]) -> list[ImageSource]:
    """Return one painting or several as a list; a numpy array is one."""
    return list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]


def changed(settings: StylizeSettings, method: str, changes: Mapping[str, Any]) -> StylizeSettings:
    """Return settings with some of them changed.

    Raises:
        SettingError: If they are another method's, or there is no such setting, or it is not allowed.
    """
    kind = settings_kind(method)
    if not isinstance(settings, kind):
        raise SettingError(f"settings are {type(settings).__name__}; {method} takes {kind.__name__}")
    return with_changes(settings, changes, method)


def _named(image: Image) -> dict[str, str]:
    return {"name": image.name, "sha256": image.sha256}


def _circumstances(settings: Computed, model: Loaded | None) -> dict[str, Any]:
    """Return what else decides about the pixels: weights, versions, machine."""
    device = choose_device(settings.device)
    weights = {} if model is None else {model.name: model.sha256}
    dtype = choose_dtype(settings.precision, device)
    if isinstance(settings, DeepDreamSettings):
        weights[settings.backbone] = entry_named(settings.backbone).sha256
        dtype = backbone_dtype(settings.backbone, settings.precision, device)
    if isinstance(settings, GatysSettings):
        weights[settings.network] = entry_named(settings.network).sha256
        if settings.init == "draft":
            weights[DRAFTED_BY] = entry_named(DRAFTED_BY).sha256
    versions = {
        "impasto": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    machine = {
        "device": device.type,
        "precision": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
    }
    if model is not None and model.runtime == "onnx":
        versions["onnxruntime"] = version("onnxruntime")
        machine |= {"device": "cpu", "precision": "float32", "runtime": "onnx"}
    return {"weights": weights, "versions": versions, "machine": machine}
