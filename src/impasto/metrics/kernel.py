"""The kernel distance between two sets of pictures, as a network sees them: what is called KID with InceptionV3.

Bińkowski, Sutherland, Arbel & Gretton 2018 (arXiv:1801.01401). Unlike the Fréchet distance it does not depend on
the number of pictures but for its noise, and may be a little below 0.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from impasto.errors import InputError

Numbers = NDArray[np.int64]
"""Which pictures were drawn."""


def kernel_distance(
    first: Float[Tensor, "n d"], second: Float[Tensor, "m d"], numbers: tuple[Numbers, Numbers] | None = None
) -> float:
    """Return the squared maximum mean discrepancy of two sets of features, without bias.

    Convention: the kernel is (x · y / d + 1)³; means leave out each picture beside itself, also where it was drawn
    twice.

    Args:
        first: Features of one set of pictures, one row each.
        second: Of the other.
        numbers: Which picture each row of the one and of the other is, where pictures were drawn again and again;
            by default each is another one.

    Raises:
        InputError: If a set has fewer than two pictures.
    """
    if min(len(first), len(second)) < 2:
        raise InputError(f"there are {len(first)} and {len(second)} pictures; a distance of sets needs two of each")
    one, other = first.double(), second.double()
    drawn = numbers or (np.arange(len(one)), np.arange(len(other)))
    among = [_among(features, which) for features, which in zip((one, other), drawn, strict=True)]
    return float(among[0] + among[1] - 2 * _kernel(one, other).mean())


def _among(features: Tensor, numbers: Numbers) -> Tensor:
    """Return the mean kernel of two different pictures of one set; of all, if the same was drawn every time."""
    kernel, which = _kernel(features, features), torch.as_tensor(numbers, device=features.device)
    apart = which[:, None] != which
    mean: Tensor = kernel[apart].mean() if bool(apart.any()) else kernel.mean()
    return mean


def _kernel(one: Tensor, other: Tensor) -> Tensor:
    return torch.pow(one @ other.T / one.shape[1] + 1, 3)
