"""PatchNCE: what a place of a translated picture shows should be told from other places by what stood there before.

Park, Efros, Zhang & Zhu 2020, "Contrastive Learning for Unpaired Image-to-Image Translation" (arXiv:2007.15651),
after the InfoNCE of van den Oord, Li & Vinyals 2018 (arXiv:1807.03748). For a vector q of the translated picture,
the vector k of the same place of the input, and the vectors k⁻ of other places of the same input, all of length 1:

    −log( exp(q·k/τ) / (exp(q·k/τ) + Σ exp(q·k⁻/τ)) )
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from impasto._typing import Scalar

TEMPERATURE = 0.07
"""The paper's τ."""
Vectors = Float[Tensor, "b _places _c"]


def patch_nce(found: Sequence[Vectors], wanted: Sequence[Vectors], temperature: float = TEMPERATURE) -> Scalar:
    """Return how badly places of translated pictures are told apart by what stood there before.

    Convention: the mean over places and pictures, and over layers, as in the authors' code; the paper writes sums.
    Other places are those of the same picture. Nothing flows back through what is wanted. In fp32, also under
    autocast.

    Args:
        found: Of the translated pictures, for each layer a vector of length 1 for each place.
        wanted: Of the inputs, of the same shapes and places.
        temperature: What scalar products are divided by.

    Example:
        >>> patch_nce([queries], [keys])  # both (b, 256, 256), of length 1 along the last axis
    """
    terms = []
    with torch.autocast(found[0].device.type, enabled=False):
        for queries, keys in zip(found, wanted, strict=True):
            wide = torch.promote_types(queries.dtype, torch.float32)
            likeness = queries.to(wide) @ keys.detach().to(wide).transpose(1, 2) / temperature
            right = torch.arange(likeness.shape[1], device=likeness.device).expand(len(likeness), -1)
            terms.append(cross_entropy(likeness.flatten(0, 1), right.flatten()))
    return torch.stack(terms).mean()
