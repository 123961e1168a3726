"""L-BFGS over pixels equals the formula it abbreviates, and is quicker where pictures are."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from impasto.nn.lbfgs import (
    BOLDEST,
    CONTRAST,
    LARGEST_STEP,
    LOWEST_FREQUENCY,
    MEMORY,
    PLACE,
    PRIOR,
    PictureLBFGS,
)


def pixels(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 3, height, width, generator=generator, dtype=torch.float64)


def filter_matrix(height: int, width: int) -> Tensor:
    """Return (½ / |f|)^½ as a matrix over all pixels of three channels, from the definition of the transform."""
    rows, columns = torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64)
    kernel = torch.zeros(height, width, dtype=torch.float64)
    for down in range(height):
        for across in range(width):
            cycles = min(down, height - down) / height, min(across, width - across) / width
            gain = math.sqrt(0.5 / min(max(math.hypot(*cycles), LOWEST_FREQUENCY), 0.5))
            wave = torch.cos(2 * math.pi * (down * rows[:, None] / height + across * columns[None] / width))
            kernel += gain * wave / (height * width)
    shifted = [kernel.roll((y, x), (0, 1)).flatten() for y in range(height) for x in range(width)]
    return torch.block_diag(*[torch.stack(shifted)] * 3)


def contrast_matrix(height: int, width: int, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return D = (⟨s²⟩ / ⟨y²⟩)^¼ on a diagonal; ⟨⟩ runs over places and fading steps, from an even prior."""
    places = math.ceil(height / PLACE), math.ceil(width / PLACE)
    averages = [torch.full(places, PRIOR, dtype=torch.float64) for _ in range(2)]
    for pair in pairs:
        for index, values in enumerate(pair):
            squares = torch.zeros(places, dtype=torch.float64)
            for row in range(places[0]):
                for column in range(places[1]):
                    top, bottom = row * height // places[0], -(-(row + 1) * height // places[0])
                    start, end = column * width // places[1], -(-(column + 1) * width // places[1])
                    squares[row, column] = values.view(3, height, width)[:, top:bottom, start:end].square().mean()
            averages[index] = MEMORY * averages[index] + squares / squares.mean()
    ratio = (averages[0] / averages[1]) ** 0.25
    ratio = (ratio / ratio.log().mean().exp()).clamp(1 / CONTRAST, CONTRAST)
    smooth = torch.nn.functional.interpolate(ratio[None, None], size=(height, width), mode="bilinear")
    return torch.diag(smooth.expand(1, 3, height, width).flatten())


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 3), (9, 8)])
@pytest.mark.parametrize(("history", "steps"), [(10, 4), (2, 6), (10, 1)])
def test_a_step_is_that_of_the_dense_formula(height: int, width: int, history: int, steps: int):
    """Nocedal & Wright, equation 6.17, applied to a full matrix over the pairs that are remembered."""
    walker = PictureLBFGS(height, width, history)
    bowl = pixels(height, width, 1).square() + 0.5
    pictures = [pixels(height, width, 10 + index) for index in range(steps + 1)]
    gradients = [bowl * picture for picture in pictures]
    for picture, gradient in zip(pictures, gradients, strict=True):
        found = walker.step(picture, gradient, 1.0)

    flat = [picture.flatten() for picture in pictures], [gradient.flatten() for gradient in gradients]
    moves, changes = ([after - before for before, after in pairwise(one)] for one in flat)
    contrast = contrast_matrix(height, width, list(zip(moves, changes, strict=True)))
    start = contrast @ filter_matrix(height, width) @ contrast
    scale = (moves[-1] @ changes[-1]) / (changes[-1] @ start @ changes[-1])
    inverse, identity = walker.boldness * scale * start, torch.eye(len(start), dtype=torch.float64)
    for move, change in list(zip(moves, changes, strict=True))[-history:]:
        rho = 1 / (move @ change)
        left = identity - rho * torch.outer(move, change)
        inverse = left @ inverse @ left.T + rho * torch.outer(move, move)
    expected = -(inverse @ gradients[-1].flatten()).view_as(found)
    expected *= min(1.0, LARGEST_STEP / expected.square().mean().sqrt().item())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_the_first_step_goes_downhill_carefully():
    gradient = pixels(4, 5)
    step = PictureLBFGS(4, 5).step(pixels(4, 5, 1), gradient, 1.0)
    assert step.abs().mean().item() == pytest.approx(1 / 255)
    torch.testing.assert_close(step / step.norm(), -gradient / gradient.norm())


def test_at_the_bottom_it_stays():
    walker, flat = PictureLBFGS(4, 5), torch.zeros_like(pixels(4, 5))
    for _ in range(3):
        assert not walker.step(pixels(4, 5), flat, 0.0).any()


def test_a_hilltop_teaches_nothing():
    """Where the slope falls along a step there is no bowl; what is proposed still goes downhill."""
    walker, picture = PictureLBFGS(4, 5), pixels(4, 5)
    walker.step(picture, -picture, 1.0)
    gradient = -2 * picture
    step = walker.step(2 * picture, gradient, 0.0)
    assert not walker.pairs
    assert (step * gradient).sum() < 0


def test_it_remembers_no_more_than_its_history():
    walker = PictureLBFGS(4, 5, history=3)
    for index in range(9):
        walker.step(pixels(4, 5, index), 2 * pixels(4, 5, index), 1.0)
    assert len(walker.pairs) == 3


def test_it_is_quicker_than_torchs_where_fine_grain_is_steep():
    """A bowl that bends for a frequency as deep features do: by the square root of it, and unevenly."""
    size, steps = 32, 40
    down, across = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    steepness = (down.square() + across.square()).sqrt().clamp_min(LOWEST_FREQUENCY).sqrt()
    uneven = pixels(size, size, 1).float().exp()
    target, start = 0.1 * pixels(size, size, 2).float(), 0.1 * pixels(size, size, 3).float()

    def loss(picture: Tensor) -> Tensor:
        filtered = torch.fft.irfft2(torch.fft.rfft2(picture - target) * steepness, s=(size, size))
        return (uneven * filtered.square()).mean()

    ours = start.clone().requires_grad_()
    walker = PictureLBFGS(size, size)
    for _ in range(steps):
        value = loss(ours)
        (gradient,) = torch.autograd.grad(value, ours)
        ours = (ours + walker.step(ours.detach(), gradient, value.item())).detach().requires_grad_()

    theirs = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([theirs], max_iter=1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(theirs)
        value.backward()
        return value

    for _ in range(steps):
        optimizer.step(closure)
    assert loss(ours) < 0.8 * loss(theirs) < 0.1 * loss(start)


def test_it_strides_where_the_loss_is_flat_and_treads_softly_where_it_is_steep():
    steep = torch.ones(1, 1, 16, 24, dtype=torch.float64)
    steep[..., 12:] = 100
    walker, picture = PictureLBFGS(16, 24), pixels(16, 24)
    for _ in range(20):
        picture = picture + walker.step(picture, steep * picture, (steep * picture.square()).sum().item())
    assert walker.contrast is not None
    assert walker.contrast[..., :8].min() > 1.5 * walker.contrast[..., 16:].max()


def test_it_grows_bolder_going_down_and_careful_going_up():
    walker, picture, gradient = PictureLBFGS(4, 5), pixels(4, 5), pixels(4, 5, 1)
    for loss in range(100, 0, -1):
        walker.step(picture, gradient, float(loss))
    assert walker.boldness == BOLDEST
    walker.step(picture, gradient, 2.0)
    assert 1 < walker.boldness < BOLDEST
    for loss in range(3, 9):
        walker.step(picture, gradient, float(loss))
    assert walker.boldness == 1
