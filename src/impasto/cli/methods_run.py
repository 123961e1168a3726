"""What `impasto methods NAME` tells of one method."""

import ast
import inspect
import math
import textwrap
from dataclasses import asdict, dataclass, field, fields, is_dataclass, make_dataclass, replace
from typing import Annotated, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from torch import nn

from impasto.cli.console import print_json
from impasto.cli.options import Json, Settings, parse
from impasto.errors import SettingError
from impasto.methods import Method


@dataclass(frozen=True)
class MethodOptions:
    """What `impasto methods NAME` can be told."""

    json: Json = False
    """Print one JSON object."""


def describe(method: Method, words: list[str]) -> int:
    """Print a method's paper, settings and networks.

    Raises:
        SettingError: If a setting is not allowed.
    """
    command = f"impasto methods {method.name}"
    kind = getattr(method.load(), method.settings)
    with_settings = make_dataclass(
        "MethodOptions",
        [("settings", Annotated[kind, Settings], field(default_factory=kind))],
        bases=(MethodOptions,),
        frozen=True,
    )
    options: Any = parse(with_settings, words, command=command, description=f"{method.name} {method.what}.")
    settings = settings_table(options.settings)
    networks = {
        name: count_parameters(network) for name, network in method.load().networks(options.settings).items()
    }
    if options.json:
        print_json(asdict(method) | {"settings": settings, "networks": networks})
        return 0
    console = Console()
    console.print(f"[bold]{method.name}[/] {method.what}\n{method.paper}\n{method.url}\n", highlight=False)
    table = Table(Column("setting", no_wrap=True), "default", "what it does, and what is allowed", box=None)
    for name, row in settings.items():
        allowed = f" [dim]({row['allowed']})[/]" if row["allowed"] else ""
        table.add_row(name, _shown(row["default"]), escape(row["what"]) + allowed)
    console.print(table)
    networks_shown = "\n".join(f"  {name}  {count:,} parameters" for name, count in networks.items())
    console.print(f"\nnetworks\n{networks_shown}", highlight=False)
    return 0


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers a network has learnt."""
    return sum(weight.numel() for weight in network.parameters())


def settings_table(settings: Any) -> dict[str, dict[str, Any]]:
    """Return default, chosen value, meaning and allowed values of every setting, by name."""
    what, defaults = _docstrings(type(settings)), type(settings)()
    return {
        each.name: {
            "default": getattr(defaults, each.name),
            "value": getattr(settings, each.name),
            "what": what[each.name],
            "allowed": _allowed(defaults, each.name),
        }
        for each in fields(settings)
    }


def _docstrings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass, those of its parents included."""
    found = {
        name: text
        for parent in kind.__bases__
        if is_dataclass(parent)
        for name, text in _docstrings(parent).items()
    }
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for line, under in zip(body.body, body.body[1:], strict=False):
        match line, under:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def _allowed(settings: Any, name: str) -> str:
    """Return what a setting may be, in the words with which it refuses what no setting may be."""
    impossible: Any = (math.nan,) if isinstance(getattr(settings, name), tuple) else math.nan
    try:
        replace(settings, **{name: impossible})
    except SettingError as error:
        return str(error).partition("; ")[2].removeprefix("allowed are ").removeprefix("choose one of ")
    return ""


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
