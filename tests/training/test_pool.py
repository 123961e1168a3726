"""The pool of earlier fakes: how many of what it shows are old, what it keeps, and that it goes on exactly."""

import pytest
import torch

from impasto.training.pool import ImagePool


def fakes(first: int, count: int = 1) -> torch.Tensor:
    """Return pictures that are all of one number each."""
    return torch.arange(first, first + count, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def numbers(pictures: torch.Tensor) -> list[int]:
    return [int(number) for number in pictures[:, 0, 0, 0].tolist()]


def test_half_of_what_is_shown_is_old_once_it_is_full():
    torch.manual_seed(0)
    pool = ImagePool(50)
    for place in range(50):
        assert numbers(pool(fakes(place))) == [place], "while it fills up, the new ones are shown"
    shown = [numbers(pool(fakes(place)))[0] for place in range(50, 4050)]
    ages = [place - number for place, number in enumerate(shown, start=50)]
    old = [age for age in ages if age]
    assert min(ages) == 0 and len(set(shown)) < 4050
    assert len(old) / len(ages) == pytest.approx(0.5, abs=0.03)  # four deviations are 0.032
    # a kept fake is taken with probability 1/100 a turn, so that it waits 100 turns
    assert sum(old) / len(old) == pytest.approx(100, rel=0.12)
    assert len(old) == len({number for number, age in zip(shown, ages, strict=True) if age}), "none is shown twice"


def test_a_batch_is_shown_one_by_one():
    torch.manual_seed(1)
    pool = ImagePool(4)
    shown = [number for place in range(0, 400, 8) for number in numbers(pool(fakes(place, 8)))]
    assert len(shown) == 400 and shown[:4] == [0, 1, 2, 3]
    assert 150 < sum(number != place for place, number in enumerate(shown)) < 250


def test_it_goes_on_where_it_was():
    torch.manual_seed(2)
    pool = ImagePool(5)
    for place in range(20):
        pool(fakes(place))
    again = ImagePool(5)
    again.load_state_dict(pool.state_dict(), torch.device("cpu"))
    state = torch.get_rng_state()
    first = [numbers(pool(fakes(place))) for place in range(20, 60)]
    torch.set_rng_state(state)
    assert [numbers(again(fakes(place))) for place in range(20, 60)] == first
    empty = ImagePool(5)
    empty.load_state_dict(ImagePool(5).state_dict(), torch.device("cpu"))
    assert numbers(empty(fakes(3))) == [3]


def test_what_is_kept_has_no_graph_and_is_its_own():
    pool = ImagePool(1)
    fake = fakes(1).clone().requires_grad_()
    pool(fake * 2)
    with torch.no_grad():
        fake.zero_()
    (kept,) = pool.state_dict().values()
    assert not kept.requires_grad and numbers(kept) == [2]


def test_without_room_the_new_ones_are_shown():
    pool = ImagePool(0)
    new = fakes(0, 3)
    assert pool(new) is new and pool.state_dict() == {}
