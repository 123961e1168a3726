"""Checkerboards: patterns that networks leave where they enlarge (Odena, Dumoulin & Olah 2016).

https://doi.org/10.23915/distill.00003. A network that enlarges by a stride can treat each place of a cell of so
many pixels differently, and a loss on textures welcomes what it then does everywhere alike. Strokes of a brush
begin anywhere; such a pattern begins with the cells.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture

WINDOW = 64
"""Pixels each way over which a pattern must keep in step to count; what begins anywhere cancels out."""


def checkerboard(picture: Picture, stride: int) -> Float[Tensor, " b"]:
    """Measure how much of a picture repeats itself in step with a stride.

    Convention: in half-overlapping Hann windows, the mean of each place of a stride × stride cell; the variance of
    these means, averaged over windows and channels. It is the power, in squared units of the picture, at the
    frequencies that are multiples of 1 / stride. A pattern of ±a at every other pixel comes to a².

    Args:
        picture: `(b, c, height, width)`, no smaller than the stride.
        stride: By how much the network that painted it enlarges, in pixels.
    """
    window = min(WINDOW, *picture.shape[-2:]) // stride * stride
    weights = torch.hann_window(window, device=picture.device) if window > stride else picture.new_ones(window)
    step, cells = max(1, window // 2), (window // stride, stride)
    windows = picture.float().unfold(2, window, step).unfold(3, window, step)
    weighted = windows * (weights[:, None] * weights / (weights.sum() / stride).square())
    places = weighted.unflatten(-1, cells).unflatten(-3, cells).sum(dim=(-4, -2))
    power: Tensor = places.flatten(-2).var(dim=-1, correction=0).flatten(1).mean(dim=1)
    return power
