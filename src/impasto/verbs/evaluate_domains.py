"""What `evaluate` measures of a network that translates to domains by name.

Where the truth is known, since a picture of the same name is in several domains, it is how much of the input's
distance from the truth is left, on the pixels that differ: 0 is the truth, 1 is as far as the input. Elsewhere it
is the kernel distance of what was translated to a domain from real pictures of it, beside that of the inputs.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto._typing import Picture
from impasto.data.domain_crops import whole
from impasto.data.domains import Domains, Member, find_domains, twins, with_truths
from impasto.data.label_sets import ALL, ANY, LabelSets
from impasto.errors import ImpastoError, InputError, check_choice, one_line
from impasto.metrics.intervals import bootstrap
from impasto.metrics.kernel import kernel_distance
from impasto.metrics.relative import Error, changed_error
from impasto.metrics.seen import Seer

Measure = Callable[[NDArray[np.int64]], float]
"""Measures pictures, given their numbers."""


class Task(NamedTuple):
    """A picture, the name to translate it to, and the truth if that is known."""

    member: Member
    name: str
    truth: Member | None


class Measured(NamedTuple):
    """What was measured; see `evaluate.Evaluation`."""

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    real: Mapping[str, float]
    translations: int
    broken: Mapping[str, str]


def measure_domains(
    translated: Callable[[Picture, str], Picture],
    labels: LabelSets,
    data: Path,
    *,
    split: str,
    attributes: str,
    to: str | None,
    size: int,
    seeing: Seer,
    on_picture: Callable[[int, int], None] | None,
) -> Measured:
    """Translate every picture of a split to every other domain, and measure what becomes of them.

    Args:
        translated: Translates a picture to names with commas between them.
        labels: What the network knows.
        data: The data folder.
        split: Which part of it.
        attributes: Which ones of an attribute file; see `find_domains`.
        to: The one name to measure; all if not given.
        size: Of the shorter side, in pixels.
        seeing: What sees pictures for distances of sets.
        on_picture: Called after every picture with how many are done, and how many there are.

    Raises:
        InputError: If there is too little to measure, or the network does not know the data's names.
    """
    found = find_domains(data, split, attributes)
    if unknown := [name for name in found.labels.names if name not in labels.names]:
        raise InputError(
            f"{one_line(str(data))} has {one_line(unknown[0])}, and the network knows {', '.join(labels.names)}; "
            "give data of these"
        )
    errors: dict[str, list[Error]] = {}
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {}
    broken: dict[str, str] = {}
    tasks = _tasks(found, to)
    for number, (member, name, truth) in enumerate(tasks, 1):
        try:
            source = whole(member.path, size)
            wanted = None if truth is None else _like(source, truth, size)
            fake = translated(source, ANY.join(labels.changed(member.present, name)))
        except ImpastoError as reason:
            broken[str(member.path)] = str(reason)
            continue
        if wanted is None:
            seen.setdefault(name, []).append((seeing.see(fake), seeing.see(source)))
        elif (error := changed_error(fake, source, wanted)) is not None:
            errors.setdefault(name, []).append(error)
        if on_picture is not None:
            on_picture(number, len(tasks))
    count = sum(map(len, errors.values())) + sum(map(len, seen.values()))
    if count < 2:
        why = f"; the first: {next(iter(broken.values()))}" if broken else ""
        raise InputError(f"{count} translations of {split} could be measured, and two are needed{why}")
    real = {name: _features(found, name, size, seeing) for name in seen}
    kid = f"kid{seeing.ending}"
    measures = _left(errors) | _distances(seen, real, kid)
    return Measured(
        {name: measure(np.arange(of)) for name, (of, measure) in measures.items()},
        {name: bootstrap(measure, of) for name, (of, measure) in measures.items()},
        {} if split == "train" else _between(find_domains(data, "train", attributes), real, size, seeing, kid),
        count,
        broken,
    )


def _tasks(found: Domains, to: str | None) -> list[Task]:
    """Return what to translate to what: with the truth, if it is known of any."""
    if to not in (None, ALL):
        check_choice("to", to, found.labels.names)
    wanted = found.labels.names if to in (None, ALL) else (to,)
    known = twins(found)
    if known:
        return [Task(*each) for each in with_truths(known) if each[1] in wanted]
    return [
        Task(member, name, None)
        for member in found.members
        for name in found.labels.sets[member.owner].names
        if name not in member.present and name in wanted
    ]


def _like(source: Picture, truth: Member, size: int) -> Picture:
    picture = whole(truth.path, size)
    if picture.shape != source.shape:
        raise InputError(f"{one_line(str(truth.path))} is not of the shape of what has its name in another domain")
    return picture


def _left(errors: Mapping[str, Sequence[Error]]) -> dict[str, tuple[int, Measure]]:
    """Return what measures how much of the distance from the truth is left, of each domain and of all."""
    if not errors:
        return {}
    everyone = [error for each in errors.values() for error in each]
    named = {"left": everyone} | {f"left_{name}": each for name, each in errors.items()}
    return {name: (len(each), partial(_share_left, np.array(each))) for name, each in named.items()}


def _share_left(errors: NDArray[np.float64], drawn: NDArray[np.int64]) -> float:
    found, source, _ = errors[drawn].sum(axis=0)
    return float(found / source)


def _distances(
    seen: Mapping[str, Sequence[tuple[Tensor, Tensor]]], real: Mapping[str, Tensor], kid: str
) -> dict[str, tuple[int, Measure]]:
    """Return what measures the distances of translations, and of what was translated, from real pictures."""
    measures: dict[str, tuple[int, Measure]] = {}
    for name, pairs in seen.items():
        if min(len(pairs), len(real[name])) > 1:
            for which, side in zip((kid, f"input_{kid}"), zip(*pairs, strict=True), strict=True):
                measures[f"{which}_{name}"] = len(side), partial(_distance, torch.cat(side), real[name])
    return measures


def _distance(features: Tensor, real: Tensor, drawn: NDArray[np.int64]) -> float:
    return kernel_distance(features[drawn], real, (drawn, np.arange(len(real))))


def _features(found: Domains, name: str, size: int, seeing: Seer, most: int | None = None) -> Tensor:
    """Return what is seen of real pictures of a name, a row each; of some of them evenly out of all."""
    members = [member for member in found.members if name in member.present]
    step = 1 if most is None else max(1, len(members) // max(1, most))
    rows = []
    for member in members[::step][:most]:
        with suppress(ImpastoError):
            rows.append(seeing.see(whole(member.path, size)))
    return torch.cat(rows) if rows else torch.zeros(0, 1)


def _between(trained: Domains, real: Mapping[str, Tensor], size: int, seeing: Seer, kid: str) -> dict[str, float]:
    """Return the distances of real pictures that were trained on from those of the split."""
    found = {}
    for name, rows in real.items():
        others = _features(trained, name, size, seeing, len(rows))
        if min(len(others), len(rows)) > 1:
            found[f"{kid}_{name}"] = kernel_distance(others, rows)
    return found
