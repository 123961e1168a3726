"""Descent over pixels: it arrives, it keeps the best, it survives an objective that explodes."""

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from impasto.errors import ImpastoError
from impasto.nn.descent import minimise

OPTIMIZERS = ("lbfgs", "adam")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def ignore(losses: Mapping[str, float], picture: Tensor) -> None:
    pass


def distance_to(target: Tensor) -> Callable[[Tensor], Mapping[str, Tensor]]:
    """Return a badly scaled bowl around a picture, of two terms."""
    steepness = torch.linspace(0.1, 10, target.numel()).view_as(target)

    def objective(picture: Tensor) -> dict[str, Tensor]:
        squares = (picture - target).square()
        return {"steep": (steepness * squares).mean(), "even": squares.mean()}

    return objective


@pytest.mark.parametrize(("optimizer", "steps", "near"), [("lbfgs", 60, 1e-3), ("adam", 200, 2e-2)])
def test_it_arrives(optimizer, steps, near):
    start, target = noise(1, 3, 8, 9), noise(1, 3, 8, 9, seed=1)
    before = start.clone()
    found = minimise(distance_to(target), start, steps, ignore, optimizer=optimizer)
    assert (found - target).abs().max() < near
    assert torch.equal(start, before)
    assert not found.requires_grad


def test_lbfgs_needs_fewer_steps_than_adam():
    start, target = noise(1, 3, 8, 9), noise(1, 3, 8, 9, seed=1)
    objective = distance_to(target)
    left = {
        optimizer: sum(objective(minimise(objective, start, 30, ignore, optimizer=optimizer)).values()).item()
        for optimizer in OPTIMIZERS
    }
    assert left["lbfgs"] < 0.1 * left["adam"]


def test_the_learning_rate_is_adams():
    start, target = noise(1, 3, 8, 9), noise(1, 3, 8, 9, seed=1)
    for rate in (0.01, 0.05):
        moved = []
        minimise(
            distance_to(target),
            start,
            2,
            lambda _, picture, moved=moved: moved.append(picture),
            optimizer="adam",
            learning_rate=rate,
        )
        # Adam's first step is its rate in every pixel, whatever the slope
        inside = (start > 0.1) & (start < 0.9)
        assert (moved[1] - moved[0]).abs()[inside].mean().item() == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_stays_a_picture_when_the_bottom_lies_outside(optimizer):
    """The objective sees values in [0, 1] only, and the nearest allowed picture is found."""
    target = 3 * noise(1, 3, 8, 9, seed=1) - 1
    seen = []

    def objective(picture: Tensor) -> Mapping[str, Tensor]:
        seen.append((picture.min().item(), picture.max().item()))
        return {"distance": (picture - target).square().mean()}

    found = minimise(objective, noise(1, 3, 8, 9), 150, ignore, optimizer=optimizer, learning_rate=0.05)
    assert min(low for low, _ in seen) >= 0
    assert max(high for _, high in seen) <= 1
    assert (found - target.clamp(0, 1)).abs().max() < 0.03


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_pixels_beyond_the_range_come_back(optimizer):
    """Clamped pixels have no gradient of their own; the pull towards the range frees them again."""
    count = 0

    def objective(picture: Tensor) -> Mapping[str, Tensor]:
        nonlocal count
        count += 1
        # first beyond white, then grey; ever smaller, so that the latest picture is the best one
        return {"distance": (picture - (0.5 if count > 15 else 1.6)).square().mean() / count}

    pictures = []
    start = noise(1, 3, 4, 4)
    minimise(objective, start, 400, lambda _, best: pictures.append(best), optimizer=optimizer, learning_rate=0.1)
    assert pictures[14].mean() > 0.95
    assert (pictures[-1] - 0.5).abs().max() < 0.1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_step_is_reported_with_its_terms_and_the_best_picture(optimizer):
    objective, reports, copies = distance_to(noise(1, 3, 8, 9, seed=1)), [], []

    def report(losses: Mapping[str, float], picture: Tensor) -> None:
        reports.append((losses, picture))
        copies.append(picture.clone())

    found = minimise(objective, noise(1, 3, 8, 9), 17, report, optimizer=optimizer, learning_rate=0.3)
    assert len(reports) == 17
    lowest = math.inf
    for (losses, picture), copy in zip(reports, copies, strict=True):
        assert set(losses) == {"steep", "even", "total"}
        assert all(type(value) is float for value in losses.values())
        assert losses["total"] == pytest.approx(losses["steep"] + losses["even"], rel=1e-6)
        lowest = min(lowest, losses["total"])
        assert torch.equal(picture, copy), "a reported picture is the listener's own"
        assert sum(objective(picture).values()).item() == pytest.approx(lowest, rel=1e-6)
    assert torch.equal(found, reports[-1][1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("explosion", [math.nan, math.inf, 1e12])
def test_after_an_explosion_it_starts_anew_from_the_best(optimizer, explosion):
    """One evaluation in the middle explodes, value and gradient; the next one is at the best picture."""
    bowl, seen, totals = distance_to(noise(1, 3, 8, 9, seed=1)), [], []

    def objective(picture: Tensor) -> Mapping[str, Tensor]:
        seen.append(picture.detach().clone())
        factor = explosion if len(seen) == 6 else 1.0
        return {name: factor * term for name, term in bowl(picture).items()}

    pictures = []

    def report(losses: Mapping[str, float], picture: Tensor) -> None:
        totals.append(losses["total"])
        pictures.append(picture)

    found = minimise(objective, noise(1, 3, 8, 9), 60, report, optimizer=optimizer)
    assert not totals[5] < 1e6
    assert torch.equal(pictures[5], pictures[4])
    torch.testing.assert_close(seen[6], pictures[5])
    assert min(totals[6:]) < 0.5 * min(totals[:5]), "and it goes on downhill"
    assert sum(bowl(found).values()).item() == pytest.approx(min(totals), rel=1e-6)


def test_an_objective_that_explodes_everywhere_but_at_the_start_gives_the_start():
    start = noise(1, 3, 8, 9) * 0.5 + 0.25

    def objective(picture: Tensor) -> Mapping[str, Tensor]:
        moved = (picture - start).abs().max()
        return {"only": picture.mean() * (1 if moved < 1e-6 else math.nan)}

    for optimizer in OPTIMIZERS:
        assert torch.equal(minimise(objective, start, 9, ignore, optimizer=optimizer), start)


def test_lbfgs_diverging_of_itself_still_gives_the_best():
    """A steep wall near a flat floor: without line search L-BFGS leaps; what comes back is never worse."""
    start = noise(1, 3, 6, 6)

    def objective(picture: Tensor) -> Mapping[str, Tensor]:
        return {"wall": (40 * (picture - 0.6)).cosh().log().square().sum() + (picture - 0.5).pow(4).sum()}

    totals = []
    found = minimise(objective, start, 60, lambda losses, _: totals.append(losses["total"]))
    assert found.isfinite().all()
    assert objective(found)["wall"].item() == pytest.approx(min(totals), rel=1e-5)
    assert min(totals) < 0.1 * totals[0]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_loss_that_is_not_finite_at_the_start_is_an_error(loss, optimizer):
    with pytest.raises(ImpastoError, match=f"^the loss is {loss} at the start; choose smaller weights") as caught:
        minimise(lambda picture: {"only": loss * picture.sum()}, noise(1, 3, 4, 4), 5, ignore, optimizer=optimizer)
    assert "\n" not in str(caught.value)


def test_what_is_raised_comes_through():
    class CancelError(Exception):
        pass

    def cancel(losses: Mapping[str, float], picture: Tensor) -> None:
        raise CancelError

    with pytest.raises(CancelError):
        minimise(distance_to(noise(1, 3, 4, 4)), noise(1, 3, 4, 4), 5, cancel)


def test_any_layout_will_do():
    start, target = noise(2, 3, 8, 9), noise(2, 3, 8, 9, seed=1)
    expected = minimise(distance_to(target), start, 5, ignore)
    for other in (start.contiguous(memory_format=torch.channels_last), start.mT.contiguous().mT):
        torch.testing.assert_close(minimise(distance_to(target), other, 5, ignore), expected)


def test_one_step_looks_and_does_not_move():
    """Steps are evaluations: the picture after the last one was never looked at, so it cannot be the best."""
    start = noise(1, 3, 4, 4)
    assert torch.equal(minimise(distance_to(noise(1, 3, 4, 4, seed=1)), start, 1, ignore), start)
