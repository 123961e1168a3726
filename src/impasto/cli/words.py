"""The words of a command as they were typed, looked at before torch is imported.

A mistyped file name is refused in a tenth of a second this way. Only what is certain is judged here: whatever
this file lets pass, the full parser judges again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from impasto.cli.console import unknown
from impasto.errors import SettingError
from impasto.image import check_image_file
from impasto.image.clips import is_video
from impasto.methods import METHODS

DEFAULT_METHOD = "gatys"
STDIN = "-"
"""Stands for standard input, or output."""

PICTURE_FLAGS = ("--style", "--masks")
LISTS = (*PICTURE_FLAGS, "--styles", "--search", "--strengths", "--sizes", "--seeds", "--layers")
"""Flags that can be given several times, adding up."""
SWITCHES = ("--json", "--grey", "--no-grey", "--nested")
"""Flags that take no value."""
SINGLE_FLAGS = (
    "--output",
    "--method",
    "--size",
    "--steps",
    "--seed",
    "--network",
    "--device",
    "--init",
    "--model",
    "--strength",
    "--colors",
    "--precision",
    "--style-scale",
    "--engine",
    "--workers",
    "--smooth",
    "--runtime",
    "--guide",
    "--mask",
    "--dream-of",
    "--octaves",
    "--zoom",
    "--rotate",
    "--frames",
)
"""Flags that take one value; the words after it are content again."""
SHORT = {"-s": "--style", "-o": "--output"}


class Group(NamedTuple):
    """A flag and what follows it.

    Attributes:
        name: The flag's long name; empty for what comes before any flag, `--` for what comes after that.
        typed: The flag as typed, perhaps with `=value`.
        values: The words up to the next flag.
    """

    name: str
    typed: str
    values: list[str]

    @property
    def attached(self) -> list[str]:
        """The value after `=`, if any."""
        _, equals, value = self.typed.partition("=")
        return [value] if equals else []

    @property
    def all_values(self) -> list[str]:
        """The value after `=`, if any, and the words after it."""
        return [*self.attached, *self.values]


def grouped(words: Sequence[str]) -> list[Group]:
    """Return the words flag by flag, in order.

    Example:
        >>> [(group.name, group.values) for group in grouped(["cat.jpg", "-s", "a.jpg", "b.jpg"])]
        [('', ['cat.jpg']), ('--style', ['a.jpg', 'b.jpg'])]
    """
    groups = [Group("", "", [])]
    for index, word in enumerate(words):
        if word == "--":
            groups.append(Group("--", "--", list(words[index + 1 :])))
            break
        if _is_flag(word):
            name = word.partition("=")[0]
            groups.append(Group(SHORT.get(name, name.replace("_", "-")), word, []))
        else:
            groups[-1].values.append(word)
    return groups


def normalised(words: Sequence[str]) -> list[str]:
    """Return the words as the parser wants them.

    A list given in two parts is one list; `--preview` alone means its usual place.
    """
    groups = grouped(words)
    result: list[str] = []
    for index, group in enumerate(groups):
        same = [other for other in groups if other.name == group.name]
        if group.name in LISTS and len(same) > 1:
            if groups.index(same[0]) == index:
                result += [group.name, *(value for each in same for value in each.all_values)]
        elif group.typed == "--preview" and not group.values:
            result.append("--preview=")
        else:
            result += [group.typed, *group.values] if group.typed else group.values
    return result


def method_in(words: Sequence[str]) -> str:
    """Return the method that words ask for, whether there is such a one or not."""
    given = [value for group in grouped(words) if group.name == "--method" for value in group.all_values[:1]]
    return given[-1] if given else DEFAULT_METHOD


def refuse_early(words: Sequence[str], *, before_pictures: int = 0) -> None:
    """Raise for a picture among the words that cannot be read.

    Args:
        words: What was typed after the command.
        before_pictures: How many words without a flag come before the first picture.

    Raises:
        InputError: Naming the first such picture.
    """
    groups = grouped(words)
    if any(group.name in ("-h", "--help") for group in groups):
        return
    row = METHODS.get(method_in(words))
    named_styles = row is not None and row.named_styles
    contents: list[str] = []
    styles: list[str] = []
    for group in groups:
        if group.name in PICTURE_FLAGS:
            styles += [] if named_styles and group.name == "--style" else group.all_values
        elif group.name in ("", "--", *SWITCHES):
            contents += group.values
        elif group.name in SINGLE_FLAGS:
            contents += group.values if group.attached else group.values[1:]
    contents = contents[before_pictures:]
    # one of several does not stop the others, and a folder is looked into later
    certain = [path for path in contents if len(contents) == 1 and path != STDIN and not Path(path).is_dir()]
    for path in [path for path in certain if not is_video(Path(path))] + styles:
        check_image_file(path)


def check_none_left(left: Sequence[str], known: Sequence[str], command: str) -> None:
    """Raise for words that mean nothing to a command.

    Args:
        left: The words the parser had no use for.
        known: The flags of the command.
        command: As typed, for the way to its help.

    Raises:
        SettingError: Naming the first of them and the nearest flags.
    """
    if not left:
        return
    flag = next((word for word in left if _is_flag(word)), None)
    if flag is None:
        raise SettingError(f"{left[0]!r} is one word too many; pictures come together, before the flags")
    raise SettingError(unknown(flag.partition("=")[0], known, f"all flags: {command} --help"))


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and word.lstrip("-")[:1].isalpha() and word.lower() not in _NUMBERS


_NUMBERS = ("-inf", "-infinity", "-nan")
