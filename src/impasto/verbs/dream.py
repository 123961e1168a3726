"""`dream`: a photo with what a network sees in it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from impasto._typing import Weight
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.regions import intersect, mask_of, visible_colors, visible_part
from impasto.image.resize import resize, resize_change
from impasto.image.tensors import from_tensor
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings, painted_size
from impasto.result import OnStep, Result, Step
from impasto.verbs.stylize import recipe_of
from impasto.verbs.trouble import explained, with_changes


def dream(
    image: ImageSource,
    *,
    guide: ImageSource | None = None,
    mask: ImageSource | None = None,
    settings: DeepDreamSettings | None = None,
    grey: bool = True,
    on_step: OnStep | None = None,
    **changes: Any,
) -> Result:
    """Dream on a picture.

    Args:
        image: A path, bytes, PIL image, numpy array or tensor.
        guide: A picture whose features are dreamt of.
        mask: White where to dream; soft edges are fine, any size. Where it is black, every pixel stays.
        settings: All settings at once.
        grey: Whether a grey photo stays grey.
        on_step: Called after every step; raising in it cancels.
        **changes: Single settings, such as `dream_of="castle"`, in place of or on top of `settings`.

    Returns:
        The picture, of the photo's own size unless `size` is given, with its alpha, colour profile and bit depth;
        and the recipe that makes it again.

    Raises:
        InputError: If a picture cannot be read.
        SettingError: If a setting is not allowed, or does not fit the pictures.

    Example:
        >>> impasto.dream("photo.jpg", layers=("block9.expand",)).image.save("dream.png")
    """
    began = time.perf_counter()
    settings = with_changes(settings or DeepDreamSettings(), changes, "deepdream")
    photo = read_image(image)
    shown, where = (None if source is None else read_image(source) for source in (guide, mask))
    trace: list[Mapping[str, float]] = []

    def follow(step: Step) -> None:
        trace.append(step.losses)
        if on_step is not None:
            on_step(step)

    try:
        dreamt = deepdream.dream(
            visible_colors(photo),
            settings,
            guide=None if shown is None else visible_colors(shown),
            region=region_of(photo, where),
            on_step=follow,
        )
    except (RuntimeError, MemoryError) as error:
        raise explained(error, "dreaming", max(painted_size(photo.height, photo.width, settings))) from error
    recipe = recipe_of("dream", settings, inputs_of(photo, shown, where), grey=grey)
    finished_image = finished(dreamt, photo, settings, where, grey=grey, recipe=recipe)
    return Result(finished_image, recipe, trace, time.perf_counter() - began)


def region_of(photo: Image, mask: Image | None) -> Weight | None:
    """Return where to dream on a photo: where the mask is white and the photo can be seen; everywhere if None."""
    weights = [None if mask is None else mask_of(mask), visible_part(photo)]
    return intersect(weights, photo.height, photo.width)


def inputs_of(photo: Image | None, guide: Image | None, mask: Image | None) -> dict[str, Image | Sequence[Image]]:
    """Return the pictures a dream is made from, by what they serve as; a video is no picture."""
    content: dict[str, Image | Sequence[Image]] = {} if photo is None else {"content": photo}
    given = {"guide": guide, "masks": mask}
    return content | {role: [each] for role, each in given.items() if each is not None}


def finished(
    dreamt: Tensor,
    photo: Image,
    settings: DeepDreamSettings,
    mask: Image | None = None,
    *,
    grey: bool = True,
    recipe: Mapping[str, Any] | None = None,
) -> Image:
    """Turn a dream, or a step's picture, into the picture a user gets.

    A dream smaller than the picture is not enlarged itself: what it changed is, so that the photo stays as sharp.

    Args:
        dreamt: `(1, 3, height, width)` in [0, 1], any size.
        photo: What was dreamt on.
        settings: Give the size.
        mask: Where it was dreamt, if not everywhere.
        grey: Whether a grey photo stays grey.
        recipe: Goes into the picture's metadata.
    """
    colors, dreamt = visible_colors(photo), dreamt.cpu()
    full = (
        (photo.height, photo.width) if settings.size is None else painted_size(photo.height, photo.width, settings)
    )
    if tuple(dreamt.shape[-2:]) != full:
        base, change = resize(colors, *full), dreamt - resize(colors, *dreamt.shape[-2:])
        dreamt = (base + resize_change(change, *full)).clamp(0, 1)
        region = region_of(photo, mask)
        dreamt = dreamt if region is None else torch.where(resize(region, *full) > 0, dreamt, base)
    return replace(from_tensor(dreamt, photo, keep_grey=grey), recipe=recipe)


def stopped(
    photo: Image,
    settings: DeepDreamSettings,
    step: Step,
    *,
    guide: Image | None = None,
    mask: Image | None = None,
    grey: bool = True,
) -> Result:
    """Return what a run leaves that was interrupted after a step: the dream so far, whose recipe says so.

    Args:
        photo: What was dreamt on.
        settings: How.
        step: The last one.
        guide: As for `dream`.
        mask: Likewise.
        grey: Likewise.
    """
    recipe = recipe_of("dream", settings, inputs_of(photo, guide, mask), grey=grey)
    recipe["interrupted"] = {"step": step.index, "of": step.total}
    image = finished(step.image, photo, settings, mask, grey=grey, recipe=recipe)
    return Result(image, recipe, [step.losses])


def step_costs(photo: Image, settings: DeepDreamSettings) -> list[float]:
    """Return what each step of dreaming on a photo costs beside the others: as its pixels."""
    sizes = deepdream.schedule(photo.height, photo.width, settings)
    return [float(height * width) for height, width in sizes for _ in range(settings.pace().steps)]
