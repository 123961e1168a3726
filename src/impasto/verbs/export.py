"""`export`: a trained network as an ONNX file that paints what `stylize` paints, or no file at all."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from impasto._version import __version__
from impasto.errors import ImpastoError, InputError, SettingError
from impasto.export.graphs import graph_of
from impasto.export.installed import check_installed
from impasto.export.onnx_file import OPSET, to_onnx
from impasto.methods.adain import AdainPainter
from impasto.methods.prediction import PredictionPainter
from impasto.nn.one_pass import Painter
from impasto.nn.vgg import VGG
from impasto.verbs.one_pass import open_model
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
    model: str | Path, target: str | Path, *, on_compared: Callable[[Mapping[str, float]], None] | None = None
) -> Export:
    """Write a trained network as an ONNX file, once it was found to paint as in PyTorch.

    Args:
        model: A model file, or a name out of `impasto weights list`.
        target: The `.onnx` file, replacing what was there.
        on_compared: Called after every size compared.

    Raises:
        ImpastoError: If onnx, onnxscript or onnxruntime is not installed, or pictures differ by more than 1e-3.
        InputError: If there is no such model, or the file cannot be written.
        SettingError: If the target is called something else.
        WeightsError: If the model is damaged, or not a network that paints in one pass.

    Example:
        >>> export_model("wave.safetensors", "wave.onnx").parity[0]["max"]
        1.4e-06
    """
    began = time.perf_counter()
    path = _target(Path(target))
    check_installed("onnx", "onnxscript", "onnxruntime")
    from impasto.export.parity import differences  # noqa: PLC0415 -- imports ONNX Runtime
    from impasto.export.runtime import Session  # noqa: PLC0415 -- likewise

    card, painter = open_model(model)
    graph = graph_of(painter)
    data = to_onnx(graph, _metadata(card, painter))
    parity: list[Mapping[str, float]] = []
    for found in differences(Session(data), painter):
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


def _metadata(card: Card, painter: Painter) -> dict[str, str]:
    """Return what the file says about itself: the model card whole, and its main lines to read."""
    metadata = {
        "impasto-model": json.dumps(asdict(card)),
        "impasto-version": __version__,
        "method": card.method,
        "styles": json.dumps(list(card.styles)),
        "licence": card.licence,
    }
    network = str(card.settings.get("network"))
    if isinstance(painter, AdainPainter | PredictionPainter) and type(painter.vgg) is VGG and network in catalog():
        metadata["encoder"] = f"{network}; licence: {catalog()[network].licence}"
    return metadata
