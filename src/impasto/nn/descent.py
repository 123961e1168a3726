"""Gradient descent over the pixels of a picture, with the best picture kept."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from impasto._typing import Picture
from impasto.errors import ImpastoError
from impasto.nn.lbfgs import FIRST_STEP, PictureLBFGS

Optimizer = Literal["lbfgs", "adam"]

DIVERGED = 10.0
"""A loss this many times the best one: L-BFGS has lost its way and starts anew from the best picture."""


def minimise(
    objective: Callable[[Picture], Mapping[str, Tensor]],
    picture: Picture,
    steps: int,
    report: Callable[[Mapping[str, float], Picture], None],
    optimizer: Optimizer = "lbfgs",
    learning_rate: float = 0.02,
) -> Picture:
    """Walk downhill over the pixels and return the best picture met.

    The optimiser walks freely; the objective sees the pixels clamped to [0, 1], and what lies outside is pulled
    back by its squared distance. Clamping after the walk would spoil the colours.

    Args:
        objective: Gives the terms to sum, for a picture in [0, 1].
        picture: Where to start; it is not changed.
        steps: Evaluations of the objective.
        report: Called with the terms, their `total`, and the best picture so far, after every step.
        optimizer: L-BFGS needs the fewest steps; Adam keeps no history.
        learning_rate: Of Adam, in units of pixel values; L-BFGS finds its own.

    Raises:
        ImpastoError: If the loss is not finite from the start.
    """
    pixels = picture.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    best, lowest = picture.detach().clone(), math.inf
    first_step = FIRST_STEP
    walk = _walk(pixels, optimizer, learning_rate, first_step)
    for _ in range(steps):
        inside = pixels.clamp(0, 1)
        parts = objective(inside)
        total = torch.stack([*parts.values()]).sum()
        pixels.grad = None
        (total + (pixels - inside).square().mean()).backward()
        terms = {name: float(part.detach()) for name, part in parts.items()} | {"total": float(total.detach())}
        loss = terms["total"]
        if loss < lowest:
            best, lowest = inside.detach().clone(), loss
        if loss < DIVERGED * lowest:
            walk(loss)
        elif lowest == math.inf:
            raise ImpastoError(f"the loss is {loss} at the start; choose smaller weights, or fp32 precision")
        else:
            with torch.no_grad():
                pixels.copy_(best)
            # near the bottom even a level of 8 bits may be a leap
            first_step /= 10
            walk = _walk(pixels, optimizer, learning_rate, first_step)
        report(terms, best)
    return best


def _walk(
    pixels: Tensor, optimizer: Optimizer, learning_rate: float, first_step: float
) -> Callable[[float], object]:
    """Return what takes one step from the pixels along their gradient."""
    if optimizer == "adam":
        adam = torch.optim.Adam([pixels], lr=learning_rate)
        return lambda loss: adam.step()
    lbfgs = PictureLBFGS(pixels.shape[-2], pixels.shape[-1], first_step=first_step)

    def walk(loss: float) -> None:
        assert pixels.grad is not None
        with torch.no_grad():
            pixels.add_(lbfgs.step(pixels.detach(), pixels.grad, loss))

    return walk
