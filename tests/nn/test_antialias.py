"""Halving and doubling as CUT's generator does: against the filters written out, and against aliasing."""

import weakref

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, pad

from impasto.nn import antialias
from impasto.nn.antialias import doubled, doubled_by, doubled_in_strips, halved, halved_in_strips
from impasto.nn.resnet import ResnetGenerator
from impasto.nn.strips import Source


def features(height: int = 12, width: int = 16) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_halving_is_a_blur_of_which_every_other_place_is_kept():
    line = torch.tensor([1.0, 2.0, 1.0])
    kernel = (torch.outer(line, line) / 16).expand(3, 1, 3, 3)
    wanted = conv2d(pad(features(), (1, 1, 1, 1), mode="reflect"), kernel, groups=3)[:, :, ::2, ::2]
    torch.testing.assert_close(halved(features()), wanted)


def test_doubling_is_a_transposed_blur():
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (torch.outer(line, line) / 16).expand(3, 1, 4, 4)
    continued = pad(features(), (1, 1, 1, 1), mode="replicate")
    wanted = conv_transpose2d(continued, kernel, stride=2, padding=2, groups=3)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(doubled(features()), wanted)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("height", "width"), [(12, 16), (9, 8), (6, 7)])
def test_slopes_of_halving_are_those_of_the_blur(layout, height, width):
    given = features(height, width)[:1].double().to(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(halved, given)


def test_what_is_doubled_is_not_kept_but_made_again(monkeypatch):
    torch.manual_seed(0)
    made = []

    def watched(given: torch.Tensor) -> torch.Tensor:
        twice = doubled(given)
        made.append(weakref.ref(twice))
        return twice

    monkeypatch.setattr(antialias, "doubled", watched)
    convolution, given = torch.nn.Conv2d(3, 4, 3, padding=1), features().requires_grad_()
    found = doubled_by(convolution, given)
    assert [twice() for twice in made] == [None]
    parameters = (given, *convolution.parameters())
    wanted = torch.autograd.grad(convolution(doubled(given)).square().sum(), parameters)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), parameters), wanted)
    assert len(made) == 2


def test_stripes_as_fine_as_the_places_turn_grey():
    """Leaving places out without a blur would make them all black or all white."""
    stripes = (torch.arange(16) % 2).float().expand(1, 1, 16, 16)
    torch.testing.assert_close(halved(stripes), torch.full((1, 1, 8, 8), 0.5))


@pytest.mark.parametrize("rows", [1, 3, 4])
def test_strips_are_the_whole(rows: int):
    whole = features()[:1]
    source = Source(lambda top, bottom: whole[:, :, top:bottom], 3, 12, 16)
    for function, in_strips in ((halved, halved_in_strips), (doubled, doubled_in_strips)):
        wanted, found = function(whole), in_strips(source)
        assert (found.height, found.width) == wanted.shape[2:]
        tops = range(0, found.height, rows)
        pieces = [found.read(top, min(top + rows, found.height)) for top in tops]
        torch.testing.assert_close(torch.cat(pieces, dim=2), wanted)


def test_a_generator_with_it_has_the_papers_number_of_weights():
    generator = ResnetGenerator(3, 3, 4, 9, antialiased=True)
    assert generator(torch.zeros(1, 3, 64, 32)).shape == (1, 3, 64, 32)
    with torch.device("meta"):
        assert sum(each.numel() for each in ResnetGenerator(3, 3, antialiased=True).parameters()) == 11_378_179
