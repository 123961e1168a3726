"""Label maps: what each pixel shows, as a number; read from ids, from indexed colours, or from a palette.

A map of ids is grey, its values the ids, or indexed, its indices the ids, whatever colours they are shown in. A map
in colours needs a palette that names each of them.
"""

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from impasto.errors import InputError, one_line
from impasto.image.decoding import decode
from impasto.image.files import read_file
from impasto.image.formats import MAX_PIXELS
from impasto.image.headers import read_header
from impasto.image.io import Image, ImageSource, read_image

Ids = NDArray[np.int64]
"""`(height, width)`."""
Palette = Mapping[tuple[int, int, int], int]
"""The id of each colour, RGB from 0 to 255."""
INDEXED = "P"


def read_label_map(path: Path, palette: Palette | None = None) -> Ids:
    """Return the id of each pixel.

    Args:
        path: The map's file.
        palette: The id of each colour, for maps in colours; maps of ids are read as they are.

    Raises:
        InputError: If the file cannot be read, is no label map, or has a colour that the palette lacks.
    """
    data, name = read_file(path), one_line(path.name)
    read_header(data, name, MAX_PIXELS)
    if palette is None:
        with PIL.Image.open(io.BytesIO(data)) as image:
            if image.mode == INDEXED:
                try:
                    return np.asarray(image).astype(np.int64)
                except (OSError, SyntaxError, ValueError) as error:
                    raise InputError(f"{name} is damaged ({error}): save it again") from None
    pixels = decode(data, name, MAX_PIXELS).pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.int64)
    if palette is not None:
        return _by_palette(pixels, palette, name)
    if (pixels[..., :1] == pixels).all():
        return pixels[..., 0].astype(np.int64)
    raise InputError(
        f"{name} is a label map in colours, and there is no palette; add classes.csv to the data folder, with the "
        "columns name, r, g, b"
    )


def read_labels(source: ImageSource) -> Image:
    """Return a map of ids as a picture of one channel whose values they are.

    Args:
        source: A file, or anything that is a grey picture.

    Raises:
        InputError: If it cannot be read, is in colours, or has an id above 65,535.
    """
    image = read_image(source)
    if isinstance(source, str | os.PathLike):
        ids = read_label_map(Path(source))
    elif image.pixels.shape[2] == 1:
        return image
    else:
        raise InputError(f"{image.name} is in colours; a label map is grey or indexed, its values the ids")
    return replace(
        image, pixels=ids[..., np.newaxis].astype(np.uint8 if ids.max() < 256 else np.uint16), alpha=None
    )


def one_hot(labels: Int[Tensor, "b 1 h w"], classes: int, dont_care: bool) -> Float[Tensor, "b c h w"]:
    """Return one channel a class, and one more for what is none of them, if that is wanted.

    Args:
        labels: Ids; what is not from 0 to `classes` - 1 is no class.
        classes: How many there are.
        dont_care: Whether what is no class has a channel of its own; else it has none at all.
    """
    none = (labels < 0) | (labels >= classes)
    spread = torch.zeros(len(labels), classes + 1, *labels.shape[2:], device=labels.device)
    spread.scatter_(1, torch.where(none, classes, labels), 1.0)
    return spread if dont_care else spread[:, :classes]


def boundaries(instances: Int[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Return where objects touch: 1 where one of the four neighbours belongs to another instance, else 0."""
    edges = torch.zeros(instances.shape, dtype=torch.bool, device=instances.device)
    across = instances[..., 1:] != instances[..., :-1]
    down = instances[..., 1:, :] != instances[..., :-1, :]
    edges[..., 1:] |= across
    edges[..., :-1] |= across
    edges[..., 1:, :] |= down
    edges[..., :-1, :] |= down
    return edges.float()


def _by_palette(pixels: NDArray[np.unsignedinteger], palette: Palette, name: str) -> Ids:
    wide = pixels.astype(np.int64) >> (8 * (pixels.dtype.itemsize - 1))
    codes = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    known = {(red << 16) | (green << 8) | blue: label for (red, green, blue), label in palette.items()}
    found, which = np.unique(codes, return_inverse=True)
    for code in found.tolist():
        if code not in known:
            color = f"({code >> 16}, {code >> 8 & 255}, {code & 255})"
            count = int((codes == code).sum())
            raise InputError(
                f"{name} has the colour {color} in {count} pixels, which classes.csv does not name; add it there, "
                "or save the map without smoothing"
            )
    return np.array([known[code] for code in found.tolist()], np.int64)[which].reshape(codes.shape)
