"""Colours: luminance apart from chroma, and one picture's colours brought to another's.

Pictures are RGB in [0, 1] as they are stored, gamma included, as the papers do it.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import check_choice

ColorMatch = Literal["linear", "histogram"]
Colors = Literal["style", "luminance", "histogram", "linear"]
"""Whose colours a painted photo has: the painting's, or its own, kept in one of three ways."""

_EPSILON = 1e-5
# rows: luminance Y, chroma I and Q
_YIQ = (
    (0.299, 0.587, 0.114),
    (0.595716, -0.274453, -0.321263),
    (0.211456, -0.522591, 0.311135),
)


def rgb_to_yiq(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Split RGB into luminance Y and chroma I, Q (NTSC)."""
    return _mixed(picture.new_tensor(_YIQ), picture)


def yiq_to_rgb(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Put luminance and chroma together again; values may leave [0, 1]."""
    inverse = torch.linalg.inv(torch.tensor(_YIQ, dtype=torch.float64))
    return _mixed(inverse.to(picture), picture)


def _mixed(matrix: Float[Tensor, "k c"], picture: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
    """Multiply every pixel by a matrix, in the picture's own precision: autocast would make it bf16."""
    with torch.autocast(picture.device.type, enabled=False):
        return torch.einsum("kc,bchw->bkhw", matrix, picture)


def luminance(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Return the luminance as a grey picture of three equal channels."""
    return rgb_to_yiq(picture)[:, :1].expand(-1, 3, -1, -1)


def turn_hue(picture: Float[Tensor, "b 3 h w"], angle: float) -> Float[Tensor, "b 3 h w"]:
    """Turn every hue by an angle in radians; luminance stays, greys stay grey, the result is clamped to [0, 1]."""
    light, first, second = rgb_to_yiq(picture).split(1, dim=1)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = torch.cat([light, cosine * first - sine * second, sine * first + cosine * second], dim=1)
    return yiq_to_rgb(turned).clamp(0, 1)


def with_chroma_of(picture: Float[Tensor, "b 3 h w"], colors: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Combine the luminance of one picture with the chroma of another of the same size."""
    light, chroma = rgb_to_yiq(picture)[:, :1], rgb_to_yiq(colors)[:, 1:]
    return yiq_to_rgb(torch.cat([light, chroma], dim=1)).clamp(0, 1)


def match_luminance(
    picture: Float[Tensor, "1 3 _h _w"], target: Float[Tensor, "1 3 _hh _ww"]
) -> Float[Tensor, "1 3 _h _w"]:
    """Bring mean and standard deviation of the luminance to the target's.

    Args:
        picture: Grey or coloured; what comes back is grey.
        target: Gives the mean and the deviation.

    Reference: Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016, section 4.
    """
    light, wanted = luminance(picture), luminance(target)
    scale = wanted.std(correction=0) / (light.std(correction=0) + _EPSILON)
    return ((light - light.mean()) * scale + wanted.mean()).clamp(0, 1)


def match_colors(
    picture: Float[Tensor, "1 3 _h _w"], target: Float[Tensor, "1 3 _hh _ww"], how: ColorMatch = "linear"
) -> Float[Tensor, "1 3 _h _w"]:
    """Give a picture the colours of another one.

    Convention: `linear` moves mean and covariance of the colours by the symmetric map between the two Gaussians
    (the optimal transport; of all maps that match them, the one that moves colours least); `histogram` matches
    each of R, G, B by its distribution.

    Args:
        picture: What is recoloured.
        target: Whose colours it gets; any size.
        how: See Convention.

    Raises:
        SettingError: If there is no such way.

    Reference: Gatys et al. 2016 (as above), section 3; Pitié & Kokaram 2007 for the map.
    """
    check_choice("color matching", how, ColorMatch)
    # first to the CPU, then converted, since Apple's GPUs have no float64
    pixels, wanted = (each[0].flatten(1).cpu().double() for each in (picture, target))
    matched = _linear(pixels, wanted) if how == "linear" else _histogram(pixels, wanted)
    return matched.to(picture).reshape(picture.shape).clamp(0, 1)


def recolor(
    painting: Float[Tensor, "1 3 _h _w"], content: Float[Tensor, "1 3 _hh _ww"], colors: Colors
) -> Float[Tensor, "1 3 _h _w"]:
    """Bring a painting's colours to the photo's, so that what is painted after it has the photo's.

    Args:
        painting: The style.
        content: The photo, any size.
        colors: `style` changes nothing; `luminance` leaves light alone, like the photo's.
    """
    if colors == "style":
        return painting
    return match_luminance(painting, content) if colors == "luminance" else match_colors(painting, content, colors)


def _linear(pixels: Float[Tensor, "3 n"], wanted: Float[Tensor, "3 m"]) -> Float[Tensor, "3 n"]:
    mean, wanted_mean = pixels.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    covariance, wanted_covariance = _covariance(pixels - mean), _covariance(wanted - wanted_mean)
    root, inverse_root = _power(covariance, 0.5), _power(covariance, -0.5)
    transport = inverse_root @ _power(root @ wanted_covariance @ root, 0.5) @ inverse_root
    return transport @ (pixels - mean) + wanted_mean


def _covariance(centred: Float[Tensor, "3 n"]) -> Float[Tensor, "3 3"]:
    ridge = _EPSILON * torch.eye(3, dtype=centred.dtype, device=centred.device)
    return centred @ centred.mT / centred.shape[1] + ridge


def _power(symmetric: Float[Tensor, "3 3"], exponent: float) -> Float[Tensor, "3 3"]:
    values, vectors = torch.linalg.eigh(symmetric)
    power: Tensor = (vectors * values.clamp_min(0).pow(exponent)) @ vectors.mT
    return power


def _histogram(pixels: Float[Tensor, "3 n"], wanted: Float[Tensor, "3 m"]) -> Float[Tensor, "3 n"]:
    return torch.stack([_quantiles(*channels) for channels in zip(pixels, wanted, strict=True)])


def _quantiles(values: Float[Tensor, " n"], wanted: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
    """Replace every value by the wanted value of the same rank; equal values stay equal."""
    _, where, counts = values.unique(return_inverse=True, return_counts=True)
    # in the precision of the values: fp32 cannot tell the pixels of a large picture apart
    rank = (counts.cumsum(0) - counts.to(values) / 2) / len(values)
    position = (rank * len(wanted) - 0.5).clamp(0, len(wanted) - 1)
    ordered = wanted.sort().values
    below = position.floor().long()
    above = (below + 1).clamp_max(len(wanted) - 1)
    return torch.lerp(ordered[below], ordered[above], position - below)[where]
