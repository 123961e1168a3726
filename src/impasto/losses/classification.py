"""Classification losses: what a discriminator's logits say of the domains that a picture belongs to."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from impasto._typing import Scalar


def domain_loss(
    logits: Float[Tensor, "b names"],
    labels: Float[Tensor, "b names"],
    owners: Int[Tensor, " b"],
    groups: Sequence[tuple[int, bool]],
) -> Scalar:
    """Return how far logits are from the labels, each picture judged by the names of its own data set alone.

    Convention: the cross entropy of a softmax over names that exclude each other, the sum of the binary cross
    entropies of sigmoids over those that do not; averaged over the batch. What a picture's data set does not know
    has no part in it, neither in the value nor in the slope.

    Args:
        logits: A number for each name of all data sets.
        labels: 1 for each name that a picture has, else 0.
        owners: Which data set each picture is of.
        groups: How many names each data set has, one after the other, and whether they exclude each other.

    Reference: Choi et al. 2018 (arXiv:1711.09020), sections 3.1 to 3.3.
    """
    logits, total, first = logits.float(), logits.new_zeros((), dtype=logits.float().dtype), 0
    for owner, (size, exclusive) in enumerate(groups):
        mine, places = owners == owner, slice(first, first + size)
        found, wanted = logits[mine, places], labels[mine, places].to(logits.dtype)
        if exclusive:
            total = total - (wanted * log_softmax(found, dim=1)).sum()
        else:
            total = total + binary_cross_entropy_with_logits(found, wanted, reduction="sum")
        first += size
    mean: Tensor = total / len(logits)
    return mean
