"""Find weights by name: bundled with the package, or fetched once into a cache and checked.

A file under its final name is always whole: a download goes to `NAME.part`, is checked against the catalogue,
and is then renamed in one step. An interrupted download goes on where it stopped, in this run or a later one.
"""

import hashlib
import os
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from impasto.errors import WeightsError
from impasto.weights.transfer import OnProgress, TransferError, receive, size

HERE = Path(__file__).parent
CACHE_VARIABLE = "IMPASTO_CACHE"
LOCK_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Entry:
    """One weights file of the catalogue.

    Attributes:
        name: What a user calls it.
        what: One line on what it is and is good for.
        sha256: Digest of the file, 64 hexadecimal digits.
        bytes: Size of the file.
        licence: Under which terms it may be used and passed on.
        source: Where it comes from.
        made_by: The script or the people that made the file.
        file: Its name among the bundled files, or empty.
        url: Where it is fetched from, or empty.
    """

    name: str
    what: str
    sha256: str
    bytes: int
    licence: str
    source: str
    made_by: str
    file: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        assert bool(self.file) != bool(self.url), f"{self.name} needs either a file or a url"

    @property
    def file_name(self) -> str:
        """The file's own name, the same in its folder as at its source."""
        return self.file or self.url.rpartition("/")[2]

    @property
    def path(self) -> Path:
        """Where the file lies, or will lie once fetched."""
        return (HERE / "bundled" if self.file else cache_folder()) / self.file_name


@cache
def catalog() -> Mapping[str, Entry]:
    """Return every weights file we know, by name."""
    tables = tomllib.loads((HERE / "catalog.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: Entry(name=name, **table) for name, table in tables.items()})


def cache_folder() -> Path:
    """Return where fetched files are kept: `IMPASTO_CACHE`, or else the platform's usual place."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "impasto"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "impasto"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "impasto"


def entry_named(name: str) -> Entry:
    """Return an entry of the catalogue.

    Raises:
        WeightsError: If there is none of that name, listing all names.
    """
    if name not in catalog():
        raise WeightsError(f"there are no weights named {name!r}; choose one of {', '.join(catalog())}")
    return catalog()[name]


def is_here(entry: Entry) -> bool:
    """Tell whether the file lies in its place at its full size."""
    return size(entry.path) == entry.bytes


def find(name: str, on_progress: OnProgress | None = None) -> Path:
    """Return the path of a weights file, fetching it first if it is neither bundled nor cached.

    Only the size is checked here; `verify` reads the whole file.

    Raises:
        WeightsError: If there is no such name, a bundled file is damaged, or fetching fails.
    """
    entry = entry_named(name)
    if is_here(entry):
        return entry.path
    if entry.file:
        raise WeightsError(
            f"the bundled file {entry.path} is damaged: it has {size(entry.path):,} bytes "
            f"instead of {entry.bytes:,}; reinstall impasto"
        )
    return fetch(entry, entry.path.parent, on_progress)


def verify(name: str) -> Path:
    """Return the path of a weights file after checking every byte of it.

    Raises:
        WeightsError: If there is no such name, or the file is missing or damaged.
    """
    entry = entry_named(name)
    mend = "reinstall impasto" if entry.file else f"delete it and run: impasto weights fetch {name}"
    try:
        digest = _sha256(entry.path)
    except FileNotFoundError:
        cure = mend if entry.file else f"run: impasto weights fetch {name}"
        raise WeightsError(f"{name} is not at {entry.path}; {cure}") from None
    except OSError as error:
        raise WeightsError(f"cannot read {entry.path}: {error.strerror}; {mend}") from error
    if digest != entry.sha256:
        raise WeightsError(
            f"{entry.path} is damaged: its sha256 is {digest}, the catalogue says {entry.sha256}; {mend}"
        )
    return entry.path


def fetch(entry: Entry, folder: Path, on_progress: OnProgress | None = None) -> Path:
    """Download a file into `folder`, check it, and return its path.

    Several processes may fetch the same file: one downloads, the others wait for it.

    Args:
        entry: Which file; it must have a url.
        folder: Made if it does not exist.
        on_progress: Called after every piece; an exception raised in it stops the download, to go on later.

    Raises:
        WeightsError: If the server cannot be reached, the folder not written, or the file is another one.
    """
    target = folder / entry.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(_beside(target, ".lock")):
            # another process may have fetched it while this one waited for the lock
            if size(target) != entry.bytes:
                _download(entry, target, on_progress)
    except TransferError as error:
        raise WeightsError(
            f"could not fetch {entry.name}: {error}; "
            f"with another connection, download {entry.url} and put it at {target}"
        ) from error
    except OSError as error:
        raise WeightsError(
            f"cannot write {target}: {error.strerror or error}; "
            f"set {CACHE_VARIABLE} to a folder that can be written"
        ) from error
    return target


def _download(entry: Entry, target: Path, on_progress: OnProgress | None) -> None:
    part = _beside(target, ".part")
    leftover = size(part)
    _check_room(entry, target.parent, entry.bytes - leftover)
    receive(entry.url, part, entry.bytes, on_progress)
    digest = _sha256(part)
    if digest != entry.sha256 and leftover:
        # what an earlier run left was no beginning of this file
        part.unlink()
        receive(entry.url, part, entry.bytes, on_progress)
        digest = _sha256(part)
    if digest != entry.sha256:
        part.unlink()
        raise WeightsError(
            f"{entry.url} gave a file with sha256 {digest} where the catalogue says {entry.sha256}; "
            f"it was removed. Try again later, or put the right file at {target}"
        )
    part.replace(target)


def _check_room(entry: Entry, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"{entry.name} needs {needed / 1e6:,.0f} MB in {folder}, which has {free / 1e6:,.0f} MB free; "
            f"make room, or set {CACHE_VARIABLE} to a folder on another disk"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees even if this process dies.

    The empty file stays: another process may be about to lock it.
    """
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 -- exists on one platform only

            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:
                    time.sleep(LOCK_POLL_SECONDS)
        else:
            import fcntl  # noqa: PLC0415 -- exists on one platform only

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
