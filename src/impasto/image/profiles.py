"""Colour profiles: pixels as sRGB, which all networks were trained on, and back as the file has them.

A photo in Display P3, as phones take them, next to a painting in sRGB would otherwise get colours that are about
15 % too saturated: the same numbers mean other colours.

Convention: relative colorimetric intent with black point compensation. Colours outside of sRGB are clipped to it.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import pyvips

from impasto.image.arrays import Pixels

_ICC_FIELD = "icc-profile-data"
_INTENT = {"intent": "relative", "black_point_compensation": True}
_LATTICE = 9
"""Levels of each channel at which a profile is compared with sRGB."""
_ALIKE = 1.5 * 257
"""Largest difference from sRGB, in 16-bit levels, at which a profile counts as sRGB (1.5 levels of 8 bits)."""


def is_srgb(icc: bytes | None, channels: int = 3) -> bool:
    """Tell whether pixels in a profile can be used as sRGB unchanged.

    Args:
        icc: The ICC profile; None means sRGB. One that cannot be read is taken for sRGB.
        channels: 3 for RGB, 1 for grey.
    """
    return icc is None or _is_srgb(icc, channels)


def to_srgb(pixels: Pixels, icc: bytes | None) -> Pixels:
    """Convert pixels of a profile to sRGB.

    Args:
        pixels: `(height, width, channels)`, 8 or 16 bits, RGB or grey.
        icc: Their profile.

    Returns:
        Pixels of 16 bits, or those given if they are sRGB already.
    """
    return pixels if icc is None or is_srgb(icc, pixels.shape[2]) else _converted(pixels, icc)


def from_srgb(pixels: Pixels, icc: bytes, dtype: np.dtype[np.unsignedinteger[Any]]) -> Pixels:
    """Convert sRGB pixels to a profile.

    Args:
        pixels: `(height, width, channels)` of 16 bits, RGB or grey.
        icc: The profile of what is returned.
        dtype: uint8 or uint16.
    """
    lab = _vips(pixels, None).icc_import(input_profile="srgb", embedded=False, pcs="lab", **_INTENT)
    lab = lab.copy()
    lab.set_type(pyvips.GValue.blob_type, _ICC_FIELD, icc)
    converted = lab.icc_export(depth=16 if dtype == np.uint16 else 8, **_INTENT)
    return _array(converted, pixels.shape[2])


@lru_cache(maxsize=64)
def _is_srgb(icc: bytes, channels: int) -> bool:
    levels = np.linspace(0, 65535, _LATTICE).round().astype(np.uint16)
    lattice = np.stack(np.meshgrid(*[levels] * channels, indexing="ij"), axis=-1).reshape(1, -1, channels)
    try:
        apart = np.abs(_converted(lattice, icc).astype(int) - lattice)
        from_srgb(lattice, icc, lattice.dtype)
    except (pyvips.Error, UnicodeDecodeError):
        return True
    return bool(apart.max() <= _ALIKE)


def _converted(pixels: Pixels, icc: bytes) -> Pixels:
    converted = _vips(pixels, icc).icc_transform("srgb", embedded=True, depth=16, **_INTENT)
    return _array(converted, pixels.shape[2])


def _vips(pixels: Pixels, icc: bytes | None) -> pyvips.Image:
    """Wrap pixels, with a profile embedded; grey without one becomes RGB."""
    channels, is_deep = pixels.shape[2], pixels.dtype == np.uint16
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    kinds = {(1, False): "b-w", (1, True): "grey16", (3, False): "srgb", (3, True): "rgb16"}
    image = image.copy(interpretation=kinds[channels, is_deep])
    if icc is None:
        return image if channels == 3 else image.bandjoin([image, image]).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, _ICC_FIELD, icc)
    return image


def _array(image: pyvips.Image, channels: int) -> Pixels:
    values: Pixels = np.atleast_3d(image.numpy())
    if values.shape[2] == channels:
        return values
    return np.ascontiguousarray(values[:, :, :1])  # grey in sRGB has three equal channels
