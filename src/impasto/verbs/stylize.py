"""`stylize`: a photo painted after paintings."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto._version import __version__
from impasto.errors import ImpastoError, SettingError, check_choice
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.regions import Style, mask_of, visible_colors, visible_part
from impasto.image.resize import fit, resize
from impasto.image.tensors import from_tensor
from impasto.methods import METHODS, gatys
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import choose_device, choose_dtype
from impasto.result import OnStep, Result, Step
from impasto.weights.store import entry_named


def stylize(
    content: ImageSource,
    style: ImageSource | Sequence[ImageSource],
    *,
    method: str = "gatys",
    settings: GatysSettings | None = None,
    masks: Sequence[ImageSource] = (),
    grey: bool = True,
    on_step: OnStep | None = None,
    **changes: Any,
) -> Result:
    """Paint a picture after one or several paintings.

    Args:
        content: A path, bytes, PIL image, numpy array or tensor.
        style: A painting, or several.
        method: How; see `impasto methods`.
        settings: All settings at once.
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
    check_choice("method", method, [name for name, row in METHODS.items() if row.verb == "stylize"])
    settings = _changed(settings or GatysSettings(), changes)
    photo = read_image(content)
    paintings = [read_image(each) for each in several(style)]
    mask_images = [read_image(each) for each in masks]
    regions: list[Tensor | None] = [mask_of(image) for image in mask_images]
    if regions and len(regions) != len(paintings):
        raise SettingError(f"there are {len(regions)} masks for {len(paintings)} styles; give one mask per style")
    start = None if settings.init in gatys.STARTS else read_image(settings.init)
    trace: list[Mapping[str, float]] = []

    def follow(step: Step) -> None:
        trace.append(step.losses)
        if on_step is not None:
            on_step(step)

    try:
        painted = gatys.paint(
            visible_colors(photo),
            [
                Style(visible_colors(painting), region, visible_part(painting))
                for painting, region in zip(paintings, regions or [None] * len(paintings), strict=True)
            ],
            settings,
            visible=visible_part(photo),
            start=None if start is None else visible_colors(start),
            on_step=follow,
        )
    except (RuntimeError, MemoryError) as error:
        raise _explained(error, settings) from error
    inputs: dict[str, Image | Sequence[Image]] = {"content": photo, "style": paintings, "masks": mask_images}
    if start is not None:
        inputs["init"] = start
    recipe = recipe_of("stylize", settings, inputs, method=method, grey=grey)
    return Result(
        image=finished(painted, photo, settings, grey=grey, recipe=recipe),
        recipe=recipe,
        trace=trace,
        seconds=time.perf_counter() - began,
    )


def finished(
    painted: Tensor,
    photo: Image,
    settings: GatysSettings,
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
    size = (photo.height, photo.width)
    if settings.size is not None:
        size = fit(*size, settings.size)
    image = from_tensor(resize(painted.cpu(), *size), photo, keep_grey=grey)
    return replace(image, recipe=recipe)


def recipe_of(
    verb: str, settings: GatysSettings, inputs: Mapping[str, Image | Sequence[Image]], **choices: Any
) -> dict[str, Any]:
    """Return everything needed to paint a picture again, as JSON values.

    Args:
        verb: Which verb painted it.
        settings: All settings.
        inputs: The pictures by what they served as.
        **choices: The verb's other arguments.
    """
    named = {
        role: _named(images) if isinstance(images, Image) else [_named(image) for image in images]
        for role, images in inputs.items()
    }
    return {"verb": verb, **choices, "settings": asdict(settings), "inputs": named, **_circumstances(settings)}


def stopped(
    photo: Image,
    paintings: Sequence[Image],
    settings: GatysSettings,
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
        paintings: The styles.
        settings: How it was painted.
        step: The last one.
        method: By which method.
        masks: One per style, or none.
        start: The picture `settings.init` names, if it names one.
        grey: Whether a grey photo stays grey.
    """
    inputs: dict[str, Image | Sequence[Image]] = {"content": photo, "style": paintings, "masks": masks}
    if start is not None:
        inputs["init"] = start
    recipe = recipe_of("stylize", settings, inputs, method=method, grey=grey)
    recipe["interrupted"] = {"step": step.index, "of": step.total}
    image = finished(step.image, photo, settings, grey=grey, recipe=recipe)
    return Result(image, recipe, [step.losses])


def several(style: ImageSource | Sequence[ImageSource]) -> list[ImageSource]:
    """Return one painting or several as a list; a numpy array is one."""
    return list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]


def _changed(settings: GatysSettings, changes: Mapping[str, Any]) -> GatysSettings:
    known = [field.name for field in fields(settings)]
    for name in changes:
        if name not in known:
            raise SettingError(f"there is no setting {name!r}; the settings of gatys are {', '.join(known)}")
    return replace(settings, **changes)


def _named(image: Image) -> dict[str, str]:
    return {"name": image.name, "sha256": image.sha256}


def _circumstances(settings: GatysSettings) -> dict[str, Any]:
    """Return what else decides about the pixels: weights, versions, machine."""
    device = choose_device(settings.device)
    return {
        "weights": {settings.network: entry_named(settings.network).sha256},
        "versions": {
            "impasto": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "machine": {
            "device": device.type,
            "precision": str(choose_dtype(settings.precision, device)).removeprefix("torch."),
            "threads": torch.get_num_threads(),
        },
    }


def _explained(error: Exception, settings: GatysSettings) -> Exception:
    """Turn running out of memory into one line; anything else is a bug of ours and stays as it is."""
    words = str(error).lower()
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in words:
        size = settings.size or gatys.DEFAULT_SIZE
        return ImpastoError(f"out of memory while painting at {size} pixels; choose a smaller size than {size}")
    return error
