"""Pixels, encoded as a picture file that says how they were painted."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, get_args

import numpy as np
import pyvips
from numpy.typing import NDArray

from impasto.errors import InputError, check_choice, check_range, one_line
from impasto.image import metadata
from impasto.image.arrays import Pixels
from impasto.image.containers import PNG_SIGNATURE_SIZE, png_chunk
from impasto.image.formats import WritableFormat, last_line

Recipe = Mapping[str, Any] | None

_SUFFIXES: dict[str, WritableFormat] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_MAX_SIDES = {"jpeg": 65500, "webp": 16383}
_PNG_IHDR_END = PNG_SIGNATURE_SIZE + 25


def format_of(path: PurePath) -> WritableFormat:
    """Choose the format that a path's suffix asks for.

    Raises:
        InputError: When nothing is written under that suffix.
    """
    written = _SUFFIXES.get(path.suffix.lower())
    if written is None:
        raise InputError(f"cannot write {one_line(str(path))}: its name must end in {', '.join(_SUFFIXES)}")
    return written


def encode(
    pixels: Pixels,
    alpha: Pixels | None,
    icc: bytes | None,
    recipe: Recipe,
    *,
    file_format: WritableFormat,
    quality: int,
) -> bytes:
    """Encode a picture.

    Args:
        pixels: `(height, width, 1 or 3)`.
        alpha: `(height, width)` of the same type.
        icc: The colour profile to embed, if it fits the pixels.
        recipe: The recipe to embed.
        file_format: What to write. PNG and TIFF keep everything. JPEG and WebP have 8 bits. JPEG shows
            transparent parts on white, as viewers do. WebP stores grey as RGB.
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        InputError: When the format cannot hold the picture.
        SettingError: When format or quality is not allowed.
    """
    check_choice("format", file_format, get_args(WritableFormat))
    check_range("quality", quality, 1, 100)
    _check_sides(pixels, file_format)
    if file_format in ("jpeg", "webp"):
        pixels = to_8_bits(pixels)
        alpha = None if alpha is None else to_8_bits(alpha)
    if file_format == "jpeg" and alpha is not None:
        pixels, alpha = _on_white(pixels, alpha), None
    image = _vips_image(pixels, alpha)
    icc = metadata.fitting_icc(icc, pixels.shape[2])
    try:
        return _ENCODERS[file_format](image, icc, recipe, quality)
    except pyvips.Error as error:
        raise InputError(f"cannot encode {file_format.upper()}: {last_line(error)}") from None


def to_8_bits(samples: Pixels) -> NDArray[np.uint8]:
    """Reduce 16 bits to 8, rounding to the nearest; 8 bits stay."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _check_sides(pixels: Pixels, file_format: WritableFormat) -> None:
    height, width = pixels.shape[:2]
    longest = _MAX_SIDES.get(file_format, max(height, width))
    if max(height, width) > longest:
        raise InputError(
            f"a picture of {width}×{height} pixels cannot be {file_format.upper()}, whose sides have at most"
            f" {longest}: write PNG or TIFF"
        )


def _on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    opacity = alpha[:, :, np.newaxis].astype(np.uint32)
    return ((pixels * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)


def _vips_image(pixels: Pixels, alpha: Pixels | None) -> pyvips.Image:
    samples = pixels if alpha is None else np.concatenate([pixels, alpha[:, :, np.newaxis]], axis=2)
    is_grey = pixels.shape[2] == 1
    if pixels.dtype == np.uint8:
        return pyvips.Image.new_from_array(samples, interpretation="b-w" if is_grey else "srgb")
    return pyvips.Image.new_from_array(samples, interpretation="grey16" if is_grey else "rgb16")


def _with_fields(image: pyvips.Image, **fields: bytes | None) -> pyvips.Image:
    image = image.copy()
    for field, content in fields.items():
        if content is not None:
            image.set_type(pyvips.GValue.blob_type, field.replace("_", "-"), content)
    return image


def _encode_png(image: pyvips.Image, icc: bytes | None, recipe: Recipe, _quality: int) -> bytes:
    # Our own chunks: libpng refuses some profiles, and libvips writes no UTF-8 text.
    encoded = image.pngsave_buffer(keep="none")
    chunks = [encoded[:_PNG_IHDR_END]]
    if icc is not None:
        chunks.append(png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if recipe is not None:
        chunks.append(png_chunk(b"iTXt", metadata.recipe_to_itxt(recipe)))
    return b"".join([*chunks, encoded[_PNG_IHDR_END:]])


def _encode_jpeg(image: pyvips.Image, icc: bytes | None, recipe: Recipe, quality: int) -> bytes:
    encoded = _with_fields(image, icc_profile_data=icc).jpegsave_buffer(
        Q=quality, subsample_mode="off", optimize_coding=True, keep="icc"
    )
    if recipe is None:
        return bytes(encoded)
    # Our own segment: libvips leaves out packets that JPEG could still hold.
    packet = b"http://ns.adobe.com/xap/1.0/\0" + metadata.recipe_to_xmp(recipe)
    after_jfif = 4 + int.from_bytes(encoded[4:6], "big")
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(packet)) + packet
    return bytes(encoded[:after_jfif] + segment + encoded[after_jfif:])


def _encode_webp(image: pyvips.Image, icc: bytes | None, recipe: Recipe, quality: int) -> bytes:
    xmp = metadata.recipe_to_xmp(recipe) if recipe is not None else None
    image = _with_fields(image, icc_profile_data=icc, xmp_data=xmp)
    keep = "icc:xmp"
    if image.bands < 3 and icc is not None:
        image, keep = image.icc_transform("srgb", embedded=True), "xmp"
    return bytes(image.webpsave_buffer(Q=quality, smart_subsample=True, exact=True, keep=keep))


def _encode_tiff(image: pyvips.Image, icc: bytes | None, recipe: Recipe, _quality: int) -> bytes:
    xmp = metadata.recipe_to_xmp(recipe) if recipe is not None else None
    image = _with_fields(image, icc_profile_data=icc, xmp_data=xmp)
    return bytes(image.tiffsave_buffer(compression="deflate", predictor="horizontal", keep="icc:xmp"))


_ENCODERS = {"png": _encode_png, "jpeg": _encode_jpeg, "webp": _encode_webp, "tiff": _encode_tiff}
