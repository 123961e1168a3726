"""The Fréchet distance between two sets of pictures, as a network sees them: what is called FID with InceptionV3.

Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter 2017 (arXiv:1706.08500), equation 6. With another network the
values are others: they can be compared with each other, never with published FIDs.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import InputError


def frechet_distance(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> float:
    """Return ‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2 (C₁ C₂)^½) of two sets of features.

    Convention: covariances divide by n − 1. The trace of the root is the nuclear norm of A₁ A₂ᵀ, A the centred
    features divided by the root of n − 1, which is exact where there are fewer pictures than features, as is usual
    offline. It falls with the number of pictures: compare sets of the same number only.

    Args:
        first: Features of one set of pictures, one row each.
        second: Of the other.

    Raises:
        InputError: If a set has fewer than two pictures.
    """
    if min(len(first), len(second)) < 2:
        raise InputError(f"there are {len(first)} and {len(second)} pictures; a distance of sets needs two of each")
    (one, one_mean), (other, other_mean) = (_centred(each.double()) for each in (first, second))
    # an orthogonal factor changes no norm: what is left is no larger than the number of features
    small = [torch.linalg.qr(each, mode="r")[1] if len(each) > each.shape[1] else each for each in (one, other)]
    root = torch.linalg.matrix_norm(small[0] @ small[1].T, ord="nuc")
    apart = (one_mean - other_mean).square().sum() + one.square().sum() + other.square().sum() - 2 * root
    return max(0.0, float(apart))


def _centred(features: Tensor) -> tuple[Tensor, Tensor]:
    mean = features.mean(dim=0)
    return (features - mean) / (len(features) - 1) ** 0.5, mean
