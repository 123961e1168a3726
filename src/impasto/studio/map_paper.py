"""Paper for label maps: a colour for each class that a network knows, and nothing in between."""

import base64
import colorsys
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from impasto.errors import InputError
from impasto.image.io import Image, encode_image, write_image
from impasto.image.labels import Ids, read_labels
from impasto.nn.labelled import LabelSettings
from impasto.studio.paper import DRAWING, NOTHING, drawn_indices
from impasto.studio.visitors import Upload, Visitor

MOST_COLORS = 256
"""Classes that can be drawn; a page with more is of no use."""
LONGEST = 640
"""As many pixels as the page draws at."""
DRAWN = "map.png"
COLOR = re.compile("#[0-9a-f]{6}")


def inks_of(settings: LabelSettings, palette: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Return the colours of classes and what they are called.

    Args:
        settings: How the network was built.
        palette: Name and colour of each class, if the model says.
    """
    count = min(settings.classes, MOST_COLORS)
    known = [*palette[:count], *(("", "") for _ in range(count - len(palette)))]
    colors = [color if COLOR.fullmatch(color) else _color(index) for index, (_, color) in enumerate(known)]
    if len(set(colors)) < count:  # classes of one colour could not be told apart
        colors = [_color(index) for index in range(count)]
    return [
        {"name": name or f"Class {index}", "color": color}
        for index, ((name, _), color) in enumerate(zip(known, colors, strict=True))
    ]


def sheet(settings: LabelSettings) -> str:
    """Return white paper of the shape that the network was trained on, as a URL that holds it."""
    height, width = settings.crop
    shrink = min(1.0, LONGEST / max(height, width))
    return _url(np.full((round(height * shrink), round(width * shrink), 3), 255, np.uint8))


def drawn_map(visitor: Visitor, drawing: object, inks: Sequence[dict[str, str]]) -> Upload | None:
    """Return a drawing as a map of ids, in a file; what was left free is the first class. None if nothing is drawn.

    Args:
        visitor: Who drew.
        drawing: Value of the paper.
        inks: Of the classes.

    Raises:
        InputError: If it is no drawing.
    """
    indices = drawn_indices(drawing, [each["color"] for each in inks])
    if indices is None:
        return None
    path = visitor.fresh(DRAWN)
    ids = np.where(indices == NOTHING, 0, indices).astype(np.uint8)
    write_image(Image(ids[:, :, None]), path)
    return Upload(path, DRAWN, colored(ids, inks))


def colored(ids: Any, inks: Sequence[dict[str, str]]) -> str:
    """Return a map of ids in the colours of its classes, as a URL that holds it; what is no class is white."""
    table = np.array([[int(each["color"][at : at + 2], 16) for at in (1, 3, 5)] for each in inks], np.uint8)
    known = (ids >= 0) & (ids < len(inks))
    return _url(np.where(known[..., None], table[np.where(known, ids, 0)], 255).astype(np.uint8))


def shrunk(ids: Ids) -> Ids:
    """Return a map that fits on the paper, each place as that in the middle of it."""
    height, width = ids.shape
    shrink = min(1.0, LONGEST / max(height, width))
    rows, columns = (((np.arange(round(each * shrink)) + 0.5) / shrink).astype(int) for each in (height, width))
    fitting: Ids = ids[np.minimum(rows, height - 1)][:, np.minimum(columns, width - 1)]
    return fitting


def read_map(upload: Upload) -> Image:
    """Return a map that a visitor gave.

    Raises:
        InputError: If it is none.
    """
    try:
        return replace(read_labels(upload.path), name=upload.name)
    except InputError as error:
        raise InputError(str(error).replace(upload.path.name, upload.name, 1)) from None


def _color(index: int) -> str:
    """Return a colour that differs from those of all other classes, most from its neighbours'."""
    red, green, blue = colorsys.hls_to_rgb((0.03 + index * 0.618034) % 1, (0.42, 0.62, 0.3)[index % 3], 0.75)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _url(pixels: Any) -> str:
    return DRAWING + base64.b64encode(encode_image(Image(pixels), "png")).decode()
