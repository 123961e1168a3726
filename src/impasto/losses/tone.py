"""Tone: where a picture is light and where it is dark, whatever its colours and contrast are."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from impasto._typing import Picture, Scalar

GRID = 12
"""Areas along the shorter side that are told apart."""
_LUMA = (0.299, 0.587, 0.114)


def tone_loss(painted: Picture, content: Picture) -> Scalar:
    """Compare light and dark areas of two pictures.

    Convention: 1 less the correlation of the mean luminances (BT.601) of the areas of a coarse grid, averaged over
    the batch: 0 if they go together, 1 if they have nothing to do with each other, 2 if one is the negative.

    Args:
        painted: RGB, `(b, 3, height, width)`.
        content: Likewise, of the same size.
    """
    height, width = painted.shape[-2:]
    scale = GRID / min(height, width)
    grid = max(1, round(height * scale)), max(1, round(width * scale))
    found, wanted = (_standardised(adaptive_avg_pool2d(_luminance(each), grid)) for each in (painted, content))
    return 1 - (found * wanted).sum(dim=1).mean()


def _luminance(picture: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA, device=picture.device)[:, None, None]
    return (picture.float() * weights).sum(dim=1, keepdim=True)


def _standardised(areas: Tensor) -> Tensor:
    """Return rows of mean 0 and length 1; of a plain picture, almost 0."""
    flat = areas.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    return flat / (flat.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()
