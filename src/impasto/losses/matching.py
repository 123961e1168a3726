"""Feature matching: generated pictures should look like real ones to every layer of a network.

Of a discriminator (Wang et al. 2018, arXiv:1711.11585, equation 4; after Salimans et al. 2016, arXiv:1606.03498),
or of one that was trained to see (Dosovitskiy & Brox 2016, arXiv:1602.02644).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from impasto._typing import Scalar


def feature_matching(fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]) -> Scalar:
    """Compare what discriminators see of generated and of real pictures.

    Convention: mean absolute difference of each layer, summed over layers, averaged over discriminators; verdicts,
    the last of each, are left out. Nothing flows back through the real pictures.

    Args:
        fake: Features of each discriminator, layer by layer, the verdicts last.
        real: Likewise, of the same shapes.
    """
    terms = [
        (found - wanted.detach()).abs().mean()
        for mine, others in zip(fake, real, strict=True)
        for found, wanted in zip(mine[:-1], others[:-1], strict=True)
    ]
    return torch.stack(terms).sum() / len(fake)


def perceptual_matching(
    found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], weights: Mapping[str, float]
) -> Scalar:
    """Compare what a network that sees makes of generated and of real pictures.

    Convention: mean absolute difference of each layer, relative to the mean of what is wanted, so that a weight
    means the same for every network; weighted, summed and divided by the sum of the weights. Nothing flows back
    through the real pictures.

    Args:
        found: Features of generated pictures, by layer.
        wanted: Of real ones, of the same shapes.
        weights: How much each layer counts.
    """
    terms = []
    for name, weight in weights.items():
        real = wanted[name].detach().float()
        terms.append(weight * (found[name].float() - real).abs().mean() / real.abs().mean())
    return torch.stack(terms).sum() / sum(weights.values())
