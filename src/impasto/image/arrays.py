"""Arrays of any kind people hold pictures in, as the pixels and alpha of ours."""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from impasto.errors import InputError
from impasto.image.formats import damaged

if TYPE_CHECKING:
    import PIL.Image
    import torch

Samples = NDArray[Any]
"""`(height, width, channels)` with 1 to 4 channels of any number type."""

Pixels = NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16 `(height, width, 1 or 3)`, or an alpha `(height, width)`."""

_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "CMYK", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def is_pillow(source: object) -> "TypeGuard[PIL.Image.Image]":
    """Tell whether `source` is a Pillow image, without importing Pillow."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(source, pillow.Image)


def is_tensor(source: object) -> "TypeGuard[torch.Tensor]":
    """Tell whether `source` is a tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def samples_of_array(array: NDArray[Any], name: str) -> Samples:
    """Give an array three axes.

    Args:
        array: `(height, width)` or `(height, width, 1 to 4)`.
        name: The picture for errors.

    Raises:
        InputError: When it has another shape.
    """
    samples = array[:, :, np.newaxis] if array.ndim == 2 else array
    if samples.ndim != 3 or not 1 <= samples.shape[2] <= 4:
        raise InputError(
            f"{name} is an array of shape {array.shape}; allowed are (height, width) and (height, width, 1 to 4)"
        )
    return samples


def samples_of_tensor(tensor: "torch.Tensor", name: str) -> Samples:
    """Turn a tensor `(channels, height, width)` or `(1, channels, height, width)` into samples.

    Raises:
        InputError: When it has another shape.
    """
    shape = tuple(tensor.shape)
    picture = tensor.detach().cpu()
    if picture.ndim == 4 and shape[0] == 1:
        picture = picture[0]
    if picture.ndim != 3 or not 1 <= picture.shape[0] <= 4:
        raise InputError(
            f"{name} is a tensor of shape {shape}; allowed are (3, height, width) and (1, 3, height, width)"
        )
    # numpy has no bfloat16.
    picture = picture.float() if picture.is_floating_point() else picture
    return np.asarray(picture.permute(1, 2, 0).numpy())


def samples_of_pillow(image: "PIL.Image.Image", name: str) -> Samples:
    """Decode a Pillow image, its current frame, in grey, RGB or CMYK, with alpha if it has transparency.

    Raises:
        InputError: When its file is damaged or its mode has no meaning as a picture.
    """
    mode = _plain_mode(image)
    if mode not in _PLAIN_MODES:
        raise InputError(f"{name} has Pillow's mode {mode}, which has no one meaning: convert it to RGB")
    try:
        image.load()
        plain = image if image.mode == mode else image.convert(mode)
    # Pillow lets through whatever its parsers trip over.
    except Exception as error:
        raise damaged(name, error) from None
    samples = samples_of_array(np.asarray(plain), name)
    is_wide = plain.mode == "I" and samples.min() >= 0 and samples.max() <= 65535
    return samples.astype(np.uint16) if is_wide else samples


def split_samples(samples: Samples, name: str) -> tuple[Pixels, Pixels | None]:
    """Part samples into pixels and alpha, as 8- or 16-bit whole numbers.

    Args:
        samples: 1 to 4 channels: grey, grey and alpha, RGB, RGB and alpha.
        name: The picture for errors.

    Returns:
        The pixels, `(height, width, 1 or 3)`, and the alpha, `(height, width)`, or None.

    Raises:
        InputError: When the number type or its values cannot be a picture.
    """
    whole = _whole_numbers(samples, name)
    colours = 1 if whole.shape[2] < 3 else 3
    alpha = np.ascontiguousarray(whole[:, :, -1]) if whole.shape[2] > colours else None
    return np.ascontiguousarray(whole[:, :, :colours]), alpha


def turn(samples: Samples, orientation: int) -> Samples:
    """Undo how a camera was held.

    Args:
        samples: The picture as stored.
        orientation: EXIF's number, 1 (upright) to 8; any other is taken for 1.
    """
    if 5 <= orientation <= 8:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _plain_mode(image: "PIL.Image.Image") -> str:
    """Name the Pillow mode that keeps everything `image` shows."""
    is_transparent = "transparency" in image.info
    if image.mode in ("LA", "La") or (image.mode in ("1", "L") and is_transparent):
        return "LA"
    if image.mode in ("RGBA", "RGBa", "PA") or (image.mode in ("P", "RGB") and is_transparent):
        return "RGBA"
    if image.mode in ("P", "RGBX", "YCbCr", "HSV"):
        return "RGB"
    return "L" if image.mode == "1" else image.mode


def _whole_numbers(samples: Samples, name: str) -> Pixels:
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        return samples.astype(np.uint8 if samples.dtype.itemsize == 1 else np.uint16, copy=False)
    if samples.dtype.kind != "f":
        raise InputError(
            f"{name} holds {samples.dtype} values; allowed are uint8, uint16, and floats from 0 to 1: convert them"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(samples.astype(np.float32) * np.float32(65535))
        low, high = float(samples.min()), float(samples.max())
    if not (scaled.min() >= 0 and scaled.max() <= 65535):
        held = "NaN" if np.isnan(low) else f"values from {low:.4g} to {high:.4g}"
        raise InputError(f"{name} holds {held}; floats must be from 0 to 1: scale or clip them")
    whole: Pixels = scaled.astype(np.uint16)
    return whole
