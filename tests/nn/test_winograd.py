"""Winograd's convolution is the plain one: results and gradients, in every layout, and learnt with."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrizations import spectral_norm

from impasto.methods.stargan import DomainGenerator
from impasto.nn import winograd
from impasto.nn.blocks import InstanceNorm
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.winograd import Conv3x3, convolve

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


def with_gradients(found: Tensor, *given: Tensor) -> list[Tensor]:
    return [found, *torch.autograd.grad(found, given, drawn(*found.shape, dtype=found.dtype))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(6, 6), (9, 7), (18, 31)])
@pytest.mark.parametrize("strip", [1, 10**9])
def test_it_is_the_plain_convolution(layout, padding, height, width, strip, monkeypatch):
    monkeypatch.setattr(winograd, "STRIP", strip)
    features = drawn(2, 3, height, width, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    weight = drawn(5, 3, 3, 3, dtype=torch.float64).requires_grad_()
    bias = drawn(5, dtype=torch.float64).requires_grad_()
    given = (features, weight, bias)
    wanted = with_gradients(conv2d(*given, padding=padding), *given)
    for found, plain in zip(with_gradients(convolve(*given, padding), *given), wanted, strict=True):
        torch.testing.assert_close(found, plain, rtol=1e-11, atol=1e-11)


def test_gradients_of_what_needs_them_alone():
    weight = drawn(5, 3, 3, 3).requires_grad_()
    slope = with_gradients(convolve(drawn(1, 3, 8, 8), weight), weight)[1]
    wanted = with_gradients(conv2d(drawn(1, 3, 8, 8), weight), weight)[1]
    torch.testing.assert_close(slope, wanted, rtol=1e-4, atol=1e-4)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        (again,) = torch.autograd.grad(
            convolve(drawn(1, 3, 8, 8), weight).square().sum(), weight, create_graph=True
        )
        again.sum().backward()


def test_rounding_stays_small_between_many_channels():
    features, weight = drawn(1, 256, 34, 34), 0.02 * drawn(256, 256, 3, 3)
    wanted = conv2d(features.double(), weight.double())
    error = (convolve(features, weight).double() - wanted).abs().max() / wanted.abs().max()
    assert 0 < error < 2e-5


def test_it_is_used_to_learn_and_for_nothing_else(monkeypatch):
    torch.manual_seed(0)
    used = []
    monkeypatch.setattr(winograd, "convolve", lambda *given: used.append(given) or convolve(*given))
    layer, features = Conv3x3(64, 64, padding=1), drawn(1, 64, 24, 24)
    learning = layer(features)
    assert len(used) == 1
    with torch.no_grad():
        plain = layer(features)
    layer(features[:, :, :16, :16])  # of few places
    Conv3x3(63, 64)(features[:, :63])  # of few channels
    layer.double()(features.double())
    layer.float().requires_grad_(False)(features)
    with torch.autocast("cpu", torch.bfloat16):
        layer.requires_grad_(True)(features)
    assert len(used) == 1
    torch.testing.assert_close(learning, plain, rtol=1e-4, atol=1e-4)


def test_spectral_normalisation_takes_one_step_each_time():
    torch.manual_seed(0)
    ours = spectral_norm(Conv3x3(64, 64, padding=1))
    plain = spectral_norm(nn.Conv2d(64, 64, 3, padding=1))
    plain.load_state_dict(ours.state_dict())
    for _ in range(2):
        ours(drawn(1, 64, 24, 24)), plain(drawn(1, 64, 24, 24))
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_instance_normalisation_in_any_layout(affine, batch):
    ours, plain = (kind(4, affine=affine) for kind in (InstanceNorm, nn.InstanceNorm2d))
    if affine:
        nn.init.normal_(ours.weight), nn.init.normal_(ours.bias)
        plain.load_state_dict(ours.state_dict())
    found, wanted = [], []
    for layout in LAYOUTS:
        features = drawn(batch, 4, 6, 5).to(memory_format=layout).requires_grad_()
        found += with_gradients(ours(features), features, *ours.parameters())
        wanted += with_gradients(plain(features), features, *plain.parameters())
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("network", ["resnet", "antialiased", "domains"])
def test_networks_learn_the_same(network, monkeypatch):
    torch.manual_seed(0)
    if network == "domains":
        generator, picture = DomainGenerator(2, 16, 2), drawn(2, 5, 64, 64)
    else:
        generator = ResnetGenerator(3, 3, 16, 2, antialiased=network == "antialiased")
        picture = drawn(2, 3, 64, 64)
    given = (picture.requires_grad_(), *generator.parameters())
    learnt = with_gradients(generator(picture), *given)
    monkeypatch.setattr(winograd, "LEAST", 10**9)
    wanted = with_gradients(generator(picture), *given)
    assert not torch.equal(learnt[0], wanted[0])
    for found, plain in zip(learnt, wanted, strict=True):
        off = (found - plain).detach().norm()
        # rounding makes some ReLU turn, and is all there is to slopes of biases before a normalisation
        assert off < 1e-2 * plain.detach().norm() + 1e-2
