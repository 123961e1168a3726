"""Flags become a dataclass; what does not fit becomes one line."""

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import is_dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro

from impasto.cli.words import check_none_left, grouped, normalised
from impasto.errors import SettingError

Options = TypeVar("Options")

Json = Annotated[bool, tyro.conf.FlagCreatePairsOff]
Output = Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="OUT", help_behavior_hint="")]
Styles = Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-s"], metavar="S [S …]", help_behavior_hint="(needed)")]
Masks = Annotated[tuple[str, ...], tyro.conf.arg(metavar="M [M …]", help_behavior_hint="")]
Contents = Annotated[
    tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="CONTENT …", help_behavior_hint="(needed)")
]
Content = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CONTENT", help_behavior_hint="(needed)")]
Settings = tyro.conf.arg(name="")
"""Marks settings whose fields are flags of the command itself."""


def parse(
    kind: type[Options], words: Sequence[str], *, command: str, description: str, default: Options | None = None
) -> Options:
    """Read a command's words into its options.

    Args:
        kind: A dataclass; the docstrings under its fields are the help.
        words: What was typed after the command.
        command: As typed, such as `impasto stylize`.
        description: Printed at the top of the help.
        default: What is not told; the dataclass's own defaults if not given.

    Raises:
        SettingError: If a flag or value is not allowed.
        SystemExit: After the help was printed.
    """
    said = io.StringIO()
    try:
        with redirect_stderr(said), _one_wide_line(words):
            read: tuple[Options, list[str]] = tyro.cli(
                kind,
                prog=command,
                description=description,
                args=normalised(words),
                default=tyro.MISSING_NONPROP if default is None else default,
                return_unknown_args=True,
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise SettingError(f"{_reduced(said.getvalue(), words, kind)}; all flags: {command} --help") from None
    options, unknown = read
    check_none_left(unknown, list(_types_of_flags(kind)), command)
    return options


def given(words: Sequence[str], what: str, command: str) -> None:
    """Raise unless there are any words where some are needed.

    Raises:
        SettingError: Saying what is missing.
    """
    if not words:
        raise SettingError(f"there is no {what}; see {command} --help")


def _types_of_flags(kind: type) -> dict[str, Any]:
    """Return the type of each flag of a dataclass, settings inside it included."""
    types: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        types |= _types_of_flags(hint) if is_dataclass(hint) else {"--" + name.replace("_", "-"): hint}  # type: ignore[arg-type]
    return types


@contextmanager
def _one_wide_line(words: Sequence[str]) -> Iterator[None]:
    """Keep tyro from wrapping its errors; help is wrapped as the terminal is wide."""
    before = os.environ.get("COLUMNS")
    if not {"-h", "--help"} & set(words):
        os.environ["COLUMNS"] = "10000"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("COLUMNS", None)
        else:
            os.environ["COLUMNS"] = before


_CHOICE = re.compile(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*?),?\)\.")
_TOO_FEW = re.compile(r"Missing value for argument '(.*)'\.")
_UNREADABLE = re.compile(r"Error parsing (\S+):")


def _reduced(box: str, words: Sequence[str], kind: type) -> str:
    """Reduce the box that tyro draws around an error to what was given and what is allowed."""
    lines = [line.strip("│| ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    title, *text = [line for line in lines if any(letter.isalnum() for letter in line)]
    said = text[0] if text else title
    if match := _CHOICE.search(said):
        value, flag, choices = match.groups()
        choices = choices.replace("'", "")
        return f"{_long(flag)} is {value!r}; choose one of {choices}"
    if match := _TOO_FEW.search(said):
        return f"{_long(match[1])} has no value; give it one"
    if match := _UNREADABLE.search(said):
        flag = _long(match[1])
        values = [value for group in grouped(words) if group.name == flag for value in group.all_values]
        wanted = "whole numbers" if "int" in str(_types_of_flags(kind).get(flag)) else "numbers"
        return f"{flag} is {' '.join(values)!r}; allowed are {wanted}"
    return said.rstrip(".")


def _long(flag: str) -> str:
    return flag.rsplit("/", maxsplit=1)[-1]
