"""Regions: which part of a picture something applies to, as masks with values in [0, 1]."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from impasto._typing import Picture, Weight
from impasto.errors import InputError
from impasto.image.color import luminance
from impasto.image.io import Image
from impasto.image.resize import resize
from impasto.image.tensors import alpha_tensor, to_tensor


@dataclass(frozen=True)
class Style:
    """A painting to paint after, and where.

    Attributes:
        picture: The painting, any size.
        region: Where on the content it applies, `(1, 1, height, width)` of any size; everywhere if None.
        visible: Which part of the painting counts, likewise; all of it if None.
    """

    picture: Picture
    region: Weight | None = None
    visible: Weight | None = None

    def to(self, device: torch.device) -> "Style":
        """Return the same style on a device."""
        region, visible = (None if mask is None else mask.to(device) for mask in (self.region, self.visible))
        return Style(self.picture.to(device), region, visible)


def mask_of(image: Image) -> Float[Tensor, "1 1 _h _w"]:
    """Return a mask picture as weights: white is 1, black is 0.

    Raises:
        InputError: If the mask is black everywhere.
    """
    mask = luminance(to_tensor(replace(image, icc=None)))[:, :1]  # its profile is ignored
    if not bool(mask.any()):
        raise InputError(f"the mask {image.name} is black everywhere; white marks where to paint")
    return mask


def visible_part(image: Image) -> Float[Tensor, "1 1 _h _w"] | None:
    """Return a picture's alpha, or None when all of it can be seen.

    Raises:
        InputError: If nothing of it can be seen.
    """
    alpha = alpha_tensor(image)
    if alpha is None or bool((alpha == 1).all()):
        return None
    if not bool(alpha.any()):
        raise InputError(f"{image.name} is transparent everywhere; there is nothing to paint")
    return alpha


def visible_colors(image: Image) -> Float[Tensor, "1 3 _h _w"]:
    """Return a picture's colours, with the mean of what can be seen where nothing can, so that it draws no eye."""
    picture, alpha = to_tensor(image), visible_part(image)
    if alpha is None:
        return picture
    mean = (picture * alpha).sum(dim=(2, 3), keepdim=True) / alpha.sum()
    return torch.where(alpha > 0, picture, mean)


def on_white(image: Image) -> Float[Tensor, "1 3 _h _w"]:
    """Return a picture's colours on white paper, as drawings with transparent places are shown."""
    picture, alpha = to_tensor(image), alpha_tensor(image)
    return picture if alpha is None else torch.lerp(torch.ones_like(picture), picture, alpha)


def intersect(masks: Sequence[Tensor | None], height: int, width: int) -> Float[Tensor, "1 1 _hh _ww"] | None:
    """Multiply masks of any sizes at one size; None stands for everywhere."""
    given = [resize(mask, height, width) for mask in masks if mask is not None]
    return torch.stack(given).prod(dim=0) if given else None


def shrink_mask(mask: Float[Tensor, "1 1 _h _w"], height: int, width: int) -> Float[Tensor, "1 1 _hh _ww"]:
    """Average a mask over the places of a smaller grid, such as a layer's."""
    return adaptive_avg_pool2d(mask, (height, width))
