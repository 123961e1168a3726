"""What keeps less for the backward pass gives what PyTorch's layers give."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from impasto.nn.lean import rectified, reflected
from impasto.nn.resnet import ResnetBlock

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def drawn(batch: int = 2, layout: torch.memory_format = torch.contiguous_format) -> Tensor:
    plane = torch.randn(batch, 4, 6, 9, generator=torch.Generator().manual_seed(batch))
    return plane.to(memory_format=layout).requires_grad_()


def with_slope(layer: Callable[[Tensor], Tensor], features: Tensor) -> list[Tensor]:
    found = layer(features)
    weights = torch.linspace(-1, 2, found.numel()).view_as(found)
    return [found, *torch.autograd.grad((found * weights).sum(), features)]


def kept_by(layer: Callable[[Tensor], Tensor], features: Tensor) -> int:
    """Numbers that a layer keeps for the backward pass, apart from its weights."""
    kept = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = layer(features)
        assert result.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_normalisation_and_what_rectifies_it(layout, batch):
    norm, features = nn.InstanceNorm2d(4), drawn(batch, layout)
    found, wanted = (
        with_slope(layer, features) for layer in (lambda x: rectified(norm, x), lambda x: relu(norm(x)))
    )
    torch.testing.assert_close(found, wanted)
    assert 0 < int((found[0] == 0).sum()) < found[0].numel()


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.InstanceNorm2d(4, affine=True), nn.Identity()])
def test_other_normalisations_are_rectified_too(norm):
    torch.testing.assert_close(rectified(norm, drawn()), relu(norm(drawn())), rtol=0, atol=0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("border", [1, 3])
def test_a_border(layout, border):
    features = drawn(2, layout)
    found = with_slope(lambda x: reflected(x, border), features)
    wanted = with_slope(lambda x: pad(x, (border,) * 4, mode="reflect"), features)
    torch.testing.assert_close(found, wanted)
    assert kept_by(lambda x: reflected(x, border), features) == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_block_keeps_four_planes(layout):
    """Of each half what it convolves, with its border, and what it normalises."""
    channels, side = 64, 32
    plane = torch.randn(1, channels, side, side).to(memory_format=layout).requires_grad_()
    kept = kept_by(ResnetBlock(channels, "instance", dropout=False), plane)
    bordered = (side + 2) ** 2 / side**2
    assert kept <= plane.numel() * (2 + 2 * bordered) + 8 * channels
