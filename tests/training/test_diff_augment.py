"""Random changes before a discriminator: the same for all pictures, differentiable, and none of the condition."""

import pytest
import torch

from impasto.training.diff_augment import CUT, SHIFT, DiffAugment

PLAIN = torch.tensor([[0.0, 1.0, 1.0]])
"""Light as it was."""
NOWHERE = torch.tensor([[-99, -99]])


def pictures(channels: int = 3, batch: int = 2, height: int = 32, width: int = 48) -> torch.Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(5)) * 2 - 1


def test_a_change_is_the_same_for_every_picture_and_differs_within_a_batch():
    torch.manual_seed(3)
    change = DiffAugment.drawn(pictures())
    one = pictures()[:1].expand(2, -1, -1, -1)
    first, again = change(one), change(one)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first[0], first[1])
    torch.manual_seed(3)
    torch.testing.assert_close(DiffAugment.drawn(pictures())(one), first, rtol=0, atol=0)
    assert not torch.equal(DiffAugment.drawn(pictures())(one), first)


def test_light_follows_the_paper():
    picture = pictures(batch=1)
    for light, wanted in (
        ((0.3, 1.0, 1.0), picture + 0.3),
        ((0.0, 0.0, 1.0), picture.mean(dim=1, keepdim=True).expand_as(picture)),
        ((0.0, 1.0, 0.5), (picture + picture.mean()) / 2),
        ((0.0, 1.0, 1.0), picture),
    ):
        found = DiffAugment(torch.tensor([light]), torch.zeros(1, 2, dtype=torch.long), NOWHERE)(picture)
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -5), (-4, 6)])
def test_pictures_move_with_what_they_were_made_of(down: int, right: int):
    picture, condition = pictures(batch=1), pictures(5, batch=1)
    found = DiffAugment(PLAIN, torch.tensor([[down, right]]), NOWHERE)(picture, condition)
    wanted = torch.zeros(1, 8, 32, 48)
    both = torch.cat([condition, picture], dim=1)
    for row in range(32):
        for column in range(48):
            if 0 <= row - down < 32 and 0 <= column - right < 48:
                wanted[:, :, row, column] = both[:, :, row - down, column - right]
    torch.testing.assert_close(found, wanted)


def test_a_quarter_is_cut_out_with_what_it_was_made_of():
    picture, condition = pictures(batch=1), pictures(2, batch=1)
    found = DiffAugment(PLAIN, torch.zeros(1, 2, dtype=torch.long), torch.tensor([[4, -10]]))(picture, condition)
    both = torch.cat([condition, picture], dim=1)
    both[:, :, 4:20, :14] = 0  # 16 × 24, of which the first ten columns are outside
    torch.testing.assert_close(found, both)


def test_what_is_drawn_stays_within_its_limits():
    torch.manual_seed(0)
    change = DiffAugment.drawn(pictures(batch=2000))
    for drawn, low, high in zip(change.light.unbind(1), (-0.5, 0.0, 0.5), (0.5, 2.0, 1.5), strict=True):
        assert low <= float(drawn.min()) < low + 0.05 < high - 0.05 < float(drawn.max()) <= high
    for axis, side in enumerate((32, 48)):
        furthest = int(side * SHIFT)
        assert set(change.shift[:, axis].tolist()) == set(range(-furthest, furthest + 1))
        corners = change.corner[:, axis].tolist()
        assert (min(corners), max(corners)) == (-int(side * CUT / 2), side - int(side * CUT / 2))


def test_alpha_keeps_its_light_and_grey_has_no_saturation():
    still = torch.zeros(1, 2, dtype=torch.long)
    change = DiffAugment(torch.tensor([[0.2, 0.5, 1.2]]), still, NOWHERE)
    transparent = pictures(4, batch=1)
    torch.testing.assert_close(change(transparent)[:, 3], transparent[:, 3])
    grey = pictures(1, batch=1)
    only_light = DiffAugment(torch.tensor([[0.2, 1.0, 1.2]]), still, NOWHERE)
    torch.testing.assert_close(change(grey), only_light(grey))


def test_a_generator_learns_through_it():
    picture = pictures(batch=1).double().requires_grad_()
    torch.manual_seed(1)
    change = DiffAugment.drawn(picture)
    assert torch.autograd.gradcheck(lambda seen: change(seen)[:, :, ::7, ::9], picture)
