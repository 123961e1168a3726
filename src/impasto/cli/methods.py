"""`impasto methods`: what impasto can paint with, and every setting of it."""

from dataclasses import asdict, dataclass

from impasto.cli.console import print_json
from impasto.cli.options import Json, parse
from impasto.errors import check_choice
from impasto.methods import METHODS

COMMAND = "impasto methods"
DESCRIPTION = "List the methods. impasto methods NAME tells all of one: its paper, settings and networks."


@dataclass(frozen=True)
class MethodsOptions:
    """Everything `impasto methods` can be told."""

    json: Json = False
    """Print one JSON object."""


def main(words: list[str]) -> int:
    """Run `impasto methods` and return its exit code.

    Raises:
        SettingError: If there is no such method or setting.
    """
    if words and not words[0].startswith("-"):
        check_choice("the method", words[0], tuple(METHODS))
        from impasto.cli.methods_run import describe  # torch comes with it

        return describe(METHODS[words[0]], words[1:])
    options = parse(MethodsOptions, words, command=COMMAND, description=DESCRIPTION)
    if options.json:
        print_json({"methods": [asdict(method) for method in METHODS.values()]})
    else:
        _print_table()
    return 0


def _print_table() -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "verb", "what", "paper", box=None)
    for method in METHODS.values():
        table.add_row(method.name, method.verb, method.what, method.paper)
    Console().print(table)
