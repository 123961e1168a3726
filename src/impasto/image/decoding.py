"""A picture file's bytes, decoded: what the header says first, then the pixels.

libvips decodes all but BMP, which Pillow does. Nothing is decoded before the header was found allowed, and no
chunk of a PNG reaches a decoder that could unpack to more than its pixels.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyvips

from impasto.errors import InputError
from impasto.image import containers, metadata
from impasto.image.arrays import Pixels, Samples, samples_of_pillow, split_samples, turn
from impasto.image.formats import FileBytes, damaged, sniff, unknown_format
from impasto.image.headers import open_bmp, open_with_vips, read_header

if TYPE_CHECKING:
    import PIL.Image

_ICC_FIELD, _XMP_FIELD = "icc-profile-data", "xmp-data"
_MAX_EXIF_BYTES = 2**16
_EXIF_ORIENTATION = 0x0112


class Raster(NamedTuple):
    """A decoded picture.

    Attributes:
        pixels: `(height, width, 1 or 3)`, upright.
        alpha: `(height, width)` of the same type, or None.
        icc: The colour profile of these pixels.
        recipe: The recipe found in the file.
    """

    pixels: Pixels
    alpha: Pixels | None
    icc: bytes | None
    recipe: dict[str, Any] | None


def decode(data: bytes, name: str, max_pixels: int) -> Raster:
    """Decode a picture file.

    Args:
        data: The whole file.
        name: Its name for errors.
        max_pixels: Most pixels allowed.

    Raises:
        InputError: When the file is no picture, damaged, cut short or too large.
    """
    header = read_header(data, name, max_pixels)
    if header.file_format == "bmp":
        return decode_pillow(open_bmp(data, name), name)
    if header.file_format == "png":
        data, icc, recipe = _unwrap_png(data, name)
        image = open_with_vips(data, "png", name)
    else:
        image = open_with_vips(data, header.file_format, name, page=header.page)
        icc = _field(image, _ICC_FIELD)
        recipe = metadata.recipe_from_xmp(_field(image, _XMP_FIELD) or b"")
    if (image.width, image.height) != (header.width, header.height):
        raise damaged(name, "two headers of different size")
    if image.interpretation == "cmyk":
        image, icc = _cmyk_to_srgb(image, name), None
    orientation = image.get("orientation") if image.get_typeof("orientation") else 1
    return raster_of(turn(_samples_of_vips(image, name), orientation), name, icc, recipe)


def recipe_in(data: FileBytes, name: str) -> dict[str, Any] | None:
    """Find the recipe in a picture file without decoding it; of a PNG only what lies before the pixels is read.

    Args:
        data: The file, best mapped.
        name: Its name for errors.

    Raises:
        InputError: When the file is no picture, or damaged where that shows without decoding.
    """
    file_format = sniff(data)
    if file_format is None:
        raise unknown_format(name)
    if file_format in ("bmp", "gif"):
        return None
    if file_format != "png":
        image = open_with_vips(data, file_format, name)
        return metadata.recipe_from_xmp(_field(image, _XMP_FIELD) or b"")
    if data[-len(containers.PNG_END) :] != containers.PNG_END:
        raise damaged(name, "no end of PNG")
    for chunk in containers.png_chunks(data, name):
        if chunk.kind == b"IDAT":
            break
        if metadata.is_recipe_chunk(data, chunk) and chunk.is_intact(data):
            return metadata.recipe_from_itxt(chunk.content(data))
    return None


def decode_pillow(image: "PIL.Image.Image", name: str) -> Raster:
    """Take over a Pillow image: its current frame, turned as its EXIF says, with its colour profile.

    Raises:
        InputError: When its file is damaged or its mode has no meaning as a picture.
    """
    samples = samples_of_pillow(image, name)
    icc = image.info.get("icc_profile")
    if image.mode == "CMYK":
        inks = pyvips.Image.new_from_array(samples, interpretation="cmyk").copy()
        if icc is not None:
            inks.set_type(pyvips.GValue.blob_type, _ICC_FIELD, icc)
        samples, icc = _samples_of_vips(_cmyk_to_srgb(inks, name), name), None
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    # Pillow lets through whatever its parser trips over, and a picture without EXIF is upright.
    except Exception:
        orientation = 1
    return raster_of(turn(samples, orientation), name, icc)


def raster_of(
    samples: Samples, name: str, icc: bytes | None = None, recipe: dict[str, Any] | None = None
) -> Raster:
    """Make a picture of samples, dropping a profile that does not fit them.

    Raises:
        InputError: When the samples cannot be a picture.
    """
    pixels, alpha = split_samples(samples, name)
    return Raster(pixels, alpha, metadata.fitting_icc(icc, pixels.shape[2]), recipe)


def _cmyk_to_srgb(image: pyvips.Image, name: str) -> pyvips.Image:
    """Convert through the picture's own profile, or through libvips' generic one."""
    if image.bands != 4:
        raise InputError(f"{name} is CMYK with {image.bands} channels; four are allowed: flatten it first")
    try:
        return image.icc_transform(
            "srgb",
            embedded=True,
            input_profile="cmyk",
            depth=16 if image.format == "ushort" else 8,
            intent="relative",
            black_point_compensation=True,
        )
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise damaged(name, error) from None


def _samples_of_vips(image: pyvips.Image, name: str) -> Samples:
    """Run libvips and take over the pixels."""
    types = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}
    if image.format not in types or image.bands > 4:
        raise InputError(
            f"{name} has {image.bands} channels of type {image.format}; allowed are 1 to 4 of 8 or 16 bits:"
            " convert it"
        )
    try:
        memory = image.write_to_memory()
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise damaged(name, error) from None
    return np.ndarray((image.height, image.width, image.bands), types[image.format], memory)


def _field(image: pyvips.Image, field: str) -> bytes | None:
    return image.get(field) if image.get_typeof(field) else None


def _unwrap_png(data: bytes, name: str) -> tuple[bytes, bytes | None, dict[str, Any] | None]:
    """Part a PNG into what makes its pixels, its colour profile and its recipe."""
    parts = [data[: containers.PNG_SIGNATURE_SIZE]]
    # The first of each kind only, or a file of small bombs would be unpacked one by one.
    extras: dict[bytes, containers.PngChunk] = {}
    for chunk in containers.png_chunks(data, name):
        is_critical = chunk.kind[0] & 0x20 == 0
        if is_critical or chunk.kind == b"tRNS":
            parts.append(data[chunk.start : chunk.end])
        elif chunk.kind in (b"iCCP", b"eXIf") or metadata.is_recipe_chunk(data, chunk):
            extras.setdefault(chunk.kind, chunk)
    found = {kind: chunk.content(data) for kind, chunk in extras.items() if chunk.is_intact(data)}
    if 0 < len(found.get(b"eXIf", b"")) <= _MAX_EXIF_BYTES:
        # After IHDR, for libvips does not look behind the pixels.
        parts.insert(2, containers.png_chunk(b"eXIf", found[b"eXIf"]))
    packed_icc = found.get(b"iCCP", b"").partition(b"\0")[2][1:]
    icc = containers.inflate(packed_icc, metadata.MAX_ICC_BYTES)
    return b"".join(parts), icc, metadata.recipe_from_itxt(found.get(b"iTXt", b""))
