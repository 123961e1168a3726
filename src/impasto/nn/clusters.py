"""k-means: a few points that stand for many (Lloyd 1982), begun as in Arthur & Vassilvitskii 2007 (k-means++)."""

import torch
from jaxtyping import Float
from torch import Tensor

ROUNDS = 100
"""Most rounds; few take more than twenty."""


def k_means(points: Float[Tensor, "m n"], count: int, seed: int = 0) -> Float[Tensor, "{count} n"]:
    """Return the centres of clusters, those of most points first.

    Args:
        points: At least one; where there are fewer different ones than clusters, centres repeat.
        count: How many clusters.
        seed: Of the points to begin with.
    """
    points = points.double().cpu()
    chance = torch.Generator().manual_seed(seed)
    centres = points[torch.randint(len(points), (1,), generator=chance)]
    while len(centres) < count:
        away = torch.cdist(points, centres).amin(dim=1).square()
        if not bool(away.any()):
            break
        centres = torch.cat([centres, points[torch.multinomial(away, 1, generator=chance)]])
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        sizes = torch.bincount(nearest, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        moved = torch.where(sizes[:, None] > 0, sums / sizes.clamp_min(1)[:, None], centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    ordered = centres[sizes.argsort(descending=True, stable=True)]
    return ordered[torch.arange(count) % len(ordered)].float()
