"""Files as a picture needs them: read only when they are regular files, and replaced whole or not at all."""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from impasto.errors import InputError, one_line
from impasto.image.formats import MAX_FILE_BYTES, check_file_size
from impasto.writing import reason

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp")
"""What a folder's pictures are called."""


def pictures_in(folder: Path, *, within: bool = False) -> list[Path]:
    """Return the pictures that lie in a folder, sorted by name; hidden ones are left out.

    Args:
        folder: Where to look.
        within: Whether to look in the folders in it as well.

    Raises:
        InputError: If there is no such folder or no picture in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {one_line(str(folder))}; give one with pictures in it")
    paths = folder.rglob("*") if within else folder.iterdir()
    found = sorted(path for path in paths if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    if not found:
        raise InputError(f"{one_line(str(folder))} holds no picture; looked for {', '.join(SUFFIXES)}")
    return found


def free_path(path: Path, taken: set[Path]) -> Path:
    """Return a path, numbered if it is taken, and count it among the taken ones."""
    number, free = 1, path
    while free in taken:
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    taken.add(free)
    return free


def open_file(path: Path) -> BinaryIO:
    """Open a regular file of a size that may be read.

    Raises:
        InputError: When there is none, it is empty, too large, a folder or a pipe, or may not be read.
    """
    name = one_line(str(path))
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"{name} is a folder; one picture file is allowed: name a file in it")
        # Opening a pipe would wait for its writer.
        if not stat.S_ISREG(kind):
            raise InputError(f"{name} is a pipe or device; a file is allowed: pass its bytes, or save it first")
        file = path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{name} is a link to a file that does not exist: mend the link") from None
        raise InputError(f"{name} does not exist: check its spelling and folder") from None
    except PermissionError:
        raise InputError(f"{name} may not be read by you: change its permissions") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be opened ({reason(error)}): check the path") from None
    try:
        check_file_size(os.fstat(file.fileno()).st_size, name)
    except InputError:
        file.close()
        raise
    return file


def read_file(path: Path) -> bytes:
    """Read a regular file.

    Raises:
        InputError: As `open_file`, or when reading fails.
    """
    try:
        with open_file(path) as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"{one_line(str(path))} cannot be read ({reason(error)}): copy it elsewhere") from None


@contextmanager
def mapped_file(path: Path) -> Iterator[mmap.mmap]:
    """Map a regular file into memory, to look at parts of it.

    Raises:
        InputError: As `open_file`, or when mapping fails.
    """
    with open_file(path) as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise InputError(f"{one_line(str(path))} cannot be read ({reason(error)}): copy it elsewhere") from None
        with data:
            yield data
