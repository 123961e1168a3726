"""Label maps on their way into a network: read, edited, with a look for each object."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from impasto.errors import InputError, SettingError, check_whole
from impasto.image import objects
from impasto.image.io import Image
from impasto.image.labels import Ids
from impasto.image.objects import Maps
from impasto.image.regions import visible_colors
from impasto.image.resize import fit, resize
from impasto.methods.pix2pixhd import CLUSTERS, InstanceEncoder
from impasto.methods.spade import StyleEncoder
from impasto.nn.labelled import LabelSettings

Looks = Mapping[int, Float[Tensor, " n"]]
"""What each object looks like, by its number."""


class Seen(NamedTuple):
    """What goes into a network.

    Attributes:
        entered: `(1, channels, height, width)`.
        style: What the picture shall look like, for a network that takes that as one vector.
    """

    entered: Tensor
    style: Tensor | None = None


class Edited(NamedTuple):
    """Maps after edits.

    Attributes:
        maps: Label map and objects.
        looks: Number of the look that was chosen for objects.
        copies: For objects that are copies, the number of the first.
    """

    maps: Maps
    looks: Mapping[int, int]
    copies: Mapping[int, int]


def maps_of(labels: Image, instances: Image | None, classes: int, *, find_objects: bool = True) -> Maps:
    """Return label map and objects.

    Args:
        labels: As `read_labels` gives them.
        instances: Likewise.
        classes: How many the network knows.
        find_objects: Whether every connected area is an object where there is no map of instances; else every
            class is one, which is all that a network without looks needs to see where objects touch.

    Raises:
        InputError: If maps differ in size, or no id of the map is a class.
    """
    ids = labels.pixels[..., 0].astype(np.int64)
    if int(ids.min()) >= classes:
        raise InputError(
            f"{labels.name} has no class: its ids begin with {int(ids.min())}, those of the network end with "
            f"{classes - 1}; give a map of ids, not a picture of them"
        )
    if instances is None:
        return Maps(ids, objects.connected(ids) if find_objects else ids)
    numbers = instances.pixels[..., 0].astype(np.int64)
    if numbers.shape != ids.shape:
        raise InputError(
            f"{labels.name} is {labels.width}×{labels.height} pixels, and its instances are "
            f"{instances.width}×{instances.height}; both must be of one size"
        )
    return Maps(ids, numbers)


def edited(maps: Maps, edits: Sequence[str], classes: int) -> Edited:
    """Return maps after edits, one after the other.

    Args:
        maps: Label map and objects.
        edits: See `EDITS`; an object is a number, or the column and row of one of its pixels, such as 120,45.
        classes: How many the network knows.

    Raises:
        SettingError: If one cannot be understood, or does not fit the map.
    """
    looks: dict[int, int] = {}
    copies: dict[int, int] = {}
    for edit in edits:
        name, *given = edit.split()
        if name not in EDITS or len(given) != len(EDITS[name]):
            known = "; ".join(" ".join((each, *words)) for each, words in EDITS.items())
            raise SettingError(f"the edit is {edit!r}; allowed are: {known}")
        numbers = [
            _object(word, maps, edit) if what == "OBJECT" else _whole(word, edit)
            for what, word in zip(EDITS[name], given, strict=True)
        ]
        if name in ("add", "relabel", "replace"):
            check_whole("the class", numbers[0 if name == "add" else 1], 0, classes - 1)
        match name, numbers:
            case "remove", [number]:
                maps = objects.remove(maps, number)
            case "move", [number, right, down]:
                maps = objects.move(maps, number, right, down)
            case "copy", [number, right, down]:
                maps, new = objects.copy(maps, number, right, down)
                copies[new] = copies.get(number, number)
                looks |= {new: looks[number]} if number in looks else {}
            case "add", [label, left, top, width, height]:
                maps = objects.add(maps, label, (left, top, left + width, top + height))
            case "relabel", [number, label]:
                maps = objects.relabel(maps, number, label)
            case "replace", [label, other]:
                maps = objects.replace(maps, label, other)
            case "restyle", [number, look]:
                objects.places_of(maps, number)
                check_whole("the look", look, 0, CLUSTERS - 1)
                looks[number] = look
    return Edited(maps, looks, copies)


EDITS = {
    "remove": ("OBJECT",),
    "move": ("OBJECT", "RIGHT", "DOWN"),
    "copy": ("OBJECT", "RIGHT", "DOWN"),
    "add": ("CLASS", "LEFT", "TOP", "WIDTH", "HEIGHT"),
    "relabel": ("OBJECT", "CLASS"),
    "replace": ("CLASS", "CLASS"),
    "restyle": ("OBJECT", "LOOK"),
}
"""Every edit, and what it is told."""


def seen_of(
    generator: nn.Module,
    settings: LabelSettings,
    before: Maps,
    edit: Edited,
    style: Image | None,
    seed: int,
    longest: int | None = None,
) -> Seen:
    """Return what a network sees.

    Args:
        generator: The network.
        settings: How it was built.
        before: Label map and objects as they were, which the style shows.
        edit: What became of them.
        style: What it shall look like: any picture, or for a network with looks of objects that of the same map.
        seed: Of looks that are drawn.
        longest: Pixels of the longer side; as it is if not given.

    Raises:
        SettingError: If the network does not know looks, or the style has another size than the map.
    """
    encoder = getattr(generator, "encoder", None)
    if edit.looks and not isinstance(encoder, InstanceEncoder):
        raise SettingError("the network was not trained to know looks of objects; leave restyle out")
    before, after = _resized(before, longest), _resized(edit.maps, longest)
    labels, instances = _tensors(after)
    entered = settings.encoded(labels, instances)
    if style is not None and encoder is None:
        raise SettingError("the network was not trained to know looks; leave the style out")
    if isinstance(encoder, StyleEncoder) and style is not None:
        return Seen(entered, _encoded(encoder, style))
    if not isinstance(encoder, InstanceEncoder):
        return Seen(entered)
    shown: Looks = {} if style is None else _looks_in(encoder, style, before)
    was = {each.number: each.label for each in objects.describe(before)}
    looks: dict[int, Tensor] = {}
    for each in objects.describe(after):
        first = edit.copies.get(each.number, each.number)
        if each.number in edit.looks:
            looks[each.number] = encoder.looks[min(each.label, len(encoder.looks) - 1), edit.looks[each.number]]
        elif first in shown and was[first] == each.label:
            looks[each.number] = shown[first]
        else:  # an object of another class than it was looks like one of that
            looks[each.number] = encoder.drawn(each.label, seed, first)
    numbers, which = np.unique(after.objects, return_inverse=True)
    table = torch.stack([looks[number].float().cpu() for number in numbers.tolist()])
    spread = table[torch.from_numpy(which.reshape(-1))].T.unflatten(1, after.objects.shape)[None]
    return Seen(torch.cat([entered, spread], dim=1))


@torch.inference_mode()
def _encoded(encoder: StyleEncoder, style: Image) -> Tensor:
    """Return what a picture looks like."""
    mean: Tensor = encoder(visible_colors(style).to(next(encoder.parameters())) * 2 - 1)[0]
    return mean


@torch.inference_mode()
def _looks_in(encoder: InstanceEncoder, style: Image, maps: Maps) -> Looks:
    """Return what the objects of a map look like in its picture."""
    height, width = maps.labels.shape
    picture = visible_colors(style)
    if abs(picture.shape[3] * height - picture.shape[2] * width) > max(picture.shape[2:]):
        raise SettingError(
            f"the style is {style.width}×{style.height} pixels, which is not the shape of the map; give the "
            "picture that the map is of, so that each object is found in it"
        )
    weight = next(encoder.parameters())
    picture = (resize(picture, height, width) * 2 - 1).to(weight)
    features = encoder(picture, torch.from_numpy(maps.objects)[None, None].to(weight.device))[0]
    numbers, first = np.unique(maps.objects, return_index=True)
    return {
        number: features[:, place // width, place % width] for number, place in zip(numbers, first, strict=True)
    }


def _resized(maps: Maps, longest: int | None) -> Maps:
    if longest is None:
        return maps
    size = fit(maps.labels.shape[0], maps.labels.shape[1], longest)
    return Maps(*(_nearest(each, size) for each in maps))


def _nearest(ids: Ids, size: tuple[int, int]) -> Ids:
    resized: Ids = (
        interpolate(torch.from_numpy(ids)[None, None].double(), size=size, mode="nearest-exact")[0, 0]
        .long()
        .numpy()
    )
    return resized


def _tensors(maps: Maps) -> tuple[Tensor, Tensor]:
    labels, instances = (torch.from_numpy(np.ascontiguousarray(each))[None, None] for each in maps)
    return labels, instances


def _object(word: str, maps: Maps, edit: str) -> int:
    column, comma, row = word.partition(",")
    if comma:
        return objects.object_at(maps, _whole(column, edit), _whole(row, edit))
    return _whole(word, edit)


def _whole(word: str, edit: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise SettingError(f"the edit is {edit!r}, in which {word!r} is no whole number; give one") from None
