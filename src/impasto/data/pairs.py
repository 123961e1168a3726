"""Aligned pairs in folders, as people have them: what a picture is, and what it should become.

Two layouts are known: `train/*.jpg`, each file holding A and B side by side, and `trainA/*` beside `trainB/*`,
matched by the names of the files without their endings. `AtoB` makes B of A, `BtoA` the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from impasto.errors import InputError, check_choice, one_line
from impasto.image.files import pictures_in
from impasto.image.io import Image, read_image

Direction = Literal["AtoB", "BtoA"]


class Pair(NamedTuple):
    """Where two aligned pictures lie; in one file if both paths are the same.

    Attributes:
        source: The picture to translate.
        target: What it should become.
        source_left: Whether the source is the left half of a file that holds both.
    """

    source: Path
    target: Path
    source_left: bool = True

    @property
    def name(self) -> str:
        """What the pair is called: the source's file without its ending."""
        return self.source.stem

    def read(self) -> tuple[Image, Image]:
        """Return source and target.

        Raises:
            InputError: If a file cannot be read, or the two are not of one size.
        """
        if self.source == self.target:
            left, right = halves(read_image(self.source))
            return (left, right) if self.source_left else (right, left)
        source, target = read_image(self.source), read_image(self.target)
        if (source.height, source.width) != (target.height, target.width):
            raise InputError(
                f"{one_line(str(self.source))} is {source.width}×{source.height} pixels and "
                f"{one_line(str(self.target))} {target.width}×{target.height}; a pair must be of one size"
            )
        return source, target


@dataclass(frozen=True)
class PairedFolder:
    """The pairs of one split, sorted by name.

    Attributes:
        pairs: Each with both pictures there.
        orphans: Files whose other half is missing.
    """

    pairs: Sequence[Pair]
    orphans: Sequence[Path] = ()


def find_pairs(folder: Path, split: str = "train", direction: Direction = "AtoB") -> PairedFolder:
    """Find the pairs of a split.

    Args:
        folder: Of the data set.
        split: `train`, `val` or `test`: which folders of it to look in.
        direction: Which picture of a pair is the source.

    Raises:
        SettingError: If there is no such direction.
        InputError: If the folders are missing, hold no picture, or no two files match.
    """
    check_choice("direction", direction, Direction)
    together, side_a, side_b = folder / split, folder / f"{split}A", folder / f"{split}B"
    if together.is_dir():
        pictures = pictures_in(together)
        return PairedFolder([Pair(path, path, source_left=direction == "AtoB") for path in pictures])
    if not (side_a.is_dir() and side_b.is_dir()):
        raise InputError(
            f"{one_line(str(folder))} holds neither a folder {split} of pictures side by side nor {split}A and "
            f"{split}B; name them so"
        )
    first, second = (_by_stem(pictures_in(side)) for side in (side_a, side_b))
    stems = sorted(first.keys() & second.keys())
    orphans = sorted(path for side in (first, second) for stem, path in side.items() if stem not in stems)
    if not stems:
        raise InputError(
            f"no file of {split}A is called like one of {split}B, such as {orphans[0].name}; give both pictures of "
            "a pair the same name"
        )
    pairs = [Pair(first[stem], second[stem]) for stem in stems]
    if direction == "BtoA":
        pairs = [Pair(pair.target, pair.source) for pair in pairs]
    return PairedFolder(pairs, orphans)


def halves(image: Image) -> tuple[Image, Image]:
    """Return the left and the right half of a picture.

    Raises:
        InputError: If its width is odd, so that there is no middle.
    """
    if image.width % 2:
        raise InputError(
            f"{image.name} is {image.width} pixels wide; a file with two pictures side by side has an even width"
        )
    middle = image.width // 2
    left, right = (
        replace(
            image,
            pixels=image.pixels[:, columns],
            alpha=None if image.alpha is None else image.alpha[:, columns],
        )
        for columns in (slice(None, middle), slice(middle, None))
    )
    return left, right


def _by_stem(paths: Sequence[Path]) -> dict[str, Path]:
    """Return files by their names without endings.

    Raises:
        InputError: If two have the same.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise InputError(
                f"{one_line(str(found[path.stem]))} and {path.name} have the same name; rename one, since pairs "
                "are matched by name"
            )
        found[path.stem] = path
    return found
