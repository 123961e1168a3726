"""A network written as ONNX: one file that runs without us, and says what it is."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.export import Dim

from impasto._version import __version__
from impasto.export.graphs import Graph
from impasto.export.installed import check_installed

OPSET = 18
"""Of ONNX 1.13, early 2023; ONNX Runtime reads it since 1.14."""


def to_onnx(graph: Graph, metadata: Mapping[str, str]) -> bytes:
    """Return an ONNX file whose pictures may have any height and width.

    Args:
        graph: What to export; its weights come along in fp32.
        metadata: What the file says about itself, beside its inputs.

    Raises:
        ImpastoError: If onnx or onnxscript is not installed.
    """
    check_installed("onnx", "onnxscript")
    open_sides: dict[str, dict[int, Any]] = {
        name: {2: Dim.DYNAMIC, 3: Dim.DYNAMIC} if example.ndim == 4 else {}
        for name, example in graph.inputs.items()
    }
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            graph.module,
            kwargs=dict(graph.inputs),
            dynamo=True,
            dynamic_shapes=open_sides,
            input_names=list(graph.inputs),
            output_names=["painted"],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _forget_origins(model)
    model.producer_name, model.producer_version = "impasto", __version__
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = graph.about[value.name]
        _name_sides(value)
    for key, text in {**metadata, **graph.about}.items():
        model.metadata_props.add(key=key, value=text)
    written: bytes = model.SerializeToString()
    return written


def _forget_origins(model: Any) -> None:
    """Take out what the exporter notes at every node: names of our functions, and paths of this machine."""
    graph = model.graph
    del model.metadata_props[:]
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    # sizes inside the network are formulas of the exporter's own symbols, and nobody needs them
    del graph.value_info[:]


def _name_sides(value: Any) -> None:
    """Call the open sides of a picture by what they are."""
    sides = value.type.tensor_type.shape.dim
    if len(sides) == 4:
        owner = "style" if value.name == "style" else "content"
        for side, name in zip(sides[2:], ("height", "width"), strict=True):
            side.Clear()
            side.dim_param = f"{owner}_{name}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from telling a user about libraries and decisions that are none of theirs."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
