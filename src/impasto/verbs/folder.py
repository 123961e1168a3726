"""`stylize_folder`, `translate_folder`: a folder of any size, one pass a picture, by one process or by many.

Nothing grows with the folder: pictures come, are painted, written and told of one by one. What is finished is
known by the recipes in the painted files, so the same call goes on after whatever ended the one before.
"""

import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

from impasto.errors import InputError, SettingError, check_choice, check_whole, one_line
from impasto.image.files import SUFFIXES
from impasto.image.io import Image, ImageSource, read_image
from impasto.methods import METHODS
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.folder_painter import FolderPainter, FolderWork, Outcome, pictures_of
from impasto.verbs.folder_translator import FolderTranslator
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import changed, settings_kind, several, styles_of
from impasto.verbs.translate import TranslateSettings, model_name
from impasto.verbs.trouble import with_changes

Engine = Literal["local", "ray"]
"""Who paints: this process, or the workers of Ray, on this machine or a cluster."""

MANIFEST = "manifest.jsonl"


def stylize_folder(
    folder: str | os.PathLike[str],
    style: ImageSource | Sequence[ImageSource] = (),
    output: str | os.PathLike[str] = ".",
    *,
    method: str = "prediction",
    settings: OnePassSettings | None = None,
    masks: Sequence[ImageSource] = (),
    grey: bool = True,
    nested: bool = False,
    engine: Engine = "local",
    workers: int | None = None,
    **changes: Any,
) -> Generator[Outcome, None, None]:
    """Paint every picture of a folder; one that fails is told of and stops nothing.

    `OUTPUT/manifest.jsonl` has one JSON object for each picture of this run, written as it goes: content, output,
    status, and hashes or an error.

    Args:
        folder: Where the pictures are.
        style: A painting, or several; or names, for a network that has learnt styles by name.
        output: Where `PICTURE-STYLE.png` go; made if it is not there.
        method: How: one that paints in one pass.
        settings: All settings at once.
        masks: One per style, white where the style applies; soft edges are fine, any size.
        grey: Whether grey photos stay grey.
        nested: Whether to paint what lies in folders within as well, into folders of the same names.
        engine: `local` is this process; `ray` spreads the pictures over Ray's workers, which see the same files.
            Either paints the same bytes.
        workers: Most processes to paint with `ray`; by default as many as there is room for.
        **changes: Single settings, such as `size=512`, in place of or on top of `settings`.

    Returns:
        What became of each picture, as it is painted. Painting goes on as long as one asks for more.

    Raises:
        InputError: If there is no such folder or no picture in it, or the output folder cannot be made.
        SettingError: If a setting is not allowed, or the method does not paint in one pass.

    Example:
        >>> for outcome in impasto.stylize_folder("photos", "wave.jpg", "painted", size=512):
        ...     print(f"{outcome.index} of {outcome.total}", outcome.output, outcome.error)
    """
    folder, output = Path(folder), Path(output)
    check_choice("engine", engine, Engine)
    if workers is not None:
        check_whole("workers", workers, 1, 1_000_000)
    _check_places(folder, output, nested)
    painter = _painter(folder, output, style, method, settings, masks, grey, changes)
    ending = "-".join(_stem(each) for each in (several(style) if style != () else painter.styles))
    return _worked({ending: painter}, nested=nested, engine=engine, workers=workers)


def translate_folder(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    style: ImageSource | None = None,
    samples: int = 1,
    settings: TranslateSettings | None = None,
    nested: bool = False,
    engine: Engine = "local",
    workers: int | None = None,
    **changes: Any,
) -> Generator[Outcome, None, None]:
    """Translate every picture of a folder; one that fails is told of and stops nothing.

    What is finished is kept, and `OUTPUT/manifest.jsonl` written, as in `stylize_folder`.

    Args:
        model: A model file.
        folder: Where the pictures, or label maps, are.
        output: Where `PICTURE-MODEL.png` go; made if it is not there.
        style: What to paint label maps like, as in `translate`.
        samples: How many different pictures to make of each, with seeds from `seed` on; each has its number.
        settings: All settings at once.
        nested: Whether to translate what lies in folders within as well, into folders of the same names.
        engine: As in `stylize_folder`.
        workers: Likewise.
        **changes: Single settings, such as `seed=3`.

    Returns:
        What became of each picture, as it is made.

    Raises:
        InputError: If there is no such folder or model, or no picture in it, or the output folder cannot be made.
        SettingError: If a setting is not allowed.
        WeightsError: If the model is damaged, or does not translate.
    """
    folder, output, model = Path(folder), Path(output), Path(model)
    check_choice("engine", engine, Engine)
    check_whole("samples", samples, 1, 1000)
    if workers is not None:
        check_whole("workers", workers, 1, 1_000_000)
    _check_places(folder, output, nested)
    chosen = with_changes(settings or TranslateSettings(), changes, "translate")
    files = [each for each in (style, model) if isinstance(each, str | os.PathLike)]
    protected = frozenset(os.path.realpath(each) for each in files)
    look = None if style is None else read_image(style)
    name, digits = model_name(model, chosen.to), len(str(samples))
    work: dict[str, FolderWork] = {}
    for number in range(samples):
        ending = name if samples == 1 else f"{name}-{number + 1:0{digits}}"
        seeded = replace(chosen, seed=chosen.seed + number)
        work[ending] = FolderTranslator(folder, output, protected, seeded, model, look)
    return _worked(work, nested=nested, engine=engine, workers=workers)


def _worked(
    work: Mapping[str, FolderWork], *, nested: bool, engine: Engine, workers: int | None
) -> Generator[Outcome, None, None]:
    """Do what is to be done for every picture of a folder, by what the pictures are called after it."""
    folder, output = next((each.folder, each.output) for each in work.values())
    total = _count(folder, output, nested) * len(work)
    essences = {ending: each.essence() for ending, each in work.items()}
    if engine == "ray":
        from impasto.verbs import ray_engine  # noqa: PLC0415 -- needs an extra

        ray_engine.check_installed()
    _make(output)

    def outcomes() -> Iterator[Outcome]:
        for ending, each in work.items():
            pictures = pictures_of(folder, ending, nested=nested, without=output)
            if engine == "ray":
                yield from ray_engine.paint(pictures, each, essences[ending], workers)
            else:
                yield from (each.paint(picture, essences[ending]) for picture in pictures)

    return _reported(outcomes(), output, total)


def _reported(outcomes: Iterable[Outcome], output: Path, total: int) -> Generator[Outcome, None, None]:
    """Write each outcome down, then tell it."""
    with _manifest(output / MANIFEST) as manifest:
        for index, outcome in enumerate(outcomes, 1):
            # one write a line, straight to the file: whatever ends this process, the lines before it are whole
            manifest.write(json.dumps(outcome.as_row()).encode() + b"\n")
            # a picture that came after the folder was counted counts as well
            yield replace(outcome, index=index, total=max(index, total))


@contextmanager
def _manifest(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("wb", buffering=0) as file:
            yield file
    except OSError as error:
        raise InputError(f"cannot write {one_line(str(path))} ({error.strerror}): choose another output") from None


def _painter(
    folder: Path,
    output: Path,
    style: ImageSource | Sequence[ImageSource],
    method: str,
    settings: OnePassSettings | None,
    masks: Sequence[ImageSource],
    grey: bool,
    changes: Mapping[str, Any],
) -> FolderPainter:
    """Read what all pictures share."""
    if settings_kind(method) is not OnePassSettings:
        able = ", ".join(row.name for row in METHODS.values() if row.one_pass)
        raise SettingError(f"{method} does not paint in one pass; choose one of {able}")
    chosen = changed(settings or OnePassSettings(), method, changes)
    assert isinstance(chosen, OnePassSettings)
    styles = styles_of(several(style), load_model(method, chosen))
    files = [each for each in (*several(style), *masks) if isinstance(each, str | os.PathLike)]
    protected = frozenset(os.path.realpath(each) for each in files)
    read = [read_image(mask) for mask in masks]
    return FolderPainter(folder, output, protected, chosen, styles, method, read, grey)


def _check_places(folder: Path, output: Path, nested: bool) -> None:
    """Raise unless photos and painted pictures stay apart."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {one_line(str(folder))}; give one with pictures in it")
    if output.exists() and not output.is_dir():
        raise InputError(f"{one_line(str(output))} is a file, but a folder is painted; name a folder")
    photos, painted = (Path(os.path.realpath(each)) for each in (folder, output))
    if painted == photos or (nested and painted in photos.parents):
        raise SettingError(f"painted pictures would lie among the photos in {one_line(str(output))}; name another")


def _count(folder: Path, output: Path, nested: bool) -> int:
    count = sum(1 for _ in pictures_of(folder, "", nested=nested, without=output))
    if not count:
        deeper = "" if nested else "; folders within were not looked into (nested)"
        raise InputError(f"{one_line(str(folder))} holds no picture; looked for {', '.join(SUFFIXES)}{deeper}")
    return count


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {one_line(str(folder))} ({error.strerror}); choose another one"
        ) from None


def _stem(style: ImageSource) -> str:
    """Return what a style is called in a painted picture's name."""
    if isinstance(style, str | os.PathLike):
        return Path(os.path.abspath(style)).stem  # noqa: PTH100 -- links keep their own names
    return Path(style.name).stem if isinstance(style, Image) else "painted"
