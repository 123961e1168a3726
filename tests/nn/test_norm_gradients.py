"""Every normalisation has the gradient of its formula: in every layout and precision, for one image and several.

PyTorch's own instance normalisation does not, see `InstanceNorm`. The expected values are central differences of
the formula in float64.
"""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from impasto.nn.blocks import InstanceNorm, norm_layer
from impasto.nn.lean import rectified
from impasto.nn.transform import _normalised

CHANNELS = 6
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.bfloat16: 5e-2}
EPS = 1e-5


def normalised(features: Tensor, dims: tuple[int, ...]) -> Tensor:
    centred = features - features.mean(dims, keepdim=True)
    return centred / (centred.square().mean(dims, keepdim=True) + EPS).sqrt()


def scaled(features: Tensor) -> Tensor:
    gain = torch.linspace(0.5, 2, CHANNELS, dtype=features.dtype).view(1, -1, 1, 1)
    return gain * features + 0.25


def affine(norm: nn.Module) -> nn.Module:
    norm.weight.data, norm.bias.data = torch.linspace(0.5, 2, CHANNELS), torch.full((CHANNELS,), 0.25)
    return norm


def conditional(features: Tensor) -> Tensor:
    gain = torch.linspace(0.5, 2, CHANNELS).view(1, -1, 1, 1)
    return _normalised(features, gain.to(features), torch.full_like(gain, 0.25).to(features))


Layer = Callable[[Tensor], Tensor]
INSTANCE, BATCH = (2, 3), (0, 2, 3)
NORMS: dict[str, tuple[Callable[[], Layer], Layer]] = {
    "instance": (lambda: InstanceNorm(CHANNELS), lambda x: normalised(x, INSTANCE)),
    "affine instance": (
        lambda: affine(InstanceNorm(CHANNELS, affine=True)),
        lambda x: scaled(normalised(x, INSTANCE)),
    ),
    "layer of a discriminator": (lambda: norm_layer("instance", CHANNELS), lambda x: normalised(x, INSTANCE)),
    "batch": (lambda: affine(norm_layer("batch", CHANNELS)), lambda x: scaled(normalised(x, BATCH))),
    "instance, rectified": (
        lambda: lambda x: rectified(InstanceNorm(CHANNELS), x),
        lambda x: normalised(x, INSTANCE).relu(),
    ),
    "conditional instance": (lambda: conditional, lambda x: scaled(normalised(x, INSTANCE))),
}


def directional_derivative(formula: Layer, at: Tensor, gradient: Tensor, direction: Tensor) -> float:
    step = 1e-6
    ahead, behind = ((formula(at + sign * step * direction) * gradient).sum() for sign in (1, -1))
    return float((ahead - behind) / (2 * step))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", NORMS)
def test_gradients_equal_finite_differences(name: str, batch: int, dtype: torch.dtype):
    make, formula = NORMS[name]
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, CHANNELS, 8, 10)
    at, gradient = (torch.randn(shape, dtype=torch.float64, generator=generator).to(dtype) for _ in range(2))
    directions = torch.randn(4, *shape, dtype=torch.float64, generator=generator)
    layer = make()
    if isinstance(layer, nn.Module) and dtype == torch.float64:
        layer = layer.double()
    for of_features, of_gradient in product(LAYOUTS.values(), LAYOUTS.values()):
        features = at.contiguous(memory_format=of_features).detach().requires_grad_()
        layer(features).backward(gradient.contiguous(memory_format=of_gradient))
        found = features.grad.double()
        for direction in directions:
            expected = directional_derivative(formula, at.detach().double(), gradient.double(), direction)
            error = abs(float((found * direction).sum()) - expected)
            assert error <= TOLERANCE[dtype] * float(found.norm()), (of_features, of_gradient)


def test_scale_and_shift_have_their_gradient_where_the_features_need_none():
    at, gradient = torch.randn(2, 1, CHANNELS, 8, 10, generator=torch.Generator().manual_seed(0))
    formula = normalised(at.double(), INSTANCE)
    for of_gradient in LAYOUTS.values():
        layer = affine(InstanceNorm(CHANNELS, affine=True))
        layer(at).backward(gradient.contiguous(memory_format=of_gradient))
        expected = (formula * gradient).sum((0, 2, 3))
        torch.testing.assert_close(layer.weight.grad.double(), expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(layer.bias.grad, gradient.sum((0, 2, 3)), rtol=1e-4, atol=1e-4)
