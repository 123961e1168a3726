"""How far a translation keeps the structure of what went in: whether edges are where edges were."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from impasto._typing import Picture
from impasto.image.color import luminance

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def edge_correlation(found: Picture, source: Picture) -> Float[Tensor, " b"]:
    """Return the correlation of each picture's edges with those of what it was made of; 1 for equal ones.

    Convention: edges are the lengths of the Sobel gradients of the luminance, outer rows and columns repeated; the
    correlation is Pearson's over all places. Exchanging light and dark changes nothing. A picture without edges has
    a correlation of 0 with any.

    Args:
        found: RGB in [0, 1], `(b, 3, height, width)`.
        source: Likewise, of the same size.
    """
    one, other = (edges - edges.mean(dim=1, keepdim=True) for edges in map(_edges, (found, source)))
    lengths = one.norm(dim=1) * other.norm(dim=1)
    return (one * other).sum(dim=1) / torch.where(lengths > 0, lengths, torch.inf)


def _edges(picture: Tensor) -> Tensor:
    """Return how steep the luminance is at each place, a row for each picture."""
    light = pad(luminance(picture.double())[:, :1], (1, 1, 1, 1), mode="replicate")
    across = light.new_tensor(SOBEL)
    slopes = conv2d(light, torch.stack([across, across.T])[:, None])
    steep: Tensor = slopes.norm(dim=1).flatten(1)
    return steep
