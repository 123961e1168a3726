"""The doctor: looks at every file of a data folder before a training does, and says what is wrong, by name.

Each finding names its files, says what is the matter and what to do. An `error` is passed over in training, or ends
it; a `warning` lets it learn something else than was meant; a `note` is good to know.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from impasto.data.domain_doctor import domain_findings
from impasto.data.domains import attribute_file
from impasto.data.labelled import CLASSES, name_of, read_classes
from impasto.data.layouts import WANTED, Kind, places_of
from impasto.errors import ImpastoError, InputError, one_line
from impasto.image.decoding import decode
from impasto.image.files import SUFFIXES, read_file
from impasto.image.formats import MAX_PIXELS, sniff
from impasto.image.labels import Palette, read_label_map

Severity = Literal["error", "warning", "note"]
SPLITS = ("train", "val", "test")
FEW = 20
"""Fewer examples than this hardly teach anything."""
VERY_FEW, HUNDREDS = 10, 500
"""Of two kinds of pictures: fewer of one teach less than one picture of each does by its patches; up to so many are
learnt by heart."""
WIDEST = 4.0
"""Sides whose ratio is larger are odd."""
THUMB, NEARLY = 16, 1.5
"""Pictures are nearly the same whose thumbnails of so many pixels each way differ by so few levels on average."""
MOST_COMPARED = 5000
NAMED, SIZES = 5, 5


@dataclass(frozen=True)
class Finding:
    """One thing that is the matter.

    Attributes:
        severity: How bad it is.
        files: Whose, as paths in the folder.
        what: What is the matter.
        remedy: What to do.
    """

    severity: Severity
    files: tuple[str, ...]
    what: str
    remedy: str

    def __str__(self) -> str:
        """Return it in one line, the first few files by name."""
        more = f" and {len(self.files) - NAMED} more" if len(self.files) > NAMED else ""
        named = f"{', '.join(map(one_line, self.files[:NAMED]))}{more}: " if self.files else ""
        return f"{self.severity}: {named}{self.what}; {self.remedy}"


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        kind: How the folder is laid out.
        counts: Examples of each split.
        sizes: How many pictures there are of each size, `WIDTHxHEIGHT`, the most frequent first.
        modes: How many of each kind of pixels.
        findings: What is the matter, the worst first.
    """

    kind: Kind
    counts: Mapping[str, int]
    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    findings: Sequence[Finding]

    def lines(self) -> list[str]:
        """Return it in lines: what there is, and then every finding."""
        sizes = list(self.sizes.items())
        more = f" and {len(sizes) - SIZES} sizes more" if len(sizes) > SIZES else ""
        counts = ", ".join(f"{count} {split}" for split, count in self.counts.items())
        shown = ", ".join(f"{count} of {size}" for size, count in sizes[:SIZES])
        modes = ", ".join(f"{count} {mode}" for mode, count in self.modes.items())
        found = [f"  {finding}" for finding in self.findings] or ["  nothing is wrong"]
        return [f"{self.kind}: {counts}; sizes: {shown}{more}; pixels: {modes}", *found]


class _Seen(NamedTuple):
    """What is remembered of a picture."""

    path: Path
    width: int
    height: int
    mode: str
    sha256: str
    thumb: NDArray[np.float32]
    is_plain: bool
    is_jpeg: bool
    is_misnamed: bool


def check_data(
    folder: Path,
    kind: Kind,
    *,
    crop_size: int = 256,
    classes: int = 0,
    attributes: str = "",
    on_file: Any = None,
) -> Diagnosis:
    """Look at every file of a data folder.

    Args:
        folder: Of the data set.
        kind: How it is laid out.
        crop_size: Pixels each way of the crops it will be trained on.
        classes: How many classes label maps have; 0 if that is not said.
        attributes: Which attributes of a CelebA file are to be learnt; by default those that a training takes.
        on_file: Called after every file with how many are done, and how many there are.

    Raises:
        InputError: If there is no such folder, or nothing in it is laid out like that.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {one_line(str(folder))}; give that of a data set")
    return _Doctor(folder, kind, crop_size, classes, attributes).diagnosis(on_file)


class _Doctor:
    def __init__(self, folder: Path, kind: Kind, crop_size: int, classes: int, attributes: str) -> None:
        self.folder, self.kind, self.crop_size, self.classes = folder, kind, crop_size, classes
        self.attributes = attributes
        self.findings: list[Finding] = []
        self.seen: dict[Path, _Seen] = {}

    def diagnosis(self, on_file: Any) -> Diagnosis:
        places = {split: places_of(self.folder, split, self.kind) for split in SPLITS}
        if not places["train"]:
            raise InputError(f"{one_line(str(self.folder))} holds no {WANTED[self.kind]}; lay it out so")
        folders = [place for split in places.values() for place in split.values()]
        files = [path for place in folders for path in self._files(place)]
        for number, path in enumerate(files, 1):
            self._look_at(path)
            if on_file is not None:
                on_file(number, len(files))
        counts: dict[str, int] = {}
        for split, found in places.items():
            if self.kind == "unpaired":
                counts |= {place.name: len([*self._known(place)]) for place in found.values()}
            elif found:
                counts[split] = self._examples(found)
        self._sizes_and_modes(places)
        self._duplicates(places)
        if self.kind == "labels":
            self._label_maps(places)
        if self.kind == "domains":
            for severity, found_in, what, remedy in domain_findings(self.folder, self.attributes):
                self._find(severity, found_in, what, remedy)
        if self.kind == "unpaired":
            self._amount_of_kinds(counts)
        else:
            self._amount(counts)
        seen = [each for each in self.seen.values() if not self._is_map(each.path, places)]
        order = {severity: rank for rank, severity in enumerate(get_args(Severity))}
        return Diagnosis(
            self.kind,
            counts,
            dict(Counter(f"{each.width}x{each.height}" for each in seen).most_common()),
            dict(Counter(each.mode for each in seen).most_common()),
            sorted(self.findings, key=lambda finding: order[finding.severity]),
        )

    def _find(self, severity: Severity, files: Iterable[Path], what: str, remedy: str) -> None:
        named = tuple(path.relative_to(self.folder).as_posix() for path in files)
        if named:
            self.findings.append(Finding(severity, named, what, remedy))

    def _files(self, place: Path) -> list[Path]:
        """Return the pictures of a folder, and tell of what is none."""
        listed = attribute_file(place) if self.kind == "domains" else None
        within = sorted(path for path in place.iterdir() if path.name[0] != "." and path != listed)
        pictures = [path for path in within if path.suffix.lower() in SUFFIXES]
        other = [path for path in within if path not in pictures]
        self._find("note", (path for path in other if path.is_dir()), "is a folder in a folder of pictures",
                   "move its pictures up if they belong to the training")  # fmt: skip
        self._find("warning", (path for path in other if not path.is_dir()), "is not called like a picture",
                   f"rename it if it is one ({', '.join(SUFFIXES)}), or take it out")  # fmt: skip
        by_stem = defaultdict(list)
        for path in pictures:
            by_stem[path.stem].append(path)
        for alike in by_stem.values():
            if len(alike) > 1 and self.kind != "unpaired":
                self._find("error", alike, "have the same name", "rename one: pictures are matched by name")
        return pictures

    def _look_at(self, path: Path) -> None:
        """Decode a file and remember what is needed of it."""
        try:
            data = read_file(path)
            raster = decode(data, one_line(path.name), MAX_PIXELS)
        except ImpastoError as error:
            what, _, remedy = str(error).partition(": ")
            self._find("error", [path], f"cannot be read ({what})", remedy or "save it again, or take it out")
            return
        pixels = raster.pixels
        bits = 8 * pixels.dtype.itemsize
        mode = {1: "grey", 3: "RGB"}[pixels.shape[2]] + ("" if raster.alpha is None else " with alpha")
        file_format = sniff(data[:64])
        named = {".jpg": "jpeg", ".tif": "tiff"}.get(path.suffix.lower(), path.suffix.lower()[1:])
        grey = pixels.mean(axis=2, dtype=np.float32) / (257 if bits == 16 else 1)
        self.seen[path] = _Seen(
            path,
            pixels.shape[1],
            pixels.shape[0],
            f"{mode}, {bits} bits",
            hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest(),
            _thumbnail(grey),
            bool((pixels == pixels[:1, :1]).all()),
            file_format == "jpeg",
            file_format != named,
        )

    def _examples(self, places: Mapping[str, Path]) -> int:
        """Tell of what lacks its other half; return how many examples a split has."""
        if self.kind == "domains":
            return sum(1 for place in places.values() for _ in self._known(place))
        named = {part: {self._name(path): path for path in self._known(place)} for part, place in places.items()}
        complete = set.intersection(*(set(paths) for paths in named.values()))
        for part, paths in named.items():
            lacking = [path for name, path in sorted(paths.items()) if name not in complete]
            others = [place.name for other, place in places.items() if other != part]
            self._find("error", lacking, f"has no file of its name in {' or '.join(others)}",
                       "add it, or take this one out; it is left out of the training")  # fmt: skip
        if len(places) > 1:
            for name in sorted(complete):
                parts = [self.seen[paths[name]] for paths in named.values() if paths[name] in self.seen]
                if len({(each.width, each.height) for each in parts}) > 1:
                    sizes = " and ".join(f"{each.width}×{each.height}" for each in parts)
                    self._find("error", (each.path for each in parts), f"are of different sizes ({sizes})",
                               "make them one size, without moving anything")  # fmt: skip
        return len(complete)

    def _sizes_and_modes(self, places: Mapping[str, Mapping[str, Path]]) -> None:
        together = self.kind == "pairs" and any("both" in split for split in places.values())
        pictures = [each for each in self.seen.values() if not self._is_map(each.path, places)]
        self._find("error", (each.path for each in pictures if together and each.width % 2),
                   "has an odd width, so that there is no middle", "cut a column off")  # fmt: skip
        sides = [(each, each.width // 2 if together else each.width) for each in pictures]
        self._find("warning", (each.path for each, width in sides if min(width, each.height) < self.crop_size),
                   f"is smaller than the crops of {self.crop_size} pixels, and is enlarged",
                   "use larger pictures, or a smaller crop_size")  # fmt: skip
        self._find("warning", (each.path for each, width in sides
                               if max(width, each.height) > WIDEST * min(width, each.height)),
                   "is more than four times as long as wide", "crop it")  # fmt: skip
        self._find("warning", (each.path for each in pictures if each.is_plain), "has one colour all over",
                   "take it out if that is not meant")  # fmt: skip
        self._find("note", (each.path for each in pictures if each.is_misnamed),
                   "is another format than its name says", "it is read as what it is; rename it")  # fmt: skip
        for split in places.values():
            for place in split.values():
                here = [each for each in pictures if each.path.parent == place]
                usual = Counter(each.mode for each in here).most_common(1)
                if usual:
                    for mode in sorted({each.mode for each in here} - {usual[0][0]}):
                        self._find("warning", (each.path for each in here if each.mode == mode),
                                   f"is {mode}, the others are {usual[0][0]}",
                                   "convert it, or check that it belongs here")  # fmt: skip

    def _duplicates(self, places: Mapping[str, Mapping[str, Path]]) -> None:
        """Tell of pictures that are there twice, in one split or, worse, in two."""
        pictures = [
            each for each in self.seen.values() if not self._is_map(each.path, places) and not each.is_plain
        ]
        if len(pictures) > MOST_COMPARED:
            return
        splits = {place: split for split, found in places.items() for place in found.values()}
        thumbs = np.stack([each.thumb.ravel() for each in pictures]) if pictures else np.zeros((0, THUMB**2))
        for index, each in enumerate(pictures):
            apart = np.abs(thumbs[index + 1 :] - thumbs[index]).mean(axis=1)
            for offset in np.flatnonzero(apart <= NEARLY).tolist():
                other = pictures[index + 1 + offset]
                places_apart = each.path.parent != other.path.parent
                if places_apart and self.kind == "domains" and each.sha256 != other.sha256:
                    continue  # of one thing in two domains little may differ
                if not places_apart:
                    same = "are the same picture" if each.sha256 == other.sha256 else "are nearly the same picture"
                    self._find("warning", (each.path, other.path), same, "take one out")
                elif splits[each.path.parent] != splits[other.path.parent]:
                    self._find("warning", (each.path, other.path),
                               "are the same picture in two splits: what is measured was trained on",
                               "take one out")  # fmt: skip
                elif self.kind == "unpaired":
                    self._find("warning", (each.path, other.path),
                               "are the same picture in both kinds: nothing tells them apart",
                               "take it out of one")  # fmt: skip
                elif self.kind == "domains":
                    self._find("warning", (each.path, other.path), "are the same picture in two domains",
                               "take it out of the one that it is not of")  # fmt: skip

    def _label_maps(self, places: Mapping[str, Mapping[str, Path]]) -> None:
        try:
            names, palette = read_classes(self.folder / CLASSES)
        except InputError as error:
            self._find("error", [self.folder / CLASSES], "cannot be read", str(error).rpartition("; ")[2])
            names, palette = (), None
        classes = self.classes or len(names)
        maps = [each for each in self.seen.values() if self._is_map(each.path, places, "labels")]
        self._find("error", (each.path for each in maps if each.is_jpeg),
                   "is a label map saved as JPEG, which blurs ids into others",
                   "save it as PNG from the original")  # fmt: skip
        found: Counter[int] = Counter()
        beyond: dict[int, list[Path]] = defaultdict(list)
        for each in maps:
            ids = self._ids(each.path, palette)
            for label in ids:
                found[label] += 1
                if classes and label >= classes:
                    beyond[label].append(each.path)
        for label, paths in sorted(beyond.items()):
            self._find("warning", paths, f"has id {label}, and there are {classes} classes",
                       "it counts as no class; mend the map, or give classes one more")  # fmt: skip
        absent = [label for label in range(classes) if label not in found]
        if absent and maps:
            named = ", ".join(names[label] if label < len(names) else str(label) for label in absent)
            self.findings.append(
                Finding("note", (), f"no map has the classes {named}", "nothing can be learnt of them")
            )

    def _ids(self, path: Path, palette: Palette | None) -> list[int]:
        try:
            return [int(label) for label in np.unique(read_label_map(path, palette))]
        except ImpastoError as error:
            what, _, remedy = str(error).partition("; ")
            self._find("error", [path], what.removeprefix(f"{path.name} "), remedy or "save it again")
            return []

    def _amount(self, counts: Mapping[str, int]) -> None:
        if counts.get("train", 0) < FEW:
            few = f"there are {counts.get('train', 0)} examples to train on"
            self.findings.append(Finding("warning", (), few, "hundreds teach more; mirrored crops are made anyway"))
        if self.kind != "photos" and not any(counts.get(split) for split in SPLITS[1:]):
            self.findings.append(
                Finding("note", (), "there is neither val nor test", "one of 20 examples is held out to judge by")
            )

    def _amount_of_kinds(self, counts: Mapping[str, int]) -> None:
        """Tell of few pictures of a kind, and of a kind that is not held out."""
        sides = [f"{SPLITS[0]}{side}" for side in "AB"]
        fewest = min(counts.get(side, 0) for side in sides)
        few = f"there are {' and '.join(f'{counts.get(side, 0)} pictures in {side}' for side in sides)}"
        if fewest < VERY_FEW:
            told = "sincut learns from one large picture of each kind; other methods want hundreds"
            self.findings.append(Finding("warning", (), few, told))
        elif fewest < HUNDREDS:
            told = "the discriminators will learn them by heart; set diff_augment"
            self.findings.append(Finding("note", (), few, told))
        if len(counts) == len(sides):
            held_out = "one of 20 of each kind is held out to judge by"
            self.findings.append(Finding("note", (), "there is neither val nor test", held_out))

    def _known(self, place: Path) -> Iterator[Path]:
        return (path for path in sorted(place.iterdir()) if path.suffix.lower() in SUFFIXES and path.name[0] != ".")

    def _name(self, path: Path) -> str:
        return name_of(path) if self.kind == "labels" else path.stem

    def _is_map(self, path: Path, places: Mapping[str, Mapping[str, Path]], *parts: str) -> bool:
        wanted = parts or ("labels", "instances")
        return any(split.get(part) == path.parent for split in places.values() for part in wanted)


def _thumbnail(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of so many bands each way."""
    for axis in (0, 1):
        edges = np.linspace(0, grey.shape[axis], THUMB + 1).astype(int)
        bands = [
            grey.take(range(start, max(start + 1, stop)), axis=axis, mode="clip").mean(axis=axis)
            for start, stop in pairwise(edges)
        ]
        grey = np.stack(bands, axis=axis)
    return grey
