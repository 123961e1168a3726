"""Feature matching: generated pictures should look like real ones to every layer of a discriminator.

Wang et al. 2018 (arXiv:1711.11585), equation 4; after Salimans et al. 2016 (arXiv:1606.03498).
"""

from collections.abc import Sequence

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
