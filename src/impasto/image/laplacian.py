"""Laplacian pyramids: a picture, or a change of one, taken apart by the size of its details.

Convention: each level is what is lost when a picture is halved and doubled again, the next one is that of its half,
and the last is what is left; put together they give the picture back, whatever the filter. Ours is the bicubic one
of `resize_change`, where the paper has a binomial of five taps.

Reference: Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code", IEEE Trans. Communications, 1983.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from impasto._typing import Weight
from impasto.image.resize import resize, resize_change

SMALLEST = 4
"""Pixels that the shorter side of a level has at least."""
_TINY = 1e-20


def laplacian_pyramid(picture: Float[Tensor, "b c _h _w"], levels: int) -> list[Float[Tensor, "b c _hh _ww"]]:
    """Take a picture apart.

    Args:
        picture: Values of any sign and size.
        levels: How often it is halved; less often where it would become too small.

    Returns:
        Details from the finest to the coarsest, and what is left.
    """
    bands = []
    for _ in range(levels):
        height, width = picture.shape[-2:]
        if min(height, width) < 2 * SMALLEST:
            break
        half = resize_change(picture, (height + 1) // 2, (width + 1) // 2)
        bands.append(picture - resize_change(half, height, width))
        picture = half
    return [*bands, picture]


def from_laplacian_pyramid(bands: Sequence[Float[Tensor, "b c _h _w"]]) -> Float[Tensor, "b c _hh _ww"]:
    """Put together what `laplacian_pyramid` took apart."""
    *details, picture = bands
    for detail in reversed(details):
        picture = detail + resize_change(picture, *detail.shape[-2:])
    return picture


def evened(
    change: Float[Tensor, "1 c _h _w"], levels: int, growth: float = 1.0, weight: Weight | None = None
) -> Float[Tensor, "1 c _h _w"]:
    """Make the details of all sizes equally strong, and their mean magnitude 1.

    Args:
        change: Such as a gradient.
        levels: How often it is halved; 0 only scales it.
        growth: Strength of each level over that of the next finer one.
        weight: How much each pixel counts for the magnitude; all the same if not given.
    """
    bands = [_scaled(band, weight) for band in laplacian_pyramid(change, levels)]
    stronger = [growth**level * band for level, band in enumerate(bands)]
    return _scaled(from_laplacian_pyramid(stronger), weight)


def _scaled(band: Float[Tensor, "1 c _h _w"], weight: Weight | None) -> Float[Tensor, "1 c _h _w"]:
    magnitude = band.abs().mean(dim=1, keepdim=True)
    if weight is not None:
        weight = resize(weight, *band.shape[-2:])
        magnitude = magnitude * weight / weight.mean().clamp_min(_TINY)
    return band / magnitude.mean().clamp_min(_TINY)
