"""`impasto weights`: list the weights that impasto knows, fetch them, check them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from impasto.errors import WeightsError
from impasto.weights import store
from impasto.weights.transfer import OnProgress, size

Name = tyro.conf.arg(metavar="NAME")
AsJson = Annotated[bool, tyro.conf.arg(name="json")]


def main(argv: list[str]) -> int:
    """Run `impasto weights` and return its exit code.

    Raises:
        WeightsError: If weights are unknown, cannot be fetched, or are damaged.
    """
    tyro.extras.subcommand_cli_from_dict(
        {"list": list_weights, "fetch": fetch_weights, "verify": verify_weights},
        prog="impasto weights",
        description="The networks that see: what comes with impasto, and what it can fetch.",
        args=argv,
        config=[tyro.conf.FlagCreatePairsOff],
    )
    return 0


def list_weights(*, as_json: AsJson = False) -> None:
    """List all weights: what each is, its licence, and where it lies.

    Args:
        as_json: Print one JSON object.
    """
    entries = store.catalog().values()
    if as_json:
        _print_json({"weights": [_as_dict(entry) for entry in entries]})
        return
    table = Table("name", "what", "licence", "MB", "where", box=None)
    for entry in entries:
        where = "bundled" if entry.file else str(entry.path) if store.is_here(entry) else "not fetched"
        table.add_row(entry.name, entry.what, entry.licence, f"{entry.bytes / 1e6:.0f}", where)
    Console().print(table)


def fetch_weights(name: Annotated[str, Name], /, *, as_json: AsJson = False) -> None:
    """Fetch weights, unless they are here already, and print where they lie.

    Args:
        name: As `impasto weights list` names them.
        as_json: Print one JSON object.
    """
    with _progress(name) as on_progress:
        path = store.find(name, on_progress)
    if as_json:
        _print_json(_as_dict(store.entry_named(name)))
    else:
        print(path)


def verify_weights(name: Annotated[str | None, Name] = None, /, *, as_json: AsJson = False) -> None:
    """Check every byte of the weights that are here against the catalogue.

    Args:
        name: Check these alone; they must be here.
        as_json: Print one JSON object.
    """
    states: dict[str, str] = {}
    damaged: list[WeightsError] = []
    for each in [name] if name else store.catalog():
        entry = store.entry_named(each)
        if not name and entry.url and not size(entry.path):
            states[each] = "not fetched"
            continue
        try:
            store.verify(each)
            states[each] = "ok"
        except WeightsError as error:
            states[each] = "damaged"
            damaged.append(error)
    if name and damaged:
        raise damaged[0]
    if as_json:
        _print_json({"weights": states})
    else:
        print("\n".join(f"{each}: {state}" for each, state in states.items()))
    if damaged:
        raise damaged[0]


def _as_dict(entry: store.Entry) -> dict[str, Any]:
    return asdict(entry) | {"path": str(entry.path), "here": store.is_here(entry)}


def _print_json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, ensure_ascii=False))


@contextmanager
def _progress(name: str) -> Iterator[OnProgress | None]:
    """Show a bar on standard error while weights are being fetched, if a person is there to see it."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)
