"""`impasto weights`: list the weights that impasto knows, fetch them, check them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from impasto.cli.console import print_json, unknown
from impasto.cli.options import Json, given, parse
from impasto.cli.progress import fetch_bar
from impasto.errors import SettingError, WeightsError
from impasto.weights import store
from impasto.weights.transfer import size

COMMAND = "impasto weights"
WHAT = {
    "list": "List all weights: what each is, its licence, and where it lies.",
    "fetch": "Fetch weights, unless they are here already, and print where they lie.",
    "verify": "Check every byte of the weights that are here against the catalogue.",
}

Name = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]


@dataclass(frozen=True)
class ListOptions:
    """Everything `impasto weights list` can be told."""

    json: Json = False
    """Print one JSON object."""


@dataclass(frozen=True)
class NameOptions:
    """Everything `impasto weights fetch` and `verify` can be told."""

    name: Name = ""
    """As impasto weights list names them; verify alone checks all that are here."""
    json: Json = False
    """Print one JSON object."""


def main(words: list[str]) -> int:
    """Run `impasto weights` and return its exit code.

    Raises:
        SettingError: If a flag or command is not allowed.
        WeightsError: If weights are unknown, cannot be fetched, or are damaged.
    """
    if not words or words[0] in ("-h", "--help"):
        rows = "\n".join(f"  {name:<7} {what}" for name, what in WHAT.items())
        print(f"usage: {COMMAND} COMMAND …\n\nThe networks that see: bundled with impasto, or fetched.\n\n{rows}")
        return 0
    name, rest = words[0], words[1:]
    if name not in _COMMANDS:
        raise SettingError(unknown(name, WHAT, f"choose one of {', '.join(WHAT)}"))
    run, kind = _COMMANDS[name]
    run(parse(kind, rest, command=f"{COMMAND} {name}", description=WHAT[name]))
    return 0


def list_weights(options: ListOptions) -> None:
    """Print what there is, and where."""
    entries = store.catalog().values()
    if options.json:
        print_json({"weights": [_as_dict(entry) for entry in entries]})
        return
    table = Table("name", "what", "licence", "MB", "where", box=None)
    for entry in entries:
        where = "bundled" if entry.file else str(entry.path) if store.is_here(entry) else "not fetched"
        table.add_row(entry.name, entry.what, entry.licence, f"{entry.bytes / 1e6:.0f}", where)
    Console().print(table)


def fetch_weights(options: NameOptions) -> None:
    """Fetch what is not here, and print its path."""
    given(options.name, f"name; choose one of {', '.join(store.catalog())}", f"{COMMAND} fetch")
    with fetch_bar(options.name) as on_progress:
        path = store.find(options.name, on_progress)
    if options.json:
        print_json(_as_dict(store.entry_named(options.name)))
    else:
        print(path)


def verify_weights(options: NameOptions) -> None:
    """Check one file, which must be here, or all that are."""
    states: dict[str, str] = {}
    damaged: list[WeightsError] = []
    for each in [options.name] if options.name else store.catalog():
        entry = store.entry_named(each)
        if not options.name and entry.url and not size(entry.path):
            states[each] = "not fetched"
            continue
        try:
            store.verify(each)
            states[each] = "ok"
        except WeightsError as error:
            states[each] = "damaged"
            damaged.append(error)
    if options.name and damaged:
        raise damaged[0]
    if options.json:
        print_json({"weights": states})
    else:
        print("\n".join(f"{each}: {state}" for each, state in states.items()))
    if damaged:
        raise damaged[0]


def _as_dict(entry: store.Entry) -> dict[str, Any]:
    return asdict(entry) | {"path": str(entry.path), "here": store.is_here(entry)}


_COMMANDS: dict[str, tuple[Callable[[Any], None], type[Any]]] = {
    "list": (list_weights, ListOptions),
    "fetch": (fetch_weights, NameOptions),
    "verify": (verify_weights, NameOptions),
}
