"""The kernel distance between two sets of pictures, as a network sees them: what is called KID with InceptionV3.

Bińkowski, Sutherland, Arbel & Gretton 2018 (arXiv:1801.01401). Unlike the Fréchet distance it does not depend on
the number of pictures but for its noise, and may be a little below 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import InputError


def kernel_distance(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> float:
    """Return the squared maximum mean discrepancy of two sets of features, without bias.

    Convention: the kernel is (x · y / d + 1)³; means leave out each picture beside itself.

    Args:
        first: Features of one set of pictures, one row each.
        second: Of the other.

    Raises:
        InputError: If a set has fewer than two pictures.
    """
    if min(len(first), len(second)) < 2:
        raise InputError(f"there are {len(first)} and {len(second)} pictures; a distance of sets needs two of each")
    one, other = first.double(), second.double()
    return float(_among(one) + _among(other) - 2 * _kernel(one, other).mean())


def _among(features: Tensor) -> Tensor:
    """Return the mean kernel of two different pictures of one set."""
    kernel, count = _kernel(features, features), len(features)
    return (kernel.sum() - kernel.trace()) / (count * (count - 1))


def _kernel(one: Tensor, other: Tensor) -> Tensor:
    return torch.pow(one @ other.T / one.shape[1] + 1, 3)
