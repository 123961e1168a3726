"""Model files: one `.safetensors` that says in its metadata what it is, so that loading needs no flag."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto.errors import InputError, WeightsError
from impasto.writing import replace_file

Settings = TypeVar("Settings")
FORMAT = 1
MODEL_SUFFIX = ".safetensors"
"""What a model file of ours is called; whatever is called otherwise is a checkpoint that others published."""
_KEY = "impasto-model"
ENCODING = ("prediction", "adain")
"""Methods whose models encode paintings by a VGG."""
EDGE_ENCODER: Final = "vgg16-hed"
"""VGG-16 fine-tuned to find edges; its features carry little colour. Older models were trained with it."""


@dataclass(frozen=True)
class Card:
    """What a model file says about itself.

    Attributes:
        method: Which method's network it is.
        settings: How the network was built and trained, as JSON values.
        styles: What it knows by name, in the order of its rows.
        training: What it was trained on: samples, losses, time.
        licence: Of the weights.
        channels: Of the pictures it takes and gives.
        value_range: Of their values.
        inference: How its norms and dropouts behave when it is applied.
        palette: Name and colour (`#rrggbb`) of each class of the label maps it paints, as far as its data says.
        format: Version of this description.
    """

    method: str
    settings: Mapping[str, Any]
    styles: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    channels: tuple[int, int] = (3, 3)
    value_range: tuple[float, float] = (0.0, 1.0)
    inference: Mapping[str, str] = field(default_factory=lambda: {"norm": "instance", "dropout": "none"})
    palette: tuple[tuple[str, str], ...] = ()
    format: int = FORMAT

    def settings_as(self, kind: type[Settings]) -> Settings:
        """Return the settings as the dataclass of the method.

        Raises:
            WeightsError: If there is one that this version does not know.
        """
        known = {each.name for each in fields(kind)}  # type: ignore[arg-type] # a TypeVar cannot say it is one
        if unknown := sorted(set(self.settings) - known):
            raise WeightsError(f"the model has the settings {', '.join(unknown)}, which this version does not know")
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in self.settings.items()}
        return kind(**values)


def _migrated_settings(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the settings of an older model file.

    Its `network` was both loss network and encoder of paintings. A loss network that is no longer offered becomes
    `vgg16`, which only affects further training.
    """
    renewed = dict(settings)
    network = renewed.get("network")
    if network is not None and "encoder" not in renewed and method in ENCODING:
        renewed["encoder"] = network
    if method == "adain":
        renewed.pop("network", None)
    elif network == EDGE_ENCODER:
        renewed["network"] = "vgg16"
    return renewed


def write_model(path: Path, tensors: Mapping[str, Tensor], card: Card) -> None:
    """Write a model file, whole or not at all."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    replace_file(path, save(contiguous, {_KEY: json.dumps(asdict(card))}))


def read_model(path: Path) -> tuple[Card, dict[str, Tensor]]:
    """Return what a model file says about itself, and its tensors, in fp32.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, no model of ours, or made by a later version.
    """
    described, tensors = _read(path, with_tensors=True)
    return _card(path, described), tensors


def read_card(path: Path) -> Card:
    """Return what a model file says about itself alone.

    Raises:
        InputError: As `read_model`.
        WeightsError: Likewise.
    """
    return _card(path, _read(path, with_tensors=False)[0])


def _read(path: Path, *, with_tensors: bool) -> tuple[str, dict[str, Tensor]]:
    if not path.is_file():
        raise InputError(
            f"there is no model {path}; give a .safetensors that impasto wrote, or a published checkpoint"
        )
    try:
        with safe_open(path, framework="pt") as file:
            described = (file.metadata() or {}).get(_KEY)
            names = list(file.keys()) if with_tensors else []
            tensors = {name: file.get_tensor(name).float() for name in names}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged, or no model file: {error}") from None
    if described is None:
        raise WeightsError(
            f"{path} does not say what it is; give a model that impasto wrote, or try impasto convert"
        )
    return described, tensors


def _card(path: Path, described: str) -> Card:
    try:
        values = json.loads(described)
        if values["format"] > FORMAT:
            raise WeightsError(f"{path} was made by a later impasto (format {values['format']}); update impasto")
        for name in ("styles", "channels", "value_range"):
            values[name] = tuple(values[name])
        values["palette"] = tuple((str(name), str(color)) for name, color in values.get("palette", ()))
        values["settings"] = _migrated_settings(values["method"], values["settings"])
        return Card(**values)
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"what {path} says about itself is damaged ({error})") from None
