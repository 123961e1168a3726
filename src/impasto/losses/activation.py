"""How strongly features answer, place by place: what DeepDream climbs (Mordvintsev, Olah & Tyka 2015)."""

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Features

PIECE = 4096
"""Places that are matched at once, so that memory does not grow with their product."""


def energy(features: Features) -> Float[Tensor, "b h w"]:
    """Return half the mean square over the channels of each place, whose gradient is the features themselves."""
    return features.square().mean(dim=1) / 2


def likelihood(
    features: Features, weight: Float[Tensor, "n c"], bias: Float[Tensor, " n"], index: int
) -> Float[Tensor, "b h w"]:
    """Return the logarithm of how likely a class is at each place, as a linear classifier has it.

    Args:
        features: What is classified, place by place.
        weight: Of the classifier, a row a class.
        bias: Likewise.
        index: Which class.
    """
    logits = torch.einsum("bchw,nc->bnhw", features, weight) + bias[:, None, None]
    return logits.log_softmax(dim=1)[:, index]


def matching(features: Features, guides: Float[Tensor, "n c"]) -> Float[Tensor, "b h w"]:
    """Return, for each place, the scalar product with the guide it is most like, over the number of channels.

    Args:
        features: Of the picture that is dreamt on.
        guides: Features to become like, a row each.
    """
    places = features.movedim(1, -1).flatten(0, 2)
    with torch.no_grad():
        nearest = torch.cat([(piece @ guides.mT).argmax(dim=1) for piece in places.split(PIECE)])
    products = (places * guides[nearest]).mean(dim=1)
    return products.view(features.shape[0], *features.shape[2:])
