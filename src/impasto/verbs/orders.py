"""Orders to paint a picture again: recipes read from pictures, checked, and the files that they name found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import file_digest
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from impasto.errors import InputError, SettingError, check_choice, one_line
from impasto.image.files import open_file
from impasto.image.formats import sniff
from impasto.image.io import Image
from impasto.methods.deepdream import DeepDreamSettings
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import Precision, choose_device
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.demo import examples_folder
from impasto.verbs.stylize import StylizeSettings, settings_kind
from impasto.verbs.translate import TranslateSettings
from impasto.weights.model import EDGE_ENCODER
from impasto.weights.store import catalog

Settings = StylizeSettings | TranslateSettings | DeepDreamSettings

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
    "dream": {"grey": bool},
    "channels": {"layer": str, "channels": tuple[int, ...], "size": int},
    "translate": {"translator": str, "edits": tuple[str, ...]},
}
"""The verbs that can be run again, with the type of each choice in their recipes."""

ROLES = {
    "stylize": ("content", "style"),
    "layers": ("content",),
    "sheet": ("content", "style"),
    "dream": ("content",),
    "channels": (),
    "translate": ("content",),
}
"""What each verb paints from, at least."""
PRECISIONS: Mapping[str, Precision] = {"bfloat16": "bf16", "float32": "fp32"}
MOST_THREADS = 1024


class Order(NamedTuple):
    """A recipe that has been checked, and the files it names."""

    verb: str
    settings: Settings
    choices: Mapping[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    named: Sequence[str]
    stop_at: int | None
    recipe: Mapping[str, Any]


def read_order(image: Image, places: Sequence[Path]) -> Order:
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
    return Order(verb, settings, choices, inputs, named, stop_at, recipe)


def _settings(stored: Mapping[str, Any], kind: type[Settings]) -> Settings:
    if kind is GatysSettings:  # recipes of versions that had no other loss do not name it
        stored = {"style_loss": "gram", **stored}
    if stored.get("network") == EDGE_ENCODER:
        raise SettingError(
            f"painted with {EDGE_ENCODER}, which impasto no longer paints with; paint it again with --network vgg16"
        )
    hints = get_type_hints(kind)
    for name in stored:
        check_choice("a setting of the recipe", name, [field.name for field in fields(kind)])
    return kind(**{name: _typed(name, value, hints[name]) for name, value in stored.items()})


def _kind_of_settings(verb: str, choices: Mapping[str, Any]) -> type[Settings]:
    kinds: dict[str, type[Settings]] = {
        "translate": TranslateSettings,
        "dream": DeepDreamSettings,
        "channels": DeepDreamSettings,
    }
    return kinds.get(verb) or settings_kind(choices.get("method", "gatys"))


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


def example_folders() -> list[Path]:
    """Return where the example pictures are, if they came along."""
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
            if path.is_file() and file_format_of(path) is not None:
                yield path


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def file_format_of(path: Path) -> str | None:
    """Return the format of a picture's file by its first bytes; None if it is none."""
    try:
        with open_file(path) as file:
            return sniff(file.read(64))
    except (InputError, OSError):
        return None
