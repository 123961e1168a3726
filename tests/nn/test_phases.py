"""Convolutions computed at half the resolution give what the plain layers give, gradients included."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from impasto.nn.phases import convolve_enlarged, convolve_four_places


def enlarged_plainly(features: Tensor, convolution: nn.Conv2d) -> Tensor:
    larger = interpolate(features, scale_factor=2, mode="nearest")
    return convolution(pad(larger, (1, 1, 1, 1), mode="reflect"))


def enlarged(features: Tensor, convolution: nn.Conv2d) -> Tensor:
    return convolve_enlarged(pad(features, (1, 1, 1, 1), mode="replicate"), convolution)


def assert_same(one: Callable[..., Tensor], other: Callable[..., Tensor], convolution: nn.Conv2d, features: Tensor):
    results = []
    for compute in (one, other):
        features.grad = None
        convolution.zero_grad()
        result = compute(features, convolution)
        (result * torch.linspace(-1, 2, result.numel(), dtype=result.dtype).view_as(result)).sum().backward()
        assert features.grad is not None
        gradients = [parameter.grad for parameter in convolution.parameters()]
        results.append([result.detach(), features.grad.clone(), *gradients])
    assert len(results[0]) == len(results[1]) >= 3
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 7), (6, 3)])
def test_an_enlarged_picture_convolved(height: int, width: int, layout: torch.memory_format):
    torch.manual_seed(0)
    convolution = nn.Conv2d(5, 4, 3, dtype=torch.float64)
    features = torch.randn(2, 5, height, width, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    assert_same(enlarged, enlarged_plainly, convolution, features)
    assert enlarged(features, convolution).shape == (2, 4, 2 * height, 2 * width)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kernel", [1, 3, 4, 9])
def test_four_places_at_a_time(kernel: int, bias: bool):
    torch.manual_seed(0)
    convolution = nn.Conv2d(6, 3, kernel, bias=bias, dtype=torch.float64)
    features = torch.randn(2, 6, 7 + kernel, 3 + kernel, dtype=torch.float64, requires_grad=True)
    assert_same(convolve_four_places, lambda given, layer: layer(given), convolution, features)


def test_the_result_keeps_channels_last():
    convolution = nn.Conv2d(16, 8, 3).to(memory_format=torch.channels_last)
    features = torch.randn(1, 16, 6, 6).to(memory_format=torch.channels_last)
    assert convolve_enlarged(features, convolution).is_contiguous(memory_format=torch.channels_last)
