"""Content: what a picture shows and where, as the deep features of a network see it."""

import torch

from impasto._typing import Features, Scalar, Weight
from impasto.errors import check_choice
from impasto.losses.scaling import Scaling


def content_loss(
    features: Features, target: Features, guide: Weight | None = None, scaling: Scaling = "relative"
) -> Scalar:
    """Compare the features of two pictures place by place.

    Convention: `paper` is Σ(F − P)² / (4 h w c); `relative` is Σ(F − P)² / Σ P².
    The paper's equation 1 is ½ Σ(F − P)²: the factor is absorbed by the content weight.

    Args:
        features: Of the picture being painted, `(b, c, height, width)`.
        target: P, of the content.
        guide: How much each place counts, in [0, 1]; everywhere 1 if not given.
        scaling: See Convention.

    Raises:
        SettingError: If there is no such scaling.

    Reference: Gatys, Ecker & Bethge 2016, equation 1.
    """
    check_choice("scaling", scaling, Scaling)
    precise = torch.promote_types(features.dtype, torch.float32)
    target = target.to(precise)
    difference = (features.to(precise) - target).square()
    if guide is not None:
        difference = difference * guide
    if scaling == "paper":
        return difference.sum() / (4 * target.numel())
    return difference.sum() / target.square().sum()
