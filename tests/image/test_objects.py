"""Objects of label maps: told apart, removed, moved, copied, added, made others."""

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from impasto.errors import SettingError
from impasto.image.objects import Maps, add, connected, copy, describe, move, object_at, relabel, remove, replace


def flooded(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number connected areas one pixel after the other."""
    found, number = np.full(labels.shape, -1), 0
    for start in np.ndindex(labels.shape):
        if found[start] >= 0:
            continue
        found[start], waiting = number, deque([start])
        while waiting:
            row, column = waiting.popleft()
            for place in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                inside = 0 <= place[0] < labels.shape[0] and 0 <= place[1] < labels.shape[1]
                if inside and found[place] < 0 and labels[place] == labels[row, column]:
                    found[place] = number
                    waiting.append(place)
        number += 1
    return found


@pytest.mark.parametrize("shape", [(40, 50), (1, 30), (30, 1), (1, 1)])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_connected_areas_are_those_a_flood_finds(shape: tuple[int, int], classes: int):
    labels = np.random.default_rng(classes).integers(0, classes, shape)
    assert np.array_equal(connected(labels), flooded(labels))


def test_a_winding_area_is_one():
    labels = np.zeros((41, 41), np.int64)
    labels[1::2] = 1
    labels[1::4, -1] = labels[3::4, 0] = 0
    assert np.array_equal(connected(labels), flooded(labels))


@pytest.fixture
def street() -> Maps:
    """Sky above a road, and two cars."""
    labels = np.zeros((20, 40), np.int64)
    labels[10:] = 1
    labels[8:13, 5:10] = labels[8:13, 25:30] = 2
    return Maps(labels, connected(labels))


def test_objects_are_described(street: Maps):
    found = describe(street)
    assert [(each.label, each.places) for each in found] == [(0, 380), (2, 25), (2, 25), (1, 370)]
    assert found[1].box == (5, 8, 10, 13) and object_at(street, 7, 9) == found[1].number


def test_what_was_behind_a_removed_object_is_what_is_next_to_it(street: Maps):
    found = remove(street, object_at(street, 7, 9))
    expected = street.labels.copy()
    expected[8:10, 5:10], expected[10:13, 5:10] = 0, 1
    assert (found.labels[:, 5:10] == expected[:, 5:10]).mean() > 0.9
    assert not (found.labels[:, :20] == 2).any() and (found.labels[:, 20:] == street.labels[:, 20:]).all()
    assert {each.number for each in describe(found)} == {0, 2, 3}


def test_an_object_is_moved_and_cut_off_at_the_edge(street: Maps):
    car = object_at(street, 7, 9)
    found = move(street, car, -3, 2)
    assert (found.objects[10:15, 2:7] == car).all() and (found.objects == car).sum() == 25
    assert (move(street, car, -8, 0).objects == car).sum() == 10


def test_a_copy_is_another_object(street: Maps):
    car = object_at(street, 7, 9)
    found, new = copy(street, car, 10, 0)
    assert new == 4 and (found.objects[8:13, 15:20] == new).all() and (found.labels[8:13, 15:20] == 2).all()
    assert (found.objects == car).sum() == 25


def test_objects_are_added_and_made_others(street: Maps):
    found = add(street, 7, (35, 15, 99, 99))
    assert (found.labels == 7).sum() == 25 and object_at(found, 39, 19) == 4
    assert (relabel(found, 4, 3).labels == 3).sum() == 25
    grass = replace(street, 1, 6)
    assert (grass.labels == 6).sum() == 370 and not (grass.labels == 1).any()
    assert np.array_equal(grass.objects, street.objects)


def test_refusals(street: Maps):
    with pytest.raises(SettingError, match=r"there is no object 9; the 4 there are have 0, 1, 2, 3"):
        remove(street, 9)
    with pytest.raises(SettingError, match="would be outside the map, which is 40×20 pixels"):
        move(street, 1, 400, 0)
    with pytest.raises(SettingError, match="40,3 is outside the map"):
        object_at(street, 40, 3)
    with pytest.raises(SettingError, match="nothing of the new object is inside"):
        add(street, 1, (50, 0, 60, 5))
    with pytest.raises(SettingError, match="no place of the map has class 5; there are 0, 1, 2"):
        replace(street, 5, 1)
    with pytest.raises(SettingError, match="fills the whole map"):
        remove(Maps(np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64)), 0)
