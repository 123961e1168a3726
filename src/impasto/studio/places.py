"""The folders that the page may use: what lies in them is chosen from lists, and no page can name anything else."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from impasto.data.doctor import SPLITS
from impasto.data.labelled import CLASSES
from impasto.data.layouts import Kind, places_of
from impasto.errors import InputError, one_line
from impasto.image.files import SUFFIXES
from impasto.image.formats import MAX_FILE_BYTES
from impasto.studio.visitors import plain_name
from impasto.training.background import PROCESS
from impasto.weights.model import MODEL_SUFFIX
from impasto.writing import reason

DEEPEST, MOST_FOLDERS = 4, 5000
"""How far it is looked into folders, and at how many at most."""
RUNS, DATA = "runs", "data"
"""Where new runs and data sets that were dropped are kept, in the first of the folders."""
MOST_FILES = 200_000
BLOCK = 2**20
TABLES = (CLASSES, "list_attr_celeba.txt")
"""What a data set holds beside pictures."""


@dataclass(frozen=True)
class Places:
    """Folders whose data sets, runs and models the page uses, and where it writes.

    Attributes:
        folders: Which; the first one is written to.
    """

    folders: Sequence[Path]

    def runs(self) -> dict[str, Path]:
        """Return the folders of runs by what they are called on the page, the one that was last changed first."""
        found = {name: path for name, path, files in self._walk() if is_run(path, files)}
        return dict(sorted(found.items(), key=lambda each: -_changed(each[1])))

    def models(self) -> dict[str, Path]:
        """Return the model files by what they are called on the page; those of runs like the run."""
        found: dict[str, Path] = {}
        for name, path, files in self._walk():
            if is_run(path, files):
                found |= {name: path / f"model{MODEL_SUFFIX}"} if f"model{MODEL_SUFFIX}" in files else {}
            else:
                found |= {_under(name, each): path / each for each in files if each.endswith(MODEL_SUFFIX)}
        return found

    def data(self, kind: Kind) -> dict[str, Path]:
        """Return the data sets that are laid out in a way, by what they are called on the page."""
        return {name: path for name, path, files in self._walk() if _is_data(path, files, kind)}

    def new(self, room: str, name: str) -> Path:
        """Return a folder that is not there yet.

        Args:
            room: `RUNS` or `DATA`.
            name: What the visitor calls it.

        Raises:
            InputError: If it is there already, or would lie outside.
        """
        called = plain_name(name.strip())
        path = self.folders[0] / room / called
        if not path.resolve().is_relative_to(self.folders[0]):
            raise InputError(f"{room} lies outside the folder of the studio; move it there")
        if path.exists():
            raise InputError(f"there is a {called} in {room} already; choose another name")
        return path

    def _walk(self) -> Iterator[tuple[str, Path, list[str]]]:
        """Yield what each folder is called, where it lies and its files; what a run keeps is passed over."""
        seen = 0
        for folder in self.folders:
            for place, inner, files in os.walk(folder):
                path = Path(place)
                within = path.relative_to(folder)
                seen += 1
                deep = len(within.parts) >= DEEPEST or is_run(path, files)
                inner[:] = [] if deep else sorted(each for each in inner if not each.startswith("."))
                if seen > MOST_FOLDERS:
                    return
                shown = within.as_posix() if len(self.folders) == 1 else _under(folder.name, within.as_posix())
                yield shown, path, sorted(files)


def is_run(path: Path, files: Sequence[str]) -> bool:
    """Return whether a folder with these files is that of a training."""
    if PROCESS in files:
        return True
    if "config.json" not in files:
        return False
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and {"impasto", "method", "settings"} <= config.keys()


def unpacked(archive: Path, target: Path) -> int:
    """Unpack a data set and return how many files it has: pictures, and tables that go with them, nothing else.

    Args:
        archive: A ZIP of a folder, or of what is in it.
        target: Where to; not there yet.

    Raises:
        InputError: If it is no ZIP, damaged or too large, or holds no picture.
    """
    try:
        return _unpack(archive, target)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        failed = InputError(f"that is no ZIP that can be read ({one_line(str(error))}); make it anew")
    except OSError as error:
        failed = InputError(f"the ZIP cannot be unpacked ({reason(error)}); make room, or make it anew")
    except InputError as error:
        failed = error
    shutil.rmtree(target, ignore_errors=True)
    raise failed from None


def _unpack(archive: Path, target: Path) -> int:
    with zipfile.ZipFile(archive) as packed:
        wanted = {each: within for each in packed.infolist() if (within := _within(each)) is not None}
        if len(wanted) > MOST_FILES or sum(each.file_size for each in wanted) > MAX_FILE_BYTES:
            raise InputError("the ZIP unpacks to too much; make a smaller one, or copy the folder there")
        if not wanted:
            raise InputError("the ZIP holds no picture; make one of a folder of pictures")
        wrapped = _is_wrapped([*wanted.values()])
        left = MAX_FILE_BYTES
        for each, within in wanted.items():
            path = target.joinpath(*within.parts[1:] if wrapped else within.parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(each) as source, path.open("xb") as file:
                while block := source.read(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise InputError("the ZIP unpacks to more than it says; make it anew")
                    file.write(block)
    return len(wanted)


def _is_wrapped(paths: Sequence[PurePosixPath]) -> bool:
    """Return whether everything lies in one folder that is the data set, not a part of it."""
    firsts = {path.parts[0] for path in paths}
    part = any(first.startswith(SPLITS) for first in firsts)
    return len(firsts) == 1 and not part and all(len(path.parts) > 1 for path in paths)


def _within(each: zipfile.ZipInfo) -> PurePosixPath | None:
    """Return where a file of a ZIP goes; None if it stays out."""
    path = PurePosixPath(each.filename.replace("\\", "/"))
    plain = path.parts and not path.is_absolute() and all(part[0] != "." and ":" not in part for part in path.parts)
    is_link = (each.external_attr >> 16) & 0o170000 == 0o120000
    if each.is_dir() or is_link or not plain or path.parts[0] == "__MACOSX":
        return None
    return path if path.suffix.lower() in SUFFIXES or path.name in TABLES else None


def _is_data(path: Path, files: Sequence[str], kind: Kind) -> bool:
    if kind == "photos":
        return any(Path(each).suffix.lower() in SUFFIXES for each in files)
    try:
        return bool(places_of(path, "train", kind))
    except (OSError, InputError):
        return False


def _under(folder: str, name: str) -> str:
    return name if folder == "." else folder if name == "." else f"{folder}/{name}"


def _changed(path: Path) -> float:
    try:
        return max(each.stat().st_mtime for each in path.iterdir() if each.is_file())
    except (OSError, ValueError):
        return 0.0
