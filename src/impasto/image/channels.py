"""Pictures with as many channels as a network takes or gives: 1 is grey, 3 is RGB, 4 has alpha as well."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from impasto.image.color import luminance
from impasto.image.io import Image
from impasto.image.regions import visible_colors
from impasto.image.tensors import alpha_tensor, to_tensor, whole

CHANNELS = (1, 3, 4)


def with_channels(image: Image, channels: int) -> Float[Tensor, "1 c _h _w"]:
    """Return a picture as a tensor in [0, 1] with 1 channel (grey), 3 (RGB) or 4 (RGB and alpha)."""
    if channels == 4:
        alpha = alpha_tensor(image)
        colors = to_tensor(image)
        return torch.cat([colors, torch.ones_like(colors[:, :1]) if alpha is None else alpha], dim=1)
    colors = visible_colors(image)
    return luminance(colors)[:, :1] if channels == 1 else colors


def as_rgb(picture: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b 3 _h _w"]:
    """Return grey pictures, and colours without their alpha, as RGB."""
    return picture.expand(-1, 3, -1, -1) if picture.shape[1] == 1 else picture[:, :3]


def from_channels(picture: Float[Tensor, "1 c _h _w"], like: Image) -> Image:
    """Turn what a network made into a picture of as many bits as the one it was made from.

    Args:
        picture: 1, 3 or 4 channels; values outside [0, 1] are cut off.
        like: Gives bits and name; not its profile, since colours are now those of what the network learnt from.
    """
    pixels = whole(picture[0].float().cpu(), like.pixels.dtype)
    if pixels.shape[2] == 4:
        return Image(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]), name=like.name)
    return Image(pixels, name=like.name)
