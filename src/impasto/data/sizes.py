"""Sizes that pictures are brought to before crops are cut: whatever their shape, nothing is squeezed."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from impasto.errors import SettingError, check_whole


def check_crop(crop: tuple[int, int], load_size: int) -> None:
    """Raise unless crops of a height and width can be cut.

    Raises:
        SettingError: If they are too small, too large, or larger than what they are cut from.
    """
    check_whole("crop_size", crop[0], 16, 8192)
    check_whole("crop_width", crop[1], 16, 8192)
    if load_size < min(crop):
        raise SettingError(f"load_size is {load_size}, less than crop_size {min(crop)}; make it as large at least")


def loaded_size(height: int, width: int, shorter: int, crop: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Return the height and width to resize a picture to.

    Args:
        height: Of the picture.
        width: Likewise.
        shorter: What its shorter side becomes,
        crop: unless a crop of this height and width would not fit; then it is enlarged until it does.
    """
    scale = max(shorter / min(height, width), crop[0] / height, crop[1] / width)
    sides = zip((height, width), crop, strict=True)
    rows, columns = (max(shorter, least, round(side * scale)) for side, least in sides)
    return rows, columns


def cut(
    pictures: Sequence[Tensor], crop: tuple[int, int], chance: np.random.Generator, mirrored: float = 0.5
) -> list[Tensor]:
    """Return crops at a random place, the same of all pictures, perhaps mirrored.

    Args:
        pictures: `(..., height, width)`, all of one size.
        crop: Height and width of the crops.
        chance: Draws the place, and whether they are mirrored.
        mirrored: How often they are.
    """
    sides = zip(pictures[0].shape[-2:], crop, strict=True)
    top, left = (int(chance.integers(0, side - wanted + 1)) for side, wanted in sides)
    turned = chance.random() < mirrored
    pieces = [picture[..., top : top + crop[0], left : left + crop[1]] for picture in pictures]
    return [piece.flip(-1) if turned else piece for piece in pieces]
