"""Smoothness: how little neighbouring pixels differ."""

from impasto._typing import Picture, Scalar


def total_variation(picture: Picture) -> Scalar:
    """Measure how much neighbouring pixels differ.

    Convention: anisotropic and squared, the mean over horizontal neighbours plus the mean over vertical ones;
    a direction with no neighbours counts nothing. The mean, not the sum, so that size does not matter.

    Args:
        picture: RGB in [0, 1].
    """
    total = picture.new_zeros(())
    for direction in (2, 3):
        if picture.shape[direction] > 1:
            total = total + picture.diff(dim=direction).square().mean()
    return total
