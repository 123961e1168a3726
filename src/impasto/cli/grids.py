"""A grid painted for a person: one bar over all of it; Ctrl-C keeps the cells that are done."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from impasto.cli.console import say
from impasto.cli.output import write_result
from impasto.cli.progress import step_bar
from impasto.cli.signals import undisturbed
from impasto.cli.words import STDIN
from impasto.errors import one_line
from impasto.nn.compute import reused_memory
from impasto.result import OnStep, Result, duration

Grid = TypeVar("Grid", bound=Result)


class Finished(NamedTuple, Generic[Grid]):
    """A grid that lies on disk.

    Attributes:
        result: The grid and how it came about.
        stop: What interrupted the painting, to be raised once all is said.
    """

    result: Grid
    stop: KeyboardInterrupt | None


def paint_grid(
    paint: Callable[[OnStep, Callable[[Grid], None]], Grid],
    target: str,
    *,
    label: str,
    cells: int,
    costs: Sequence[float] = (),
) -> Finished[Grid]:
    """Paint a grid, write it and say so.

    Args:
        paint: Paints it, given what to call after every step and after every cell.
        target: Path of the grid, or `-` for standard output.
        label: What the bar says.
        cells: How many pictures it will have.
        costs: How long each step takes beside the others; the same if not given.

    Raises:
        KeyboardInterrupt: If interrupted before the first cell was done.
    """
    so_far: list[Grid] = []
    stop = None
    try:
        with step_bar(label, costs) as show, reused_memory():
            result = paint(show, so_far.append)
    except KeyboardInterrupt as interrupt:
        if not so_far:
            say("impasto: interrupted before the first picture was done; nothing was written")
            raise
        result, stop = so_far[-1], interrupt
    with undisturbed(target):
        write_result(result.image, target)
        say(_report(target, result, cells))
    return Finished(result, stop)


def answer_of(target: str, result: Result) -> dict[str, Any]:
    """Return what `--json` prints of every grid."""
    return {
        "output": target,
        "size": [result.image.width, result.image.height],
        "steps": len(result.trace),
        "seconds": round(result.seconds, 3),
        "recipe": dict(result.recipe),
    }


def _report(target: str, result: Result, cells: int) -> str:
    name = "standard output" if target == STDIN else one_line(target)
    stopped = result.recipe.get("interrupted")
    pictures = f"interrupted after {stopped['cell']} of {cells} pictures" if stopped else f"{cells} pictures"
    size = f"{result.image.width}×{result.image.height}"
    return f"{name}: {size}, {pictures}, {len(result.trace)} steps, {duration(result.seconds)}"
