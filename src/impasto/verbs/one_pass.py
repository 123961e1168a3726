"""Trained networks that paint in one pass: found by name or file, loaded once, applied to pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from impasto.errors import SettingError, WeightsError
from impasto.export.installed import check_installed, is_installed
from impasto.image.color import luminance, match_colors, recolor, with_chroma_of
from impasto.image.io import Image
from impasto.image.regions import visible_colors
from impasto.image.resize import fit, resize
from impasto.methods import METHODS
from impasto.nn.compute import choose_device, choose_dtype, repeatable
from impasto.nn.one_pass import OnePassSettings, Painter, paint
from impasto.weights.model import Card, read_model
from impasto.weights.store import cache_folder, catalog, find

IN_ONNX = ("johnson", "multistyle", "prediction")
"""Methods that paint with the transformation network, which ONNX Runtime can compute."""
GRAPH = 1
"""Version of the graph that is kept for ONNX Runtime."""


class Model(NamedTuple):
    """A model file, ready to paint.

    Attributes:
        painter: The network.
        name: Of the weights, or of the file.
        sha256: Of the file.
        runtime: What computes: `torch`, or `onnx`, which is fp32 on the CPU.
    """

    painter: Painter
    name: str
    sha256: str
    runtime: Literal["torch", "onnx"] = "torch"


def load_model(method: str, settings: OnePassSettings) -> Model:
    """Return the network that settings name, or the one that comes with the method.

    Raises:
        SettingError: If the method has no network of its own and none is named, or the file is another method's.
        InputError: If there is no such file.
        WeightsError: If it is damaged.
    """
    name = settings.model or method
    if name not in catalog() and settings.model is None:
        raise SettingError(
            f"{method} has no network that comes along; train one (impasto train {method}) and name it"
        )
    path = _path(name)
    runtime = _runtime(method, settings, path)
    device = torch.device("cpu") if runtime == "onnx" else choose_device(settings.device)
    dtype = torch.float32 if runtime == "onnx" else choose_dtype(settings.precision, device)
    card, painter = _loaded(path, _state(path), device, dtype)
    if card.method != method:
        raise SettingError(f"{path} is a network for {card.method}, not for {method}; choose method {card.method}")
    if runtime == "onnx":
        painter = _in_onnx(painter, _exported(path))  # type: ignore[arg-type] # networks can be hashed
    return Model(painter, path.name, _sha256(path, _state(path)), runtime)


def open_model(name: str | Path) -> tuple[Card, Painter]:
    """Return what a model says about itself, and its network in fp32 on the CPU, whatever its method is.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or does not paint in one pass.
    """
    path = _path(name)
    return _loaded(path, _state(path), torch.device("cpu"), torch.float32)


def paint_photo(
    photo: Image,
    styles: Sequence[Image | str],
    model: Model,
    settings: OnePassSettings,
    regions: Sequence[Tensor | None] = (),
) -> Tensor:
    """Paint a photo after paintings, or after styles the network knows, at the size that settings ask for.

    Args:
        photo: The content.
        styles: Paintings, or names.
        model: Which network.
        settings: Size, strengths, blend and colours.
        regions: Where each style applies; everywhere if not given.

    Returns:
        `(1, 3, height, width)` in [0, 1], on the CPU.

    Raises:
        SettingError: If settings do not fit the styles, or the network has no such style.
    """
    content = visible_colors(photo)
    if settings.size is not None:
        content = resize(content, *fit(photo.height, photo.width, settings.size))
    pictures = [
        style if isinstance(style, str) else recolor(visible_colors(style), content, settings.colors)
        for style in styles
    ]
    looked_at = luminance(content) if settings.colors == "luminance" else content
    with repeatable():
        painted = paint(looked_at, pictures, model.painter, settings, regions)
    if settings.colors == "luminance":
        return with_chroma_of(painted, content)
    if settings.colors != "style" and any(isinstance(style, str) for style in styles):
        # the palette of a style that is learnt cannot be changed before; that of the picture can afterwards
        return match_colors(painted, content, settings.colors)
    return painted


def settings_from(kind: type[Any], stored: Mapping[str, Any], path: Path) -> Any:
    """Return settings as a model file stores them.

    Raises:
        WeightsError: If there is one that this version does not know.
    """
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(stored) - known):
        raise WeightsError(f"{path} has the settings {', '.join(unknown)}, which this version does not know")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()})


@lru_cache(maxsize=4)
def _loaded(path: Path, state: tuple[int, int], device: torch.device, dtype: torch.dtype) -> tuple[Card, Painter]:
    """Load a model once; `state` is that of the file, so that a new one under the same name is loaded again."""
    card, tensors = read_model(path)
    if card.method not in METHODS or not METHODS[card.method].one_pass:
        raise WeightsError(f"{path} is a network for {card.method}, which does not paint in one pass")
    module = METHODS[card.method].load()
    settings = settings_from(getattr(module, METHODS[card.method].settings), card.settings, path)
    try:
        return card, module.painter(settings, tensors, card.styles, device, dtype)
    except RuntimeError as error:  # load_state_dict lists every tensor that does not fit
        raise WeightsError(f"{path} does not hold what it says: {str(error).splitlines()[0]}") from None


@lru_cache(maxsize=4)
def _in_onnx(painter: Any, exported: Path) -> Painter:
    """Return a painter that computes in ONNX Runtime; its network is exported the first time."""
    from impasto.export.runtime import OnnxPainter  # noqa: PLC0415 -- imports ONNX Runtime

    in_onnx: Painter = OnnxPainter(painter, exported)
    return in_onnx


def _runtime(method: str, settings: OnePassSettings, path: Path) -> Literal["torch", "onnx"]:
    """Return what computes.

    By itself ONNX Runtime is taken where it was measured to be faster, for a CPU that does not compute in bf16, and
    only once the network lies exported: that takes longer than painting a picture.

    Raises:
        SettingError: If ONNX Runtime is asked for a method that it cannot compute.
        ImpastoError: If it is asked for and not installed.
    """
    if settings.runtime == "torch":
        return "torch"
    if settings.runtime == "onnx":
        if method not in IN_ONNX:
            raise SettingError(f"runtime onnx is for {', '.join(IN_ONNX)}; with {method} choose runtime torch")
        check_installed("onnxruntime")
        if path.is_file() and not _exported(path).is_file():
            check_installed("onnx", "onnxscript")
        return "onnx"
    device = choose_device(settings.device)
    slow = device.type == "cpu" and choose_dtype(settings.precision, device) == torch.float32
    ready = slow and method in IN_ONNX and path.is_file() and _exported(path).is_file()
    return "onnx" if ready and is_installed("onnxruntime") else "torch"


def _exported(path: Path) -> Path:
    """Return where a model's transformation network lies for ONNX Runtime, or will lie."""
    return cache_folder() / "onnx" / f"{_sha256(path, _state(path))}-{GRAPH}.onnx"


def _path(name: str | Path) -> Path:
    return find(str(name)) if str(name) in catalog() else Path(name)


@lru_cache(maxsize=16)
def _sha256(path: Path, state: tuple[int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
