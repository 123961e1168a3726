"""`export`: a trained network as an ONNX file that paints what it paints here, or no file at all."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto._version import __version__
from impasto.data.pairs import Direction
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.export.generators import generator_graph
from impasto.export.graphs import graph_of
from impasto.export.installed import check_installed
from impasto.export.onnx_file import OPSET, to_onnx
from impasto.methods import METHODS
from impasto.methods.adain import AdainPainter
from impasto.methods.prediction import PredictionPainter
from impasto.methods.stargan import StarganSettings, with_label
from impasto.nn.labelled import LabelSettings
from impasto.nn.one_pass import Painter
from impasto.nn.vgg import VGG
from impasto.verbs.label_maps import Seen
from impasto.verbs.one_pass import open_model
from impasto.verbs.published import read_any_model
from impasto.verbs.translate import TranslateSettings, Translator, load_translator, settings_of, translated
from impasto.weights.model import Card
from impasto.weights.store import catalog
from impasto.writing import find_target, replace_file

SUFFIX = ".onnx"


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        path: Of the ONNX file.
        sha256: Of it.
        bytes: Its size.
        method: Which method's network it is.
        styles: What it knows by name, in the order of `shares`.
        inputs: One line on each input and on what comes out.
        opset: Version of the ONNX operators.
        parity: How far its pictures are from PyTorch's, size by size.
        seconds: How long exporting and comparing took.
    """

    path: Path
    sha256: str
    bytes: int
    method: str
    styles: Sequence[str]
    inputs: Mapping[str, str]
    opset: int
    parity: Sequence[Mapping[str, float]]
    seconds: float


def export_model(
    model: str | Path,
    target: str | Path,
    *,
    direction: Direction | None = None,
    on_compared: Callable[[Mapping[str, float]], None] | None = None,
) -> Export:
    """Write a trained network as an ONNX file, once it was found to paint as in PyTorch.

    Args:
        model: A model file, or a name out of `impasto weights list`.
        target: The `.onnx` file, replacing what was there.
        direction: What to make of what, for a network that has learnt both; AtoB by default.
        on_compared: Called after every size compared.

    Raises:
        ImpastoError: If onnx, onnxscript or onnxruntime is not installed, or pictures differ by more than 1e-3.
        InputError: If there is no such model, or the file cannot be written.
        SettingError: If the target is called something else, or the network has not learnt the direction.
        WeightsError: If the model is damaged, or not a network that paints in one pass or translates.

    Example:
        >>> export_model("wave.safetensors", "wave.onnx").parity[0]["max"]
        1.4e-06
    """
    began = time.perf_counter()
    path = _target(Path(target))
    check_installed("onnx", "onnxscript", "onnxruntime")
    from impasto.export.parity import differences, generator_differences  # noqa: PLC0415 -- imports ONNX Runtime
    from impasto.export.runtime import Session  # noqa: PLC0415 -- likewise

    translator = _translator(Path(model), direction)
    if translator is not None:
        card = translator.card
        settings = settings_of(translator)
        graph = generator_graph(translator.generator, settings, card.channels[0])
        data = to_onnx(graph, metadata_of(card))
        found_apart = generator_differences(Session(data), graph, partial(_painted, translator, settings))
    elif direction is not None:
        raise SettingError(f"{model} paints after styles and has no directions; leave direction out")
    else:
        card, painter = open_model(model)
        graph = graph_of(painter)
        data = to_onnx(graph, metadata_of(card) | _encoder(card, painter))
        found_apart = differences(Session(data), painter)
    parity: list[Mapping[str, float]] = []
    for found in found_apart:
        parity.append(found._asdict())
        if on_compared is not None:
            on_compared(parity[-1])
    _check_parity(parity)
    replace_file(path, data)
    return Export(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        method=card.method,
        styles=card.styles,
        inputs=graph.about,
        opset=OPSET,
        parity=parity,
        seconds=time.perf_counter() - began,
    )


def _check_parity(parity: Sequence[Mapping[str, float]]) -> None:
    from impasto.export.parity import LIMIT  # noqa: PLC0415 -- imports ONNX Runtime

    for found in parity:
        if not found["max"] <= LIMIT:  # NaN is no parity either
            raise ImpastoError(
                f"at {found['width']}×{found['height']} pixels the exported network paints values up to "
                f"{found['max']:.2g} away from PyTorch's, allowed are {LIMIT:g}; nothing was written"
            )


def _target(target: Path) -> Path:
    if target.suffix.lower() != SUFFIX:
        raise SettingError(f"the output is {target}; its name must end in {SUFFIX}")
    if not target.absolute().parent.is_dir():
        raise InputError(f"there is no folder {target.absolute().parent}; make it first")
    return find_target(target)


def _translator(path: Path, direction: Direction | None) -> Translator | None:
    """Return the translator that a file holds, in fp32 on the CPU; None if it paints after styles, or is a name."""
    if not path.is_file():
        return None
    row = METHODS.get(read_any_model(path)[0].method)
    if row is None or row.verb != "translate":
        return None
    return load_translator(path, TranslateSettings(device="cpu", precision="fp32", direction=direction))


def _painted(translator: Translator, settings: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return what `translate` makes of an exported network's inputs, without noise."""
    if isinstance(settings, StarganSettings):
        seen = Seen(with_label(inputs["source"] * 2 - 1, inputs["label"]))
    elif not isinstance(settings, LabelSettings):
        seen = Seen(inputs["source"] * 2 - 1)
    else:
        entered = settings.encoded(inputs["labels"], inputs.get("instances", inputs["labels"]))
        looks = [inputs["looks"]] if "looks" in inputs else []
        seen = Seen(torch.cat([entered, *looks], dim=1), inputs.get("style"))
    return translated(seen, translator, TranslateSettings(noise=0.0))


def metadata_of(card: Card) -> dict[str, str]:
    """Return what the file says about itself: the model card whole, and its main lines to read."""
    return {
        "impasto-model": json.dumps(asdict(card)),
        "impasto-version": __version__,
        "method": card.method,
        "styles": json.dumps(list(card.styles)),
        "licence": card.licence,
    }


def _encoder(card: Card, painter: Painter) -> dict[str, str]:
    """Return which network looks at paintings, if one does that comes along."""
    network = str(card.settings.get("encoder"))
    if isinstance(painter, AdainPainter | PredictionPainter) and type(painter.vgg) is VGG and network in catalog():
        return {"encoder": f"{network}; licence: {catalog()[network].licence}"}
    return {}
