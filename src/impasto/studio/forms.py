"""Forms made of settings: one definition, whose docstrings and types say what a control is and is called."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import gradio as gr

from impasto.errors import SettingError
from impasto.verbs.described import settings_table

Settings = TypeVar("Settings")

LARGE = re.compile(r"\d{6}")
"""Is in limits that stand for none."""


class Form(Generic[Settings]):
    """Controls for a settings dataclass, in its order.

    Args:
        usual: What the controls say at first.
        leave_out: Settings that are chosen otherwise, or not at all.
        choices: What some settings may be, where their type allows more than a page should.
    """

    def __init__(
        self,
        usual: Settings,
        leave_out: Collection[str] = (),
        choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.usual = usual
        hints = get_type_hints(type(usual))
        table = settings_table(usual)
        self.controls: dict[str, gr.components.Component] = {
            name: control(name, hints[name], row, choices.get(name, ()))
            for name, row in table.items()
            if name not in leave_out
        }
        self._hints = hints

    def settings(self, values: Sequence[Any], **chosen: Any) -> Settings:
        """Return the settings that the controls say.

        Args:
            values: Of the controls, in order.
            **chosen: The settings that were left out, where they are not the usual ones.

        Raises:
            SettingError: If one is not allowed.
        """
        said = {
            name: typed(name, value, self._hints[name]) for name, value in zip(self.controls, values, strict=True)
        }
        kept = {name: getattr(self.usual, name) for name in self._hints if name not in said}
        return type(self.usual)(**(kept | said | chosen))


def control(name: str, hint: Any, row: Mapping[str, Any], choices: Sequence[str] = ()) -> gr.components.Component:
    """Return the control for a setting.

    Args:
        name: Of the setting.
        hint: Its type.
        row: Of the settings' table.
        choices: What it may be, if not all of its type.
    """
    label, told = name.replace("_", " ").capitalize(), _told(row)
    value, kind = row["value"], _without_none(hint)
    if choices or get_origin(kind) is Literal:
        none = [] if kind is hint else [("as it is", "")]
        return gr.Dropdown(
            [*none, *(choices or get_args(kind))], value=value or "", label=label, info=told, interactive=True
        )
    if kind is bool:
        return gr.Checkbox(value=value, label=label, info=told, interactive=True)
    if kind in (int, float) and kind is hint:
        whole = 0 if kind is int else None
        return gr.Number(value=value, label=label, info=told, precision=whole, interactive=True)
    # an empty number field says 0 in the browser, an empty line of text says nothing
    shown = " ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    return gr.Textbox(value=shown, label=label, info=told, max_lines=1, interactive=True)


def typed(name: str, value: Any, hint: Any) -> Any:
    """Return what a control says as the setting's type.

    Raises:
        SettingError: If it cannot be that.
    """
    kind = _without_none(hint)
    if value in (None, "") and kind is not hint:
        return None
    if get_origin(kind) is tuple:
        (each, _) = get_args(kind)
        try:
            return tuple(each(word) for word in str(value or "").replace(",", " ").split())
        except ValueError:
            raise SettingError(f"{name} is {value!r}; write numbers with spaces between them") from None
    if kind in (int, float):
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            what = "a whole number" if kind is int else "a number"
            raise SettingError(f"{name} is {value!r}; write {what}") from None
    return value


def _without_none(hint: Any) -> Any:
    """Return what a setting is when it is not None."""
    if get_origin(hint) in (UnionType, Union):
        (kind,) = (each for each in get_args(hint) if each is not NoneType)
        return kind
    return hint


def _told(row: Mapping[str, Any]) -> str:
    """Return what a setting means, and the numbers it may be where they are worth a thought."""
    numbers = row["allowed"] if row["allowed"].startswith(("values", "whole")) else ""
    return f"{row['what']} ({numbers})" if numbers and not LARGE.search(numbers) else row["what"]
