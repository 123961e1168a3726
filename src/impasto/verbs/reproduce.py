"""`reproduce`: a picture painted again from the recipe it carries, and compared with it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from hashlib import file_digest
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch

from impasto.errors import InputError, SettingError, check_choice, one_line
from impasto.image.files import open_file
from impasto.image.formats import WritableFormat, sniff
from impasto.image.io import Image, ImageSource, encode_image, read_image
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import Precision, choose_device
from impasto.nn.one_pass import OnePassSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs.demo import examples_folder
from impasto.verbs.layers import layers
from impasto.verbs.one_pass import load_model
from impasto.verbs.sheet import sheet
from impasto.verbs.stylize import Loaded, StylizeSettings, recipe_of, settings_kind, stopped, stylize
from impasto.verbs.translate import TranslateSettings, load_translator, translate
from impasto.weights.store import catalog

Settings = StylizeSettings | TranslateSettings

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "stylize": {"method": str, "grey": bool},
    "layers": {"kind": str, "layers": tuple[str, ...], "size": int, "steps": int},
    "sheet": {
        "method": str,
        "grey": bool,
        "strengths": tuple[float, ...],
        "sizes": tuple[int, ...],
        "seeds": tuple[int, ...],
    },
    "translate": {"translator": str},
}
"""The verbs that can be run again, with the type of each choice in their recipes."""

ROLES = {
    "stylize": ("content", "style"),
    "layers": ("content",),
    "sheet": ("content", "style"),
    "translate": ("content",),
}
"""What each verb paints from, at least."""
PRECISIONS: Mapping[str, Precision] = {"bfloat16": "bf16", "float32": "fp32"}
MOST_THREADS = 1024


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
    order = _read(original, [*beside, Path(), *_examples(), *map(Path, search)])
    with _threads(order.recipe):
        warnings = list(_differences(order))
        if on_warning is not None:
            for warning in warnings:
                on_warning(warning)
        result = _PAINTERS[order.verb](order, on_step)
    identical, largest, mean = _compare(original, _as_written(result.image, picture))
    return Reproduction(result, identical, largest, mean, warnings)


class _Order(NamedTuple):
    """A recipe that has been checked, and the files it names."""

    verb: str
    settings: Settings
    choices: Mapping[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    named: Sequence[str]
    stop_at: int | None
    recipe: Mapping[str, Any]


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised where the first run was interrupted."""


def _read(image: Image, places: Sequence[Path]) -> _Order:
    """Check a recipe, which anybody may have written, and find its inputs."""
    recipe = image.recipe
    if recipe is None:
        raise InputError(f"{image.name} has no recipe; only pictures that impasto painted, unedited, have one")
    try:
        verb = recipe["verb"]
        check_choice("the recipe's verb", verb, tuple(CHOICES))
        choices = {name: _typed(name, recipe[name], hint) for name, hint in CHOICES[verb].items()}
        settings = _settings(recipe["settings"], _kind_of_settings(verb, choices))
        named = _typed("styles", recipe.get("styles", []), tuple[str, ...])
        wanted = {role: one if isinstance(one, list) else [one] for role, one in recipe["inputs"].items()}
        inputs = _find([(role, each["name"], each["sha256"]) for role in wanted for each in wanted[role]], places)
        interrupted = recipe.get("interrupted", {})
        stop_at = _typed("interrupted", interrupted.get("step", interrupted.get("cell")), int | None)
        settings = _here(settings, recipe["machine"])
        if isinstance(settings, OnePassSettings) and settings.model is not None:
            settings = replace(settings, model=_model(settings.model, places))
        if "translator" in choices:
            choices["translator"] = _model(choices["translator"], places)
        for role in ROLES[verb]:
            if not (role == "style" and named):
                inputs[role]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the recipe of {image.name} is damaged ({one_line(repr(error))})") from None
    if isinstance(settings, GatysSettings) and verb == "stylize" and "init" in inputs:
        settings = replace(settings, init=str(inputs["init"][0]))
    return _Order(verb, settings, choices, inputs, named, stop_at, recipe)


def _settings(stored: Mapping[str, Any], kind: type[Settings]) -> Settings:
    hints = get_type_hints(kind)
    for name in stored:
        check_choice("a setting of the recipe", name, [field.name for field in fields(kind)])
    return kind(**{name: _typed(name, value, hints[name]) for name, value in stored.items()})


def _kind_of_settings(verb: str, choices: Mapping[str, Any]) -> type[Settings]:
    return TranslateSettings if verb == "translate" else settings_kind(choices.get("method", "gatys"))


def _model(model: str, places: Sequence[Path]) -> str:
    """Find the model file that a recipe names, where it lay or in one of the places.

    Raises:
        InputError: If it is nowhere.
    """
    if model in catalog():
        return model
    name = Path(model).name
    found = next((path for path in (Path(model), *(place / name for place in places)) if path.is_file()), None)
    if found is None:
        raise InputError(f"missing: the network {one_line(name)}; add its folder with --search, or search=")
    return str(found)


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return a JSON value as the type that a setting has."""
    value = tuple(value) if isinstance(value, list) else value
    if not _fits(value, hint):
        raise SettingError(f"{name} is {one_line(repr(value))} in the recipe, which this version cannot read")
    return value


def _fits(value: object, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in inner
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, inner[0]) for each in value)
    return type(value) in ((int, float) if hint is float else (hint,))


def _here(settings: Settings, machine: Mapping[str, Any]) -> Settings:
    """Compute as the first time as far as this machine can."""
    try:
        device = choose_device(settings.device)
    except SettingError:
        settings = replace(settings, device="auto")
        device = choose_device()
    precision = PRECISIONS.get(str(machine["precision"]))
    return replace(settings, precision=precision) if precision and device.type == machine["device"] else settings


def _examples() -> list[Path]:
    try:
        folder = examples_folder()
    except InputError:
        return []
    return [folder / "photos", folder / "paintings"]


def _find(wanted: Sequence[tuple[str, str, str]], places: Sequence[Path]) -> dict[str, list[Path]]:
    """Find each picture by its name or, under another name, by its sha256.

    Raises:
        InputError: Naming every picture that is nowhere.
    """
    found: dict[str, list[Path]] = {}
    missing = []
    for role, name, digest in wanted:
        named = [place / Path(name).name for place in places]
        candidates = (path for group in (named, _files(places)) for path in group)
        path = next((path for path in candidates if path.is_file() and _sha256(path) == digest), None)
        if path is None:
            missing.append(f"{one_line(name)} (sha256 {digest})")
        else:
            found.setdefault(role, []).append(path)
    if missing:
        folders = ", ".join(dict.fromkeys(one_line(str(place.resolve())) for place in places))
        raise InputError(
            f"missing: {', '.join(missing)}; looked in {folders}; add the folder with --search, or search="
        )
    return {role: found.get(role, []) for role in (*found, "masks")}


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """Yield every picture file in the places."""
    for place in places:
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_file() and _format(path) is not None:
                yield path


def _format(path: Path) -> str | None:
    try:
        with open_file(path) as file:
            return sniff(file.read(64))
    except (InputError, OSError):
        return None


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


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


def _differences(order: _Order) -> Iterator[str]:
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


def _stylize(order: _Order, on_step: OnStep | None) -> Result:
    assert not isinstance(order.settings, TranslateSettings)
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


def _grid(
    paint: Callable[..., Result], order: _Order, on_step: OnStep | None, *pictures: Any, **choices: Any
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


def _layers(order: _Order, on_step: OnStep | None) -> Result:
    choices = dict(order.choices)
    return _grid(layers, order, on_step, choices.pop("kind"), order.inputs["content"][0], **choices)


def _sheet(order: _Order, on_step: OnStep | None) -> Result:
    styles = list(order.named) or order.inputs["style"]
    return _grid(sheet, order, on_step, order.inputs["content"][0], styles, **order.choices)


def _translate(order: _Order, on_step: OnStep | None) -> Result:
    assert isinstance(order.settings, TranslateSettings)
    model, content = order.choices["translator"], order.inputs["content"][0]
    instances, style = (next(iter(order.inputs.get(role, [])), None) for role in ("instances", "style"))
    return translate(model, content, instances=instances, style=style, settings=order.settings)


_PAINTERS: Mapping[str, Callable[[_Order, OnStep | None], Result]] = {
    "stylize": _stylize,
    "layers": _layers,
    "sheet": _sheet,
    "translate": _translate,
}


def _as_written(image: Image, picture: ImageSource) -> Image:
    """Return a picture as it would come back from a file like the original's."""
    file_format = None
    if isinstance(picture, str | os.PathLike):
        file_format = _format(Path(picture))
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
