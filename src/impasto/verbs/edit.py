"""`edit`: a picture painted of a label map whose objects were removed, moved, added, or made to look otherwise."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from impasto.image.io import Image, ImageSource
from impasto.image.labels import Ids, read_labels
from impasto.image.objects import Described, Maps, describe
from impasto.result import Result
from impasto.verbs.label_maps import edited, maps_of
from impasto.verbs.translate import TranslateSettings, load_translator, translate
from impasto.verbs.trouble import with_changes


@dataclass(frozen=True)
class Edited:
    """What became of a label map.

    Attributes:
        result: The picture painted of it, and its recipe.
        labels: The label map, to be kept and edited further.
        instances: Which object each of its pixels belongs to.
        objects: Every object of it.
    """

    result: Result
    labels: Image
    instances: Image
    objects: Sequence[Described]


def edit(
    model: str | os.PathLike[str],
    source: ImageSource,
    edits: Sequence[str],
    *,
    instances: ImageSource | None = None,
    style: ImageSource | None = None,
    settings: TranslateSettings | None = None,
    **changes: Any,
) -> Edited:
    """Edit a label map object by object, and paint it.

    An object is named by its number, or by a pixel of it, such as `120,45` (column and row). Edits, in their order:

    - `remove OBJECT`: its place becomes what is next to it;
    - `move OBJECT RIGHT DOWN`, `copy OBJECT RIGHT DOWN`: by so many pixels, looking as before;
    - `add CLASS LEFT TOP WIDTH HEIGHT`: a new one;
    - `relabel OBJECT CLASS`, `replace CLASS CLASS`: makes an object, or all of a class, something else;
    - `restyle OBJECT LOOK`: one of ten looks, from 0, for a network that was trained to know looks of objects.

    What is not edited looks as `translate` paints it with the same seed. Reference: Wang et al. 2018,
    arXiv:1711.11585, section 3.4.

    Args:
        model: A model file of a network that paints label maps.
        source: The label map, of ids.
        edits: What to do, one after the other.
        instances: Which object each pixel belongs to; by default every connected area of a class is an object.
        style: As in `translate`.
        settings: How to paint.
        **changes: Single settings, such as `seed=3`.

    Raises:
        InputError: If a picture or the model cannot be read.
        SettingError: If an edit cannot be understood or does not fit the map, or a setting is not allowed.
        WeightsError: If the model is damaged, or does not translate.

    Example:
        >>> impasto.edit("streets.safetensors", "map.png", ["remove 120,45"]).result.image.save("without.png")
    """
    settings = with_changes(settings or TranslateSettings(), changes, "edit")
    painted = translate(model, source, instances=instances, style=style, edits=edits, settings=settings)
    classes = int(load_translator(model, settings).card.settings["classes"])
    maps = edited(objects_of(model, source, instances, settings), edits, classes).maps
    return Edited(painted, _image(maps.labels), _image(maps.objects), describe(maps))


def objects_of(
    model: str | os.PathLike[str],
    source: ImageSource,
    instances: ImageSource | None = None,
    settings: TranslateSettings | None = None,
) -> Maps:
    """Return label map and objects, as edits find them.

    Args:
        model: As for `edit`.
        source: Likewise.
        instances: Likewise.
        settings: Likewise.
    """
    card = load_translator(model, settings or TranslateSettings()).card
    numbers = None if instances is None else read_labels(instances)
    return maps_of(read_labels(source), numbers, int(card.settings["classes"]))


def _image(ids: Ids) -> Image:
    return Image(ids[..., np.newaxis].astype(np.uint8 if ids.max() < 256 else np.uint16))
