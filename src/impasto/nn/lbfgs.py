"""L-BFGS for pictures: its first guess of the curvature knows that pictures are smooth.

L-BFGS estimates the inverse Hessian from the last steps. Where they say nothing, in almost every direction of a
picture's space, it needs a guess, usually a multiple of the identity. Losses on deep features bend most for fine
grain and far less for large forms, so here the guess is a filter,

    H₀ = boldness · γ · (½ / |f|)^½     with γ = sᵀy / yᵀH₀y,

where f is the spatial frequency in cycles a pixel. The usual γ fits the stiffest directions, of which max pooling
and ReLU make many; a multiple of it (`boldness`) goes faster once the first steps are behind.

Reference: Nocedal & Wright, "Numerical Optimization", 2006, algorithm 7.4 (two-loop recursion), equation 7.20.
"""

import math
from collections import deque

import torch
from torch import Tensor

from impasto._typing import Picture

HISTORY = 20
"""Steps remembered, each as large as two pictures."""
LOWEST_FREQUENCY = 1 / 32
"""Cycles a pixel below which all counts as equally large."""
FIRST_BOLDNESS, LAST_BOLDNESS = 2.0, 3.0
BOLD_AFTER = 60
"""Steps until the last boldness is reached."""


class PictureLBFGS:
    """Proposes steps over the pixels of one picture; it does not search along them.

    Example:
        >>> walker = PictureLBFGS(picture.shape[-2:])
        >>> picture = picture + walker.step(picture, gradient)
    """

    def __init__(self, height: int, width: int, history: int = HISTORY) -> None:
        self.size = height, width
        down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        self.filter = (0.5 / (down.square() + across.square()).sqrt().clamp(LOWEST_FREQUENCY, 0.5)).sqrt()
        self.pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=history)
        self.before: tuple[Tensor, Tensor] | None = None
        self.scale, self.steps = 1.0, 0

    def step(self, picture: Picture, gradient: Picture) -> Picture:
        """Return what to add to the picture.

        Args:
            picture: Where the gradient was taken, `(1, 3, height, width)`.
            gradient: Of the loss.
        """
        self._learn(picture, gradient)
        self.before = picture.clone(), gradient.clone()
        self.steps += 1
        direction = -gradient
        if not self.pairs:
            return direction / gradient.abs().sum().clamp_min(torch.finfo(gradient.dtype).tiny)
        shares = []
        for step, change, curvature in reversed(self.pairs):
            shares.append(_dot(step, direction) / curvature)
            direction.sub_(change, alpha=shares[-1])
        direction = self._boldness() * self.scale * self._smoothed(direction)
        for (step, change, curvature), share in zip(self.pairs, reversed(shares), strict=True):
            direction.add_(step, alpha=share - _dot(change, direction) / curvature)
        return direction

    def _learn(self, picture: Tensor, gradient: Tensor) -> None:
        if self.before is None:
            return
        step, change = picture - self.before[0], gradient - self.before[1]
        curvature = _dot(step, change)
        if curvature > torch.finfo(torch.float32).eps * math.sqrt(_dot(step, step) * _dot(change, change)):
            self.pairs.append((step, change, curvature))
            self.scale = curvature / _dot(change, self._smoothed(change))

    def _smoothed(self, values: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(values) * self.filter.to(values)
        smoothed: Tensor = torch.fft.irfft2(spectrum, s=self.size)
        return smoothed

    def _boldness(self) -> float:
        return FIRST_BOLDNESS + (LAST_BOLDNESS - FIRST_BOLDNESS) * min(1.0, self.steps / BOLD_AFTER)


def _dot(one: Tensor, other: Tensor) -> float:
    return float(torch.dot(one.flatten(), other.flatten()))
