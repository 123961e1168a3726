"""Files written whole or not at all."""

import os
import secrets
import stat
from pathlib import Path

from impasto.errors import InputError, one_line


def find_target(path: Path) -> Path:
    """Find where a file written at `path` really goes, following links.

    Returns:
        The file to replace or make.

    Raises:
        InputError: When the folder is missing or closed, or something other than a file is in the way.
    """
    name, folder = one_line(str(path)), one_line(str(path.parent))
    try:
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise InputError(f"cannot write {name}: the folder {folder} does not exist; create it first")
        if target.is_dir():
            raise InputError(f"cannot write {name}: it is a folder; add a file name")
        if target.exists() and not target.is_file():
            raise InputError(f"cannot write {name}: it is a pipe or device; choose a file")
        if not all(os.access(place, os.W_OK) for place in (target.parent, target) if place.exists()):
            raise InputError(f"cannot write {name}: you may not write there; choose another folder")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {name} ({reason(error)}): choose another path") from None
    return target


def replace_file(target: Path, data: bytes) -> None:
    """Put a file in place at once: whoever looks, even after a power cut, finds the old or the new one whole.

    An old file's permissions stay; a new one's are what the process gives new files.

    Args:
        target: Where the file shall be, as `find_target` gave it.
        data: The whole content.

    Raises:
        InputError: When it cannot be written; nothing is left behind then.
    """
    draft = target.with_name(f".impasto-{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        draft.replace(target)
    except OSError as error:
        raise InputError(f"cannot write {one_line(str(target))} ({reason(error)}): choose another place") from None
    finally:
        draft.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Return what the system says went wrong, on one line."""
    return one_line(getattr(error, "strerror", None) or str(error))
