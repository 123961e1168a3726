"""Trained networks that paint in one pass: found by name or file, loaded once, applied to pictures."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from impasto.errors import SettingError, WeightsError
from impasto.export.installed import check_installed
from impasto.image.color import luminance, match_colors, recolor, with_chroma_of
from impasto.image.io import Image
from impasto.image.regions import visible_colors
from impasto.image.resize import fit, resize
from impasto.methods import METHODS
from impasto.nn.compute import choose_device, choose_dtype, repeatable
from impasto.nn.one_pass import OnePassSettings, Painter, paint
from impasto.nn.transform import Painting
from impasto.verbs.published import read_any_model, sha256_of, state_of
from impasto.weights.model import Card
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
    card, painter = _loaded(path, state_of(path), device, dtype)
    if card.method != method:
        raise SettingError(f"{path} is a network for {card.method}, not for {method}; choose method {card.method}")
    if runtime == "onnx":
        painter = _in_onnx(painter, _exported(path))  # type: ignore[arg-type] # networks can be hashed
    return Model(painter, path.name, sha256_of(path, state_of(path)), runtime)


def open_model(name: str | Path) -> tuple[Card, Painter]:
    """Return what a model says about itself, and its network in fp32 on the CPU, whatever its method is.

    Raises:
        InputError: If there is no such file.
        WeightsError: If it is damaged, or does not paint in one pass.
    """
    path = _path(name)
    return _loaded(path, state_of(path), torch.device("cpu"), torch.float32)


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
    looked_at = luminance(content) if settings.colors == "luminance" else content
    with repeatable():
        if settings.colors == "style":
            names = [style if isinstance(style, str) else style.name for style in styles]
            painted = paint(looked_at, names, _Acquainted(model.painter, styles), settings, regions)
        else:
            pictures = [
                style if isinstance(style, str) else recolor(visible_colors(style), content, settings.colors)
                for style in styles
            ]
            painted = paint(looked_at, pictures, model.painter, settings, regions)
    if settings.colors == "luminance":
        return with_chroma_of(painted, content)
    if settings.colors != "style" and any(isinstance(style, str) for style in styles):
        # the palette of a style that is learnt cannot be changed before; that of the picture can afterwards
        return match_colors(painted, content, settings.colors)
    return painted


_ROWS: WeakKeyDictionary[Painter, WeakKeyDictionary[Image, dict[float, Tensor]]] = WeakKeyDictionary()


class _Acquainted:
    """A painter that looks at a painting once, however many photos are painted after it."""

    def __init__(self, painter: Painter, paintings: Sequence[Image | str]) -> None:
        self.painter, self.paintings, self.styles = painter, paintings, painter.styles

    def rows(self, styles: Sequence[Tensor | str], scale: float) -> Tensor:
        """Return the rows of its paintings, whatever they are called."""
        return torch.cat([self._row(painting, scale) for painting in self.paintings])

    def plain_row(self, content: Tensor) -> Tensor | None:
        """Return the row that leaves a photo as it is, if there is one."""
        return self.painter.plain_row(content)

    def paint(self, content: Tensor, painting: Painting) -> Tensor:
        """Paint a photo of any size."""
        return self.painter.paint(content, painting)

    def _row(self, painting: Image | str, scale: float) -> Tensor:
        if isinstance(painting, str):
            return self.painter.rows([painting], scale)
        known = _ROWS.setdefault(self.painter, WeakKeyDictionary()).setdefault(painting, {})
        if scale not in known:
            known[scale] = self.painter.rows([visible_colors(painting)], scale)
        return known[scale]


@lru_cache(maxsize=4)
def _loaded(path: Path, state: tuple[int, int], device: torch.device, dtype: torch.dtype) -> tuple[Card, Painter]:
    """Load a model once; `state` is that of the file, so that a new one under the same name is loaded again."""
    card, tensors = read_any_model(path)
    if card.method not in METHODS or not METHODS[card.method].one_pass:
        raise WeightsError(f"{path} is a network for {card.method}, which does not paint in one pass")
    module = METHODS[card.method].load()
    settings = card.settings_as(getattr(module, METHODS[card.method].settings))
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
    """Return what computes: PyTorch unless ONNX Runtime is asked for, which was measured to be slower.

    Raises:
        SettingError: If ONNX Runtime is asked for a method that it cannot compute.
        ImpastoError: If it is asked for and not installed.
    """
    if settings.runtime != "onnx":
        return "torch"
    if method not in IN_ONNX:
        raise SettingError(f"runtime onnx is for {', '.join(IN_ONNX)}; with {method} choose runtime torch")
    check_installed("onnxruntime")
    if path.is_file() and not _exported(path).is_file():
        check_installed("onnx", "onnxscript")
    return "onnx"


def _exported(path: Path) -> Path:
    """Return where a model's transformation network lies for ONNX Runtime, or will lie."""
    return cache_folder() / "onnx" / f"{sha256_of(path, state_of(path))}-{GRAPH}.onnx"


def _path(name: str | Path) -> Path:
    return find(str(name)) if str(name) in catalog() else Path(name)
