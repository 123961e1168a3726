"""Where pictures go: names, and the checks that come before painting, not after it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.cli.console import is_terminal
from impasto.cli.words import STDIN
from impasto.errors import InputError, SettingError, one_line
from impasto.image import Image, encode_image, write_image
from impasto.image.decoding import decode
from impasto.image.encoding import format_of
from impasto.image.files import SUFFIXES, free_path, pictures_in
from impasto.image.formats import MAX_FILE_BYTES, MAX_PIXELS, check_file_size
from impasto.writing import find_target

PIECE_BYTES = 2**20


@dataclass(frozen=True)
class Job:
    """One picture to paint.

    Attributes:
        content: Path of the picture, or `-` for standard input.
        target: Path of the painted one, or `-` for standard output.
    """

    content: str
    target: str


def plan(contents: Sequence[str], styles: Sequence[str], output: str | None) -> list[Job]:
    """Decide where each painted picture goes.

    One content goes to `output`, by default `CONTENT-STYLE.png` in the current folder, and standard input to
    standard output. Several, or a folder's, go into the folder `output`: by default the current one, and for a
    folder's pictures one called `FOLDER-STYLE` in it.

    Raises:
        InputError: If a folder holds no picture.
        SettingError: If several pictures are to become one file.
    """
    pictures: list[str] = []
    folders = [content for content in contents if content != STDIN and Path(content).is_dir()]
    for content in contents:
        pictures += map(str, pictures_in(Path(content))) if content in folders else [content]
    if len(contents) == 1 and not folders:
        return [Job(pictures[0], _single_target(pictures[0], styles, output))]
    if STDIN in (*contents, output):
        raise SettingError(
            f"{STDIN} stands for one picture, but there are {len(pictures)}; give files and a folder"
        )
    if output is None:
        output = _named_after([folders[0]], styles) if len(folders) == 1 == len(contents) else "."
    folder, taken = _as_folder(output, f"{len(pictures)} pictures are"), set[Path]()
    targets = [free_path(folder / f"{_named_after([content], styles)}.png", taken) for content in pictures]
    return [Job(content, str(target)) for content, target in zip(pictures, targets, strict=True)]


def plan_folder(content: str, styles: Sequence[str], output: str | None) -> Path:
    """Decide where the painted pictures of a folder of any size go: to `output`, by default `FOLDER-STYLE`.

    Raises:
        SettingError: If that is no folder.
    """
    if output == STDIN:
        raise SettingError(f"{STDIN} stands for one picture, but a folder is to be painted; name a folder")
    return _as_folder(output or _named_after([content], styles), "a folder is")


def preview_path(asked: str | None, job: Job) -> Path | None:
    """Return where a job's picture is shown as it stands: nowhere, at the path asked for, or beside its target.

    Args:
        asked: None for nowhere, empty for beside the target, or a path.
        job: Which.
    """
    if asked is None:
        return None
    content = "stdin" if job.content == STDIN else Path(job.content).name
    named = content if job.target == STDIN else job.target
    return Path(asked or Path(named).with_suffix(".preview.png"))


def check_target(target: str, inputs: Sequence[str], *, as_json: bool = False) -> None:
    """Raise unless a picture can be written to a path without harm.

    Args:
        target: The path, or `-`.
        inputs: Paths of what is painted from, which must stay.
        as_json: Whether standard output will have JSON.

    Raises:
        InputError: If the path cannot be written, or is an input.
        SettingError: If standard output cannot have a picture.
    """
    if target == STDIN:
        if as_json:
            raise SettingError("--json and the picture cannot both go to standard output; give -o FILE")
        if sys.stdout is None or is_terminal(sys.stdout):
            raise SettingError("standard output cannot show a picture; give -o FILE, or send it on with | or >")
        return
    path = Path(target)
    format_of(path)
    real = find_target(path)
    for name in inputs:
        if name != STDIN and os.path.realpath(name) == str(real):
            raise InputError(f"{one_line(target)} is one of the pictures painted from; choose another output")


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there.

    Raises:
        InputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {one_line(str(folder))} ({error.strerror}); choose another one"
        ) from None


def write_result(image: Image, target: str) -> None:
    """Write a picture to a path, or as PNG to standard output.

    Raises:
        InputError: If it cannot be written.
    """
    if target == STDIN:
        sys.stdout.buffer.write(encode_image(image, "png"))
        sys.stdout.buffer.flush()
    else:
        write_image(image, target)


def read_stdin() -> Image:
    """Read a picture from standard input.

    Raises:
        InputError: If what comes is no picture.
    """
    import hashlib

    name, received = "standard input", bytearray()
    # in pieces, so that Ctrl-C is heard between them
    while len(received) <= MAX_FILE_BYTES and (piece := sys.stdin.buffer.read(PIECE_BYTES)):
        received += piece
    data = bytes(received)
    check_file_size(len(data), name)
    return Image(*decode(data, name, MAX_PIXELS), name=name, sha256=hashlib.sha256(data).hexdigest())


def _as_folder(output: str, what: str) -> Path:
    """Return an output as a folder, made or not.

    Raises:
        SettingError: If it is a file, or is called like a picture.
    """
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"-o {output} is a file, but {what} to be painted; name a folder")
    if not folder.is_dir() and folder.suffix.lower() in SUFFIXES:
        raise SettingError(f"-o {output} names one picture, but {what} to be painted; name a folder")
    return folder


def _single_target(content: str, styles: Sequence[str], output: str | None) -> str:
    name = f"{_named_after([content], styles)}.png"
    if output is None:
        return STDIN if content == STDIN else name
    return str(Path(output) / name) if output != STDIN and Path(output).is_dir() else output


def _named_after(contents: Sequence[str], styles: Sequence[str]) -> str:
    stems = [Path(os.path.abspath(path)).stem if path != STDIN else "stdin" for path in (*contents, *styles)]  # noqa: PTH100 -- links keep their own names
    return "-".join(stems)
