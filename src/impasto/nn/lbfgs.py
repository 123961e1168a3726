"""L-BFGS for pictures: its first guess of the curvature goes by frequency and by place.

L-BFGS estimates the inverse Hessian from the last steps s and the changes y of the gradient that they made.
Where these say nothing, in almost every direction of a picture's space, it needs a guess, usually a multiple of
the identity. Here the guess is

    H₀ = boldness · γ · D F D     with γ = sᵀy / yᵀ(D F D)y.

- F is a filter, (½ / |f|)^½ for the spatial frequency f in cycles a pixel: losses on deep features bend most for
  fine grain and far less for large forms.
- D = (⟨s²⟩ / ⟨y²⟩)^¼, up to a factor, is taken place by place, over a few pixels and the last steps: the loss can
  bend ten times as much in one place of a picture as in another, most in flat skies where that was looked at.
- The usual γ fits the stiffest directions, of which max pooling and ReLU make many; a multiple of it (`boldness`,
  from 1 to 3) goes faster as long as the loss does not rise.

Reference: Nocedal & Wright, "Numerical Optimization", 2006, algorithm 7.4 (two-loop recursion), equation 7.20.
"""

import math
from collections import deque

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from impasto._typing import Picture

HISTORY = 20
"""Steps remembered, each as large as two pictures."""
FIRST_STEP = 1 / 255
"""Mean change of a value before anything is known: far less, and rounding hides what there is to learn."""
LARGEST_STEP = 0.1
"""Root mean square of a step: one that leaps over the whole range of pixels does not come back."""
LOWEST_FREQUENCY = 1 / 32
"""Cycles a pixel below which all counts as equally large."""
PLACE = 4
"""Pixels each way over which places are told apart."""
MEMORY = 0.95
"""What a step counts for when places are told apart, one step later."""
PRIOR = 5.0
"""How many steps' worth of belief there is at the start that all places are alike."""
CONTRAST = 2.0
"""D lies between this and one over it."""
BOLDEST = 3.0
GROWTH, CAUTION = 1.05, 0.8
"""What boldness is multiplied by after a step that led down, and after one that led up; it is never below 1."""


class PictureLBFGS:
    """Proposes steps over the pixels of one picture; it does not search along them.

    Example:
        >>> walker = PictureLBFGS(*picture.shape[-2:])
        >>> picture = picture + walker.step(picture, gradient, loss)
    """

    def __init__(self, height: int, width: int, history: int = HISTORY, first_step: float = FIRST_STEP) -> None:
        self.size, self.first_step = (height, width), first_step
        down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        self.filter = (0.5 / (down.square() + across.square()).sqrt().clamp(LOWEST_FREQUENCY, 0.5)).sqrt()
        self.places = math.ceil(height / PLACE), math.ceil(width / PLACE)
        self.moved, self.answered = (torch.full((1, 1, *self.places), PRIOR) for _ in range(2))
        self.contrast: Tensor | None = None
        self.pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=history)
        self.before: tuple[Tensor, Tensor] | None = None
        self.scale, self.boldness, self.loss = 1.0, 1.0, math.inf

    def step(self, picture: Picture, gradient: Picture, loss: float) -> Picture:
        """Return what to add to the picture.

        Args:
            picture: Where the gradient was taken, `(1, 3, height, width)`.
            gradient: Of the loss.
            loss: There.
        """
        self._learn(picture, gradient)
        self.boldness = max(1.0, min(BOLDEST, self.boldness * (GROWTH if loss <= self.loss else CAUTION)))
        self.before, self.loss = (picture.clone(), gradient.clone()), loss
        direction = -gradient
        if not self.pairs:
            return direction * (self.first_step / gradient.abs().mean().clamp_min(torch.finfo(gradient.dtype).tiny))
        shares = []
        for step, change, curvature in reversed(self.pairs):
            shares.append(_dot(step, direction) / curvature)
            direction.sub_(change, alpha=shares[-1])
        direction = self.boldness * self.scale * self._smoothed(direction)
        for (step, change, curvature), share in zip(self.pairs, reversed(shares), strict=True):
            direction.add_(step, alpha=share - _dot(change, direction) / curvature)
        length = direction.square().mean().sqrt()
        return direction * (LARGEST_STEP / length).clamp(max=1.0)

    def _learn(self, picture: Tensor, gradient: Tensor) -> None:
        if self.before is None:
            return
        step, change = picture - self.before[0], gradient - self.before[1]
        curvature = _dot(step, change)
        if curvature > torch.finfo(torch.float32).eps * math.sqrt(_dot(step, step) * _dot(change, change)) > 0:
            self.pairs.append((step, change, curvature))
            self._tell_places_apart(step, change)
            self.scale = curvature / _dot(change, self._smoothed(change))

    def _tell_places_apart(self, step: Tensor, change: Tensor) -> None:
        self.moved = MEMORY * self.moved.to(step) + self._shares(step)
        self.answered = MEMORY * self.answered.to(step) + self._shares(change)
        softness = (self.moved / self.answered).log()
        softness = ((softness - softness.mean()) / 4).exp().clamp(1 / CONTRAST, CONTRAST)
        self.contrast = interpolate(softness, size=self.size, mode="bilinear")

    def _shares(self, values: Tensor) -> Tensor:
        """Return the mean square of every place over that of the whole picture."""
        squares = adaptive_avg_pool2d(values.square().mean(dim=1, keepdim=True), self.places)
        return squares / squares.mean() + torch.finfo(values.dtype).eps

    def _smoothed(self, values: Tensor) -> Tensor:
        contrast = 1.0 if self.contrast is None else self.contrast
        spectrum = torch.fft.rfft2(contrast * values) * self.filter.to(values)
        smoothed: Tensor = torch.fft.irfft2(spectrum, s=self.size)
        return contrast * smoothed


def _dot(one: Tensor, other: Tensor) -> float:
    return float(torch.dot(one.flatten(), other.flatten()))
