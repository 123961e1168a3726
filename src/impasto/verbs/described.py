"""Settings in words: what each one means and may be, told by its dataclass alone."""

import ast
import inspect
import math
import textwrap
from dataclasses import fields, is_dataclass, replace
from typing import Any

from impasto.errors import SettingError


def settings_table(settings: Any) -> dict[str, dict[str, Any]]:
    """Return default, chosen value, meaning and allowed values of every setting, by name."""
    what, defaults = docstrings(type(settings)), type(settings)()
    return {
        each.name: {
            "default": getattr(defaults, each.name),
            "value": getattr(settings, each.name),
            "what": what[each.name],
            "allowed": allowed(defaults, each.name),
        }
        for each in fields(settings)
    }


def flags(settings: Any) -> list[str]:
    """Return what the command line is told of settings that are not the usual ones."""
    usual, said = type(settings)(), list[str]()
    for each in fields(settings):
        value, flag = getattr(settings, each.name), each.name.replace("_", "-")
        if value == getattr(usual, each.name) or value is None:
            continue
        if isinstance(value, bool):
            said.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            said += [f"--{flag}", *map(str, value)]
        else:
            said.append(f"--{flag}={value}")
    return said


def docstrings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass, those of its parents included."""
    found = {
        name: text for parent in kind.__bases__ if is_dataclass(parent) for name, text in docstrings(parent).items()
    }
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for line, under in zip(body.body, body.body[1:], strict=False):
        match line, under:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def allowed(settings: Any, name: str) -> str:
    """Return what a setting may be, in the words with which it refuses what no setting may be."""
    impossible: Any = (math.nan,) if isinstance(getattr(settings, name), tuple) else math.nan
    try:
        replace(settings, **{name: impossible})
    except SettingError as error:
        return str(error).partition("; ")[2].removeprefix("allowed are ").removeprefix("choose one of ")
    return ""
