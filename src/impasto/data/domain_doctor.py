"""What the doctor looks for in pictures of domains: empty and unequal ones, rows without pictures and so on."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from impasto.data.domains import (
    AttributeFile,
    attribute_file,
    data_sets_in,
    domains_in,
    find_domains,
    pictures_of,
    read_attributes,
)
from impasto.data.label_sets import ANY
from impasto.errors import ImpastoError, one_line
from impasto.image.files import SUFFIXES
from impasto.weights.foreign_domains import CELEBA

FEW = 20
"""Fewer pictures of a domain than this hardly teach it."""
NAMED = 5
UNEQUAL = 4
"""Domains are very unequal if one has so many times as many pictures as another."""


class Told(NamedTuple):
    """Something that is the matter; see `doctor.Finding`."""

    severity: Literal["error", "warning", "note"]
    files: Sequence[Path]
    what: str
    remedy: str


def domain_places(folder: Path, split: str) -> dict[str, Path]:
    """Return where the pictures of a split lie, data set by data set and domain by domain."""
    places: dict[str, Path] = {}
    for data_set in data_sets_in(folder):
        if attribute_file(data_set) is not None:
            found = pictures_of(data_set, split)
            places |= {data_set.name: found[0].parent} if found else {}
        elif (data_set / split).is_dir():
            within = (
                path for path in sorted((data_set / split).iterdir()) if path.is_dir() and path.name[0] != "."
            )
            places |= {f"{data_set.name}/{path.name}": path for path in within}
    return places


def domain_findings(folder: Path, attributes: str = "") -> Iterator[Told]:
    """Yield what is the matter with domains and attributes.

    Args:
        folder: Of the data set, or of several.
        attributes: Which ones are to be learnt, with commas between them.
    """
    for data_set in data_sets_in(folder):
        path = attribute_file(data_set)
        if path is None:
            yield from _of_folders(data_set)
            continue
        try:
            yield from _of_attributes(data_set, read_attributes(path), attributes)
        except ImpastoError as error:
            what, _, remedy = str(error).rpartition("; ")
            yield Told("error", [path], what, remedy or "mend it")
    try:
        find_domains(folder, "train", attributes)
    except ImpastoError as error:
        what, _, remedy = str(error).rpartition("; ")
        yield Told("error", [folder], what, remedy)


def _of_folders(data_set: Path) -> Iterator[Told]:
    train = data_set / "train"
    loose = [path for path in sorted(train.iterdir()) if path.suffix.lower() in SUFFIXES]
    if loose:
        yield Told("warning", loose, "belongs to no domain", "move it into the folder of one, or take it out")
    try:
        names = domains_in(data_set)
    except ImpastoError:
        return  # told of with the rest
    counts = {name: _count(train / name) for name in names}
    empty = [train / name for name, count in counts.items() if not count]
    if empty:
        yield Told("error", empty, "is a domain without a picture", "put pictures there, or take the folder away")
    yield from _unlike({train / name: count for name, count in counts.items() if count})
    for split in ("val", "test"):
        place = data_set / split
        if place.is_dir():
            others = [path for path in sorted(place.iterdir()) if path.is_dir() and path.name not in names]
            lacking = [train / name for name in names if not _count(place / name)]
            if others:
                yield Told(
                    "warning", others, "is no domain of train, and is left out", "rename it, or add it there"
                )
            if lacking:
                yield Told("note", lacking, f"has no picture in {split}", "it is not measured how well it is left")


def _of_attributes(data_set: Path, listed: AttributeFile, attributes: str) -> Iterator[Told]:
    if listed.stated is not None and listed.stated != len(listed.rows):
        what = f"says that it has {listed.stated} rows, and has {len(listed.rows)}"
        yield Told("warning", [listed.path], what, "get it whole, or correct the first line")
    pictures = {path.name: path for split in ("train", "val", "test") for path in pictures_of(data_set, split)}
    if without := [path for name, path in sorted(pictures.items()) if name not in listed.rows]:
        what = f"has no row in {listed.path.name}"
        yield Told("warning", without, what, "add it, or take the picture out; it is left out of the training")
    if missing := [name for name in listed.rows if name not in pictures]:
        named = ", ".join(map(one_line, missing[:3])) + (
            f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        )
        what = f"has rows without a picture: {named}"
        yield Told("warning", [listed.path], what, "add the pictures, or nothing: their rows are left out")
    names = tuple(attributes.split(ANY)) if attributes else CELEBA if {*CELEBA} <= {*listed.names} else listed.names
    rows = [listed.rows[name] for name in pictures if name in listed.rows]
    for name in names:
        count = sum(name in row for row in rows)
        if rows and min(count, len(rows) - count) < FEW:
            what = f"{one_line(name)} is what {count} of {len(rows)} pictures have"
            yield Told("warning", [listed.path], what, "choose attributes that some have and some have not")


def _unlike(counts: Mapping[Path, int]) -> Iterator[Told]:
    for path, count in counts.items():
        if count < FEW:
            yield Told("warning", [path], f"has {count} pictures", "hundreds teach more; see --diff-augment")
    if counts and max(counts.values()) > UNEQUAL * min(counts.values()):
        most, least = (choose(counts, key=lambda path: counts[path]) for choose in (max, min))
        what = f"are very unequal: {counts[most]} and {counts[least]} pictures"
        yield Told("warning", [most, least], what, "the small one is seldom a target; add pictures to it")


def _count(place: Path) -> int:
    found = place.iterdir() if place.is_dir() else ()
    return sum(path.suffix.lower() in SUFFIXES and path.name[0] != "." for path in found)
