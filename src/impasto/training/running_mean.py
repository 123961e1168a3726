"""A running mean of weights that soon forgets how the network began."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Average = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]
"""Changes means in place by what is there now, after so many updates."""


def running_mean(decay: float) -> Average:
    """Return what `torch.optim.swa_utils.AveragedModel` averages with: an exponential mean with a warm start.

    After n updates the mean keeps min(decay, (1 + n) / (10 + n)) of itself: with 0.999 alone a third of it would be
    what was drawn before the training even after 1,000 steps. The rule is TensorFlow's
    (`tf.train.ExponentialMovingAverage` with `num_updates`).

    Args:
        decay: Share of the mean that stays in every update, in the long run, in [0, 1).
    """

    @torch.no_grad()
    def update(means: Sequence[Tensor], values: Sequence[Tensor], updates: Tensor | int) -> None:
        new = (9 / (10 + torch.as_tensor(updates))).clamp(min=1 - decay)
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, new.to(mean))
            else:
                mean.copy_(value)

    return update
