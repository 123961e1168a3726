"""Adversarial losses: what a discriminator's verdicts ask of it, and of the generator.

Verdicts are logits of any shape, one for each patch; losses are means over all of them, so that the number of
patches does not matter. A discriminator's loss is not halved here: a method whose paper slows it down so, does it.

- `vanilla`: cross entropy of sigmoid(verdict), the generator's in the form that does not saturate
  (Goodfellow et al. 2014, arXiv:1406.2661).
- `lsgan`: (verdict − 1)² for real, verdict² for fake (Mao et al. 2017, arXiv:1611.04076).
- `hinge`: max(0, 1 − verdict) for real, max(0, 1 + verdict) for fake, −verdict for the generator (Lim & Ye 2017,
  arXiv:1705.02894).
- `wgangp`: −verdict for real, verdict for fake, with `gradient_penalty` (Gulrajani et al. 2017, arXiv:1704.00028).
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from impasto._typing import Features, Scalar
from impasto.errors import check_choice

Adversarial = Literal["vanilla", "lsgan", "hinge", "wgangp"]
Verdicts = Float[Tensor, "..."]


def discriminator_loss(real: Verdicts, fake: Verdicts, kind: Adversarial) -> Scalar:
    """Return what a discriminator minimises: the terms of real and of fake pictures, added.

    Args:
        real: Verdicts on real pictures.
        fake: Verdicts on generated ones, which must be detached from the generator.
        kind: Which loss; see the module.

    Raises:
        SettingError: If there is no such loss.
    """
    check_choice("adversarial", kind, Adversarial)
    real, fake = real.float(), fake.float()
    if kind == "vanilla":
        return softplus(-real).mean() + softplus(fake).mean()
    if kind == "lsgan":
        return (real - 1).square().mean() + fake.square().mean()
    if kind == "hinge":
        return relu(1 - real).mean() + relu(1 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(fake: Verdicts, kind: Adversarial) -> Scalar:
    """Return what a generator minimises.

    Args:
        fake: Verdicts on what it generated.
        kind: Which loss; see the module.

    Raises:
        SettingError: If there is no such loss.
    """
    check_choice("adversarial", kind, Adversarial)
    fake = fake.float()
    if kind == "vanilla":
        return softplus(-fake).mean()
    if kind == "lsgan":
        return (fake - 1).square().mean()
    return -fake.mean()


def verdict_accuracy(real: Verdicts, fake: Verdicts, kind: Adversarial) -> Scalar:
    """Return the share of verdicts that are right, real and fake counting alike.

    Convention: a verdict is for real above what lies halfway between the two targets; for wgangp, which has none,
    above the mean of all verdicts.

    Args:
        real: Verdicts on real pictures.
        fake: Verdicts on generated ones.
        kind: Which loss; see the module.
    """
    real, fake = real.detach().float(), fake.detach().float()
    halfway = {"vanilla": 0.0, "hinge": 0.0, "lsgan": 0.5}.get(kind, (real.mean() + fake.mean()) / 2)
    return ((real > halfway).float().mean() + (fake <= halfway).float().mean()) / 2


def gradient_penalty(
    discriminator: Callable[[Features], Verdicts], real: Features, fake: Features, share: Float[Tensor, " b"]
) -> Scalar:
    """Return how far the discriminator's slope is from 1 between real and generated pictures.

    Convention: (‖∇ D(x)‖₂ − 1)², averaged over the batch, with one x between each fake and its real picture, the
    sum of D's verdicts differentiated, the norm over all channels and places. In fp32, also under autocast: squares
    of half-precision gradients vanish.

    Args:
        discriminator: What is penalised.
        real: `(b, c, height, width)`.
        fake: Of the same shape; nothing flows back into its generator.
        share: How real each x is, in [0, 1]; drawn uniformly.

    Reference: Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.
    """
    with torch.autocast(real.device.type, enabled=False):
        mixed = torch.lerp(fake.detach().float(), real.detach().float(), share[:, None, None, None])
        mixed.requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
        penalty: Tensor = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return penalty


def r1_penalty(discriminator: Callable[[Features], Verdicts], real: Features) -> Scalar:
    """Return how steep the discriminator is where pictures are real.

    Convention: ½ ‖∇ D(x)‖₂², averaged over the batch, the mean of D's verdicts on a picture differentiated, the
    norm over all channels and places. In fp32, also under autocast.

    Args:
        discriminator: What is penalised.
        real: `(b, c, height, width)`.

    Reference: Mescheder, Geiger & Nowozin 2018 (arXiv:1801.04406), equation 9.
    """
    with torch.autocast(real.device.type, enabled=False):
        shown = real.detach().float().requires_grad_()
        verdicts = discriminator(shown).flatten(1).mean(dim=1)
        (slope,) = torch.autograd.grad(verdicts.sum(), shown, create_graph=True)
        penalty: Tensor = 0.5 * slope.flatten(1).square().sum(dim=1).mean()
        return penalty
