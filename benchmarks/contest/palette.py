"""How clean colours are: a painted picture's pixels compared with those of the painting, in CIE Lab.

Three measures, all 0 for the painting itself and lower for cleaner colours:

- `palette`: sliced 1-Wasserstein distance between the two clouds of Lab colours, in Lab units;
- `chroma_noise`: the same between the two clouds of (a, b) less their mean over 5 × 5 pixels, where coloured grain
  shows;
- `off_palette`: share of pixels, in percent, farther than 8 Lab units from every colour of the painting.

The painting is resized to the longest side of the picture first.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from impasto.image.resize import fit, resize

SLICES = 64
QUANTILES = 1024
SAMPLE = 8192
FAR = 8.0
"""Lab units: about three and a half just noticeable differences."""
_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)


def lab(picture: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
    """Return CIE Lab (D65) of sRGB in [0, 1]; L in [0, 100]."""
    linear = torch.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055).pow(2.4))
    xyz = torch.einsum("kc,bchw->bkhw", picture.new_tensor(_XYZ), linear)
    ratio = xyz / picture.new_tensor(_WHITE).view(1, 3, 1, 1)
    root = torch.where(
        ratio > (6 / 29) ** 3, ratio.clamp_min(1e-9).pow(1 / 3), ratio / (3 * (6 / 29) ** 2) + 4 / 29
    )
    x, y, z = root.split(1, dim=1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def sliced_wasserstein(one: Float[Tensor, "d _n"], other: Float[Tensor, "d _m"]) -> float:
    """Return the mean over directions of the 1-Wasserstein distance between two clouds of points."""
    directions = torch.randn(SLICES, len(one), generator=torch.Generator().manual_seed(0))
    directions = directions / directions.norm(dim=1, keepdim=True)
    ranks = (torch.arange(QUANTILES) + 0.5) / QUANTILES

    def quantiles(points: Tensor) -> Tensor:
        ordered = (directions @ points).sort(dim=1).values
        chosen: Tensor = ordered[:, (ranks * points.shape[1]).long()]
        return chosen

    return float((quantiles(one) - quantiles(other)).abs().mean())


def color_measures(picture: Float[Tensor, "1 3 h w"], painting: Float[Tensor, "1 3 _h _w"]) -> dict[str, float]:
    """Return `palette`, `chroma_noise` and `off_palette` of a picture in the style of a painting."""
    height, width = painting.shape[-2:]
    painting = resize(painting, *fit(height, width, max(picture.shape[-2:]))).clamp(0, 1)
    one, other = lab(picture), lab(painting)
    return {
        "palette": round(sliced_wasserstein(one[0].flatten(1), other[0].flatten(1)), 3),
        "chroma_noise": round(sliced_wasserstein(_chroma_noise(one), _chroma_noise(other)), 3),
        "off_palette": round(100 * _off_palette(one[0].flatten(1), other[0].flatten(1)), 2),
    }


def _chroma_noise(picture: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "2 n"]:
    chroma = picture[:, 1:]
    return (chroma - avg_pool2d(pad(chroma, (2, 2, 2, 2), mode="reflect"), 5, 1))[0].flatten(1)


def _off_palette(one: Float[Tensor, "3 _n"], other: Float[Tensor, "3 _m"]) -> float:
    def sample(points: Tensor) -> Tensor:
        return points[:, :: max(1, math.ceil(points.shape[1] / SAMPLE))].T.contiguous()

    nearest = torch.cdist(sample(one), sample(other)).min(dim=1).values
    return float((nearest > FAR).float().mean())
