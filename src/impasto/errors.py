"""What can go wrong by a user's hand, each in one line: what was given, what is allowed, what to do."""

from collections.abc import Sequence
from typing import Literal, get_args, get_origin


class ImpastoError(Exception):
    """Anything a user can mend. Its text is one line and needs no traceback."""


class InputError(ImpastoError):
    """A picture or file that cannot be used as given."""


class SettingError(ImpastoError, ValueError):
    """A setting outside what is allowed."""


class WeightsError(ImpastoError):
    """Weights that are missing, damaged or not what the catalogue says."""


def check_choice(name: str, value: object, choices: object) -> None:
    """Raise unless `value` is one of `choices`.

    Args:
        name: The setting as the user wrote it.
        value: What was given.
        choices: A `Literal` type or a sequence of allowed values.

    Raises:
        SettingError: Naming the value and every choice.
    """
    allowed = get_args(choices) if get_origin(choices) is Literal else choices
    assert isinstance(allowed, Sequence), f"choices must be a Literal or a sequence, got {choices!r}"
    if value not in allowed:
        raise SettingError(f"{name} is {value!r}; choose one of {', '.join(map(str, allowed))}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise unless `value` is a number and `low <= value <= high` (NaN is outside every range).

    Raises:
        SettingError: Naming the value and both limits.
    """
    if not isinstance(value, int | float) or not low <= value <= high:
        raise SettingError(f"{name} is {value}; allowed are values from {low} to {high}")


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Raise unless `value` is a whole number and `low <= value <= high`.

    Raises:
        SettingError: Naming the value and both limits.
    """
    if not isinstance(value, int) or not low <= value <= high:
        raise SettingError(f"{name} is {value}; allowed are whole numbers from {low} to {high}")


def check_count(name: str, given: Sequence[object], wanted: int, things: str) -> None:
    """Raise unless `given` is empty or has one value for each of the `wanted` things.

    Raises:
        SettingError: Naming both numbers.
    """
    if given and len(given) != wanted:
        raise SettingError(f"{name} has {len(given)} values for {wanted} {things}; give one each, or none")


def one_line(text: str) -> str:
    """Show `text` on one line: line breaks and what no terminal prints are escaped, letters are kept."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
