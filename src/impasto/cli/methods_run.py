"""What `impasto methods NAME` tells of one method."""

from dataclasses import asdict, dataclass, field, make_dataclass
from typing import Annotated, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from torch import nn

from impasto.cli.console import print_json
from impasto.cli.options import Json, Settings, parse
from impasto.methods import Method
from impasto.verbs.described import settings_table


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


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
