"""`reproduce`: a picture painted again from the recipe it carries, and compared with it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from impasto.errors import one_line
from impasto.image.formats import WritableFormat, sniff
from impasto.image.io import Image, ImageSource, encode_image, read_image
from impasto.methods.deepdream import DeepDreamSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs import dream as dreams
from impasto.verbs.channels import channels
from impasto.verbs.layers import layers
from impasto.verbs.one_pass import load_model
from impasto.verbs.orders import MOST_THREADS, Order, example_folders, file_format_of, read_order
from impasto.verbs.sheet import sheet
from impasto.verbs.stylize import Loaded, recipe_of, stopped, stylize
from impasto.verbs.translate import TranslateSettings, load_translator, translate


@dataclass(frozen=True)
class Reproduction:
    """A picture painted again, beside the one whose recipe it follows.

    Attributes:
        result: The picture painted now.
        identical: Whether every pixel is the same.
        max_difference: The largest difference of two samples, in levels of 8 bits; None if the sizes differ.
        mean_difference: The mean difference, likewise.
        warnings: What is not as it was when the picture was painted, one line each.
    """

    result: Result
    identical: bool
    max_difference: float | None
    mean_difference: float | None
    warnings: Sequence[str]


def reproduce(
    picture: ImageSource,
    *,
    search: Sequence[str | os.PathLike[str]] = (),
    on_step: OnStep | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Reproduction:
    """Paint a picture again from its recipe.

    What it was painted from is looked for beside the picture, in the current folder, among the examples and in
    `search`: by its name first, then whatever it is called now. Computes with as many threads as the first time.

    Args:
        picture: A picture that impasto painted.
        search: More folders to look in.
        on_step: Called after every step; raising in it cancels.
        on_warning: Called before painting, with what is not as it was.

    Raises:
        InputError: If the picture has no recipe, or something it was painted from is missing.
        SettingError: If the recipe asks for what this version does not know.

    Example:
        >>> impasto.reproduce("painted.png").identical
        True
    """
    original = read_image(picture)
    beside = [Path(picture).parent] if isinstance(picture, str | os.PathLike) else []
    order = read_order(original, [*beside, Path(), *example_folders(), *map(Path, search)])
    with _threads(order.recipe):
        warnings = list(_differences(order))
        if on_warning is not None:
            for warning in warnings:
                on_warning(warning)
        result = _PAINTERS[order.verb](order, on_step)
    identical, largest, mean = _compare(original, _as_written(result.image, picture))
    return Reproduction(result, identical, largest, mean, warnings)


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised where the first run was interrupted."""


@contextmanager
def _threads(recipe: Mapping[str, Any]) -> Iterator[None]:
    """Sum in the order of the first run: with as many threads."""
    before, wanted = torch.get_num_threads(), recipe["machine"].get("threads")
    if isinstance(wanted, int) and 0 < wanted <= MOST_THREADS:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _differences(order: Order) -> Iterator[str]:
    """Word what decides about the pixels and is not as it was."""
    settings = order.settings
    model: Loaded | None = None
    if isinstance(settings, OnePassSettings):
        model = load_model(order.choices["method"], settings)
    elif isinstance(settings, TranslateSettings):
        model = load_translator(order.choices["translator"], settings)
    now = recipe_of(order.verb, settings, {}, model)
    for group, words in (("weights", "other weights of"), ("versions", ""), ("machine", "")):
        before = order.recipe.get(group)
        for name, was in before.items() if isinstance(before, Mapping) else ():
            here = now[group].get(name)
            if here != was:
                what = f"{words} {name}".strip()
                yield f"painted with {one_line(f'{what} {was}')}, here it is {here}; the pixels may differ"


def _stylize(order: Order, on_step: OnStep | None) -> Result:
    assert not isinstance(order.settings, TranslateSettings | DeepDreamSettings)
    photo = read_image(order.inputs["content"][0])
    paintings, masks = ([read_image(path) for path in order.inputs.get(role, [])] for role in ("style", "masks"))
    start = [read_image(path) for path in order.inputs.get("init", [])]
    trace, last = [], list[Step]()

    def follow(step: Step) -> None:
        if step.index > 0:
            trace.append(step.losses)
        if on_step is not None:
            on_step(step)
        if step.index == order.stop_at:
            last.append(step)
            raise _Enough

    try:
        styles = list(order.named) or paintings
        return stylize(photo, styles, settings=order.settings, masks=masks, on_step=follow, **order.choices)
    except _Enough:
        result = stopped(
            photo,
            paintings,
            order.settings,
            last[0],
            masks=masks,
            start=start[0] if start else None,
            **order.choices,
        )
        return replace(result, trace=trace)


def _dream(order: Order, on_step: OnStep | None) -> Result:
    assert isinstance(order.settings, DeepDreamSettings)
    settings, last = order.settings, list[Step]()
    photo = read_image(order.inputs["content"][0])
    guide, mask = (_only(order.inputs.get(role, [])) for role in ("guide", "masks"))

    def follow(step: Step) -> None:
        if on_step is not None:
            on_step(step)
        if step.index == order.stop_at:
            last.append(step)
            raise _Enough

    try:
        return dreams.dream(photo, guide=guide, mask=mask, settings=settings, on_step=follow, **order.choices)
    except _Enough:
        return dreams.stopped(photo, settings, last[0], guide=guide, mask=mask, **order.choices)


def _only(paths: Sequence[Path]) -> Image | None:
    return read_image(paths[0]) if paths else None


def _grid(
    paint: Callable[..., Result], order: Order, on_step: OnStep | None, *pictures: Any, **choices: Any
) -> Result:
    """Run a verb that paints cells, as many as the first time."""
    so_far: list[Result] = []

    def follow(result: Result) -> None:
        so_far.append(result)
        if len(so_far) == order.stop_at:
            raise _Enough

    try:
        return paint(*pictures, settings=order.settings, on_step=on_step, on_cell=follow, **choices)
    except _Enough:
        return so_far[-1]


def _layers(order: Order, on_step: OnStep | None) -> Result:
    choices = dict(order.choices)
    return _grid(layers, order, on_step, choices.pop("kind"), order.inputs["content"][0], **choices)


def _channels(order: Order, on_step: OnStep | None) -> Result:
    choices = dict(order.choices)
    return _grid(channels, order, on_step, choices.pop("layer"), **choices)


def _sheet(order: Order, on_step: OnStep | None) -> Result:
    styles = list(order.named) or order.inputs["style"]
    return _grid(sheet, order, on_step, order.inputs["content"][0], styles, **order.choices)


def _translate(order: Order, on_step: OnStep | None) -> Result:
    assert isinstance(order.settings, TranslateSettings)
    model, content = order.choices["translator"], order.inputs["content"][0]
    instances, style = (next(iter(order.inputs.get(role, [])), None) for role in ("instances", "style"))
    edits = order.choices["edits"]
    return translate(model, content, instances=instances, style=style, edits=edits, settings=order.settings)


_PAINTERS: Mapping[str, Callable[[Order, OnStep | None], Result]] = {
    "stylize": _stylize,
    "layers": _layers,
    "sheet": _sheet,
    "dream": _dream,
    "channels": _channels,
    "translate": _translate,
}


def _as_written(image: Image, picture: ImageSource) -> Image:
    """Return a picture as it would come back from a file like the original's."""
    file_format = None
    if isinstance(picture, str | os.PathLike):
        file_format = file_format_of(Path(picture))
    elif isinstance(picture, bytes):
        file_format = sniff(picture)
    if file_format not in get_args(WritableFormat):
        return image
    return read_image(encode_image(image, file_format))  # type: ignore[arg-type]


def _compare(one: Image, other: Image) -> tuple[bool, float | None, float | None]:
    """Return whether two pictures are the same, and the largest and mean difference in levels of 8 bits."""
    if one.pixels.shape != other.pixels.shape:
        return False, None, None
    values = [image.pixels / np.iinfo(image.pixels.dtype).max * 255 for image in (one, other)]
    apart = np.abs(values[0] - values[1])
    alphas = [image.alpha for image in (one, other)]
    same_alpha = alphas[0] is alphas[1] or (
        alphas[0] is not None and alphas[1] is not None and np.array_equal(alphas[0], alphas[1])
    )
    identical = same_alpha and one.bits == other.bits and not apart.any()
    return bool(identical), round(float(apart.max()), 4), round(float(apart.mean()), 6)
