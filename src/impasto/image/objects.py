"""Objects of label maps: found where no map of instances tells them, and removed, moved, copied, made others.

A label map says what stands at each place, a map of instances which object it belongs to. To edit a picture that a
network paints of them, both are edited (Wang et al. 2018, arXiv:1711.11585, section 3.4).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from impasto.errors import SettingError
from impasto.image.labels import Ids


class Maps(NamedTuple):
    """What stands where.

    Attributes:
        labels: The class of each place.
        objects: The number of the object that each place belongs to.
    """

    labels: Ids
    objects: Ids


class Described(NamedTuple):
    """An object of a map.

    Attributes:
        number: What it is called by.
        label: Its class: that of most of its places.
        places: How many pixels it has.
        box: Left, top, right and bottom, in pixels; right and bottom are the first outside.
    """

    number: int
    label: int
    places: int
    box: tuple[int, int, int, int]


def connected(labels: Ids) -> Ids:
    """Return the number of the connected area of one class that each place belongs to, from 0 in reading order.

    Areas are connected through the four sides of a pixel.
    """
    area = np.arange(labels.size).reshape(labels.shape)
    across, down = labels[:, 1:] == labels[:, :-1], labels[1:] == labels[:-1]
    while True:
        lowest = area.copy()
        for alike, here, there in (
            (across, np.s_[:, 1:], np.s_[:, :-1]),
            (across, np.s_[:, :-1], np.s_[:, 1:]),
            (down, np.s_[1:], np.s_[:-1]),
            (down, np.s_[:-1], np.s_[1:]),
        ):
            lowest[here] = np.minimum(lowest[here], np.where(alike, area[there], labels.size))
        # what a place belonged to so far belongs to the lowest that any of its places has met
        roots = np.arange(labels.size)
        np.minimum.at(roots, area.ravel(), lowest.ravel())
        roots = roots[roots]
        found = roots[lowest]
        if np.array_equal(found, area):
            return np.unique(area, return_inverse=True)[1].reshape(labels.shape)
        area = found


def describe(maps: Maps) -> list[Described]:
    """Return every object, by number."""
    numbers, which, places = np.unique(maps.objects.ravel(), return_inverse=True, return_counts=True)
    labels, kinds = np.unique(maps.labels.ravel(), return_inverse=True)
    pairs, counts = np.unique(which * len(labels) + kinds, return_counts=True)
    most = np.zeros(len(numbers), np.int64)
    for pair in np.argsort(counts, kind="stable"):  # the most frequent class is written last
        most[pairs[pair] // len(labels)] = labels[pairs[pair] % len(labels)]
    sides = [index.ravel() for index in np.indices(maps.objects.shape)]
    lowest = [np.full(len(numbers), maps.objects.size) for _ in sides]
    highest = [np.zeros(len(numbers), np.int64) for _ in sides]
    for side, low, high in zip(sides, lowest, highest, strict=True):
        np.minimum.at(low, which, side)
        np.maximum.at(high, which, side + 1)
    boxes = np.stack([lowest[1], lowest[0], highest[1], highest[0]], axis=1).tolist()
    return [
        Described(number, label, count, (box[0], box[1], box[2], box[3]))
        for number, label, count, box in zip(numbers.tolist(), most.tolist(), places.tolist(), boxes, strict=True)
    ]


def remove(maps: Maps, number: int) -> Maps:
    """Take an object away: its places become what is nearest to each of them.

    Raises:
        SettingError: If there is no such object, or no other.
    """
    where = places_of(maps, number)
    if where.all():
        raise SettingError(f"object {number} fills the whole map; nothing would be left")
    nearest = _nearest(~where)
    return Maps(*(each[tuple(nearest)] for each in maps))


def move(maps: Maps, number: int, right: int, down: int) -> Maps:
    """Put an object elsewhere; where it was is what was nearest to it, what leaves the map is cut off.

    Args:
        maps: Label map and objects.
        number: Of the object.
        right: Pixels to the right.
        down: Pixels downwards.

    Raises:
        SettingError: If there is no such object, or it would leave the map.
    """
    return _pasted(remove(maps, number), maps, number, number, (right, down))


def copy(maps: Maps, number: int, right: int, down: int) -> tuple[Maps, int]:
    """Put an object elsewhere a second time; return its new number, too.

    Raises:
        SettingError: If there is no such object, or it would be outside the map.
    """
    new = int(maps.objects.max()) + 1
    return _pasted(maps, maps, number, new, (right, down)), new


def relabel(maps: Maps, number: int, label: int) -> Maps:
    """Make an object one of another class.

    Raises:
        SettingError: If there is no such object.
    """
    return maps._replace(labels=np.where(places_of(maps, number), label, maps.labels))


def add(maps: Maps, label: int, box: tuple[int, int, int, int]) -> Maps:
    """Put a new rectangular object into a map.

    Args:
        maps: Label map and objects.
        label: Its class.
        box: Left, top, right and bottom, in pixels; what is outside the map is cut off.

    Raises:
        SettingError: If nothing of it is inside the map.
    """
    height, width = maps.labels.shape
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    if left >= right or top >= bottom:
        raise SettingError(f"nothing of the new object is inside the map, which is {width}×{height} pixels")
    labels, objects = (each.copy() for each in maps)
    labels[top:bottom, left:right], objects[top:bottom, left:right] = label, int(objects.max()) + 1
    return Maps(labels, objects)


def replace(maps: Maps, label: int, other: int) -> Maps:
    """Make all of one class another.

    Raises:
        SettingError: If there is none of it.
    """
    where = maps.labels == label
    if not where.any():
        there = ", ".join(map(str, np.unique(maps.labels).tolist()))
        raise SettingError(f"no place of the map has class {label}; there are {there}")
    return maps._replace(labels=np.where(where, other, maps.labels))


def object_at(maps: Maps, column: int, row: int) -> int:
    """Return the number of the object at a place.

    Raises:
        SettingError: If the place is outside the map.
    """
    height, width = maps.objects.shape
    if not (0 <= column < width and 0 <= row < height):
        raise SettingError(f"{column},{row} is outside the map, which is {width}×{height} pixels")
    return int(maps.objects[row, column])


def places_of(maps: Maps, number: int) -> NDArray[np.bool_]:
    """Return where an object is.

    Raises:
        SettingError: If there is none of that number.
    """
    where: NDArray[np.bool_] = maps.objects == number
    if not where.any():
        numbers = np.unique(maps.objects).tolist()
        raise SettingError(f"there is no object {number}; the {len(numbers)} there are have {_listed(numbers)}")
    return where


def _pasted(onto: Maps, maps: Maps, number: int, new: int, shift: tuple[int, int]) -> Maps:
    """Return maps with an object of others put onto them."""
    rows, columns = np.nonzero(places_of(maps, number))
    height, width = maps.objects.shape
    to_rows, to_columns = rows + shift[1], columns + shift[0]
    inside = (to_rows >= 0) & (to_rows < height) & (to_columns >= 0) & (to_columns < width)
    if not inside.any():
        raise SettingError(
            f"object {number} would be outside the map, which is {width}×{height} pixels, if put {shift[0]} to the "
            f"right and {shift[1]} down; give less"
        )
    labels, objects = (each.copy() for each in onto)
    target = to_rows[inside], to_columns[inside]
    labels[target], objects[target] = maps.labels[rows[inside], columns[inside]], new
    return Maps(labels, objects)


def _nearest(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return row and column of the known place that is nearest to each one, `(2, height, width)`.

    By jump flooding (Rong & Tan 2006), which is exact but for places almost as near.
    """
    height, width = known.shape
    own = np.indices(known.shape)
    far = 4 * (height + width)
    found = np.where(known, own, -far)
    step = 2 ** max(0, (max(height, width) - 1).bit_length() - 1)
    while step:
        for shift in _neighbours(step):
            if abs(shift[0]) >= height or abs(shift[1]) >= width:
                continue
            offered = np.full_like(found, -far)
            here, there = _overlap(height, shift[0]), _overlap(width, shift[1])
            offered[:, here[0], there[0]] = found[:, here[1], there[1]]
            nearer = np.square(offered - own).sum(axis=0) < np.square(found - own).sum(axis=0)
            found = np.where(nearer, offered, found)
        step //= 2
    return found


def _neighbours(step: int) -> Sequence[tuple[int, int]]:
    return [(down, right) for down in (-step, 0, step) for right in (-step, 0, step) if down or right]


def _overlap(length: int, shift: int) -> tuple[slice, slice]:
    """Return where in a row what is shifted falls, and where it comes from."""
    return slice(max(0, shift), length + min(0, shift)), slice(max(0, -shift), length - max(0, shift))


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    shown = ", ".join(map(str, numbers[:most]))
    return shown if len(numbers) <= most else f"{shown}, … to {numbers[-1]}"
