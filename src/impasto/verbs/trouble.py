"""What goes wrong in every verb alike, in words."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from impasto.errors import ImpastoError, SettingError
from impasto.nn.compute import out_of_memory

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def with_changes(settings: Settings, changes: Mapping[str, Any], of: str) -> Settings:
    """Return settings with some of them changed.

    Args:
        settings: All of them.
        changes: New values by name.
        of: Whose settings they are, for the refusal.

    Raises:
        SettingError: If there is no such setting, or it is not allowed.
    """
    known = [field.name for field in fields(settings)]
    for name in changes:
        if name not in known:
            raise SettingError(f"there is no setting {name!r}; the settings of {of} are {', '.join(known)}")
    return replace(settings, **changes)


def explained(error: Exception, doing: str, size: int) -> Exception:
    """Turn running out of memory into one line; anything else is a bug of ours and stays as it is.

    Args:
        error: What was raised.
        doing: Such as "painting".
        size: At how many pixels.
    """
    if out_of_memory(error):
        return ImpastoError(f"out of memory while {doing} at {size} pixels; choose a smaller size than {size}")
    return error
