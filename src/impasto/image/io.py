"""Pictures in and out: file, bytes, array, tensor or Pillow image becomes an `Image`, and that a file again.

The turn in a photo's EXIF is applied; its colour profile, alpha, 8 or 16 bits and its being grey are kept.
A file is known by its first bytes, not by its name. The recipe of a painted picture travels in the file.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from numpy.typing import NDArray

from impasto.errors import InputError, one_line
from impasto.image.arrays import Pixels, is_pillow, is_tensor, samples_of_array, samples_of_tensor
from impasto.image.decoding import Raster, decode, decode_pillow, raster_of, recipe_in
from impasto.image.encoding import encode, format_of
from impasto.image.files import mapped_file, read_file
from impasto.image.formats import MAX_PIXELS, WritableFormat, check_file_size, check_picture_size
from impasto.image.headers import read_header
from impasto.writing import find_target, replace_file

if TYPE_CHECKING:
    import PIL.Image
    import torch

ImageSource = Union[str, os.PathLike[str], bytes, NDArray[Any], "PIL.Image.Image", "torch.Tensor", "Image"]
"""What people hold a picture in: a path, a file's bytes, an array `(height, width)` or `(height, width,
1 to 4)`, a tensor `(3, height, width)` or `(1, 3, height, width)`, a Pillow image, or one of ours."""


@dataclass(frozen=True, eq=False, repr=False)
class Image:
    """A picture with what belongs to it.

    Attributes:
        pixels: uint8 or uint16, `(height, width, channels)`, 1 channel for grey or 3 for RGB.
        alpha: How opaque each pixel is, `(height, width)` of the same type, or None.
        icc: The ICC profile of the pixels; None means sRGB.
        recipe: How the picture was painted, plain JSON values; None for what we did not paint.
        name: The file's name, for messages and recipes.
        sha256: Of the bytes it was read from, or of the array; empty for what we painted.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None
    recipe: Mapping[str, Any] | None = None
    name: str = "picture"
    sha256: str = ""

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if dtype not in (np.uint8, np.uint16) or len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape:
            raise InputError(
                f"{self.name} has {dtype} pixels {shape}; allowed are uint8, uint16 (height, width, 1 or 3)"
            )
        if self.alpha is not None and (self.alpha.shape, self.alpha.dtype) != (shape[:2], dtype):
            raise InputError(
                f"{self.name} has {self.alpha.dtype} alpha {self.alpha.shape}; it must be {dtype} {shape[:2]}"
            )

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def grey(self) -> bool:
        """Whether there is one channel only."""
        return int(self.pixels.shape[2]) == 1

    def save(self, path: str | os.PathLike[str], *, quality: int = 95) -> Path:
        """Write the picture to a file; see `write_image`."""
        return write_image(self, path, quality=quality)

    def __repr__(self) -> str:
        colours = ("grey" if self.grey else "RGB") + (" and alpha" if self.alpha is not None else "")
        return f"<Image {self.name}: {self.width}×{self.height}, {self.bits}-bit {colours}>"

    def _repr_png_(self) -> bytes:
        return encode_image(self, "png")


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a picture from whatever it is held in.

    Args:
        source: A path, a file's bytes, an array, a tensor or a Pillow image. Floats in [0, 1] become 16
            bits; an `Image` comes back as it is.
        max_pixels: Most pixels allowed; more are refused before they are decoded.

    Returns:
        The picture, upright.

    Raises:
        InputError: When there is no such file, or it is no picture, damaged, animated or too large.
    """
    if isinstance(source, Image):
        check_picture_size(source.width, source.height, source.name, max_pixels)
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        data = read_file(path)
        raster = decode(data, one_line(str(path)), max_pixels)
        return Image(*raster, name=one_line(path.name), sha256=hashlib.sha256(data).hexdigest())
    if isinstance(source, bytes):
        check_file_size(len(source), "picture")
        return Image(*decode(source, "picture", max_pixels), sha256=hashlib.sha256(source).hexdigest())
    raster = _read_memory(source, max_pixels)
    return Image(*raster, sha256=_hash_pixels(raster))


def check_image_file(path: str | os.PathLike[str]) -> None:
    """Look at a file's header only, to refuse early what cannot be read.

    Args:
        path: A picture file.

    Raises:
        InputError: When there is no such file, or its header is no picture's, or it is animated or too large.
    """
    path = Path(path)
    with mapped_file(path) as data:
        read_header(data, one_line(str(path)), MAX_PIXELS)


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read how a picture was painted from its file, without decoding it.

    Args:
        path: A picture file.

    Returns:
        The recipe, or None when it carries none.

    Raises:
        InputError: When there is no such file, or it is no picture, or seen to be damaged.
    """
    path = Path(path)
    with mapped_file(path) as data:
        return recipe_in(data, one_line(str(path)))


def encode_image(
    image: Image,
    format: WritableFormat,  # noqa: A002 - the word people look for
    *,
    quality: int = 95,
) -> bytes:
    """Encode a picture as a file's bytes, with its profile and recipe.

    PNG and TIFF keep everything. JPEG and WebP have 8 bits. JPEG shows transparent parts on white, as viewers
    do. WebP stores grey as RGB.

    Args:
        image: The picture.
        format: The file format.
        quality: 1 to 100, for JPEG (always with full colour resolution) and WebP.

    Raises:
        InputError: When the format cannot hold the picture.
        SettingError: When format or quality is not allowed.
    """
    return encode(image.pixels, image.alpha, image.icc, image.recipe, file_format=format, quality=quality)


def write_image(
    image: Image,
    path: str | os.PathLike[str],
    *,
    format: WritableFormat | None = None,  # noqa: A002 - the word people look for
    quality: int = 95,
) -> Path:
    """Write a picture to a file, whole or not at all.

    Args:
        image: The picture.
        path: Where; the folder must exist. A file already there is replaced.
        format: The file format; by the path's suffix when None.
        quality: 1 to 100, for JPEG and WebP.

    Returns:
        The path.

    Raises:
        InputError: When the path cannot be written or the format cannot hold the picture.
        SettingError: When format or quality is not allowed.
    """
    path = Path(path)
    chosen = format or format_of(path)
    target = find_target(path)
    replace_file(target, encode_image(image, chosen, quality=quality))
    return path


def _read_memory(source: "NDArray[Any] | torch.Tensor | PIL.Image.Image", max_pixels: int) -> Raster:
    name = "picture"
    if is_pillow(source):
        check_picture_size(*source.size, name, max_pixels)
        return decode_pillow(source, name)
    if is_tensor(source):
        samples = samples_of_tensor(source, name)
    elif isinstance(source, np.ndarray):
        samples = samples_of_array(source, name)
    else:
        raise InputError(
            f"a picture cannot be read from {type(source).__name__}; allowed are a path, bytes, a numpy"
            " array, a torch tensor and a Pillow image"
        )
    check_picture_size(samples.shape[1], samples.shape[0], name, max_pixels)
    # A copy: the caller may go on painting in the array.
    return raster_of(samples.copy(), name)


def _hash_pixels(raster: Raster) -> str:
    digest = hashlib.sha256(raster.pixels.data)
    if raster.alpha is not None:
        digest.update(raster.alpha.data)
    return digest.hexdigest()
