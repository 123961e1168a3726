"""What is seen while it paints: a bar on a terminal, and the picture itself in a file."""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from impasto.cli.console import is_terminal, warn
from impasto.errors import InputError
from impasto.image import Image, write_image
from impasto.result import OnStep, Step
from impasto.weights.transfer import OnProgress

LABEL, WIDE = 24, 110
"""Most characters of what is being painted, and columns of a terminal that has room for every term."""
PREVIEW_SECONDS = 2.0
PREVIEW_SHARE = 0.1
"""Most of the time that previews may take."""


@contextmanager
def step_bar(label: str, costs: Sequence[float] = ()) -> Iterator[OnStep]:
    """Show steps, losses, time gone and time left on standard error, if a person is there to see it.

    Args:
        label: What is being painted.
        costs: How long each step takes beside the others; the same if they do not fit the steps.

    Yields:
        What to call after every step.
    """
    if not is_terminal(sys.stderr):
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("step {task.fields[step]}/{task.fields[steps]}  {task.fields[losses]} "),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("left"),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
    )
    done: list[float] = []
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task(label[-LABEL:], total=None, step=0, steps="…", losses="")

        def show(step: Step) -> None:
            if not done:
                done.extend(
                    itertools.accumulate(costs if len(costs) == step.total else [1.0] * step.total, initial=0.0)
                )
                progress.update(task, total=done[-1], steps=step.total)
            progress.update(task, completed=done[step.index], step=step.index, losses=_losses(step, console.width))

        yield show


@contextmanager
def folder_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many pictures of a folder are done, time gone and time left, if a person is there to see it.

    Args:
        label: What is being painted.

    Yields:
        What to call with the pictures done and the pictures in all.
    """
    if not is_terminal(sys.stderr):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Left

    text = TextColumn("{task.description}", markup=False)
    columns = text, BarColumn(bar_width=None), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), Left()
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        task = progress.add_task(label[-LABEL:], total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def fetch_bar(name: str) -> Iterator[OnProgress | None]:
    """Show a bar on standard error while weights are being fetched, if a person is there to see it.

    Yields:
        What to call with the bytes done and the bytes in all, or None.
    """
    if not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)


@contextmanager
def count_bar(label: str, thing: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many things are done, time gone and time left on standard error, if a person is there to see it.

    Args:
        label: What is being painted.
        thing: What is counted.

    Yields:
        What to call with the number done and the number in all; what was done before the first call takes no time.
    """
    if not is_terminal(sys.stderr):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn(thing),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        tasks = list[TaskID]()

        def show(done: int, total: int) -> None:
            if not tasks:
                tasks.append(progress.add_task(label[-LABEL:], total=total, completed=done - 1))
            progress.update(tasks[0], completed=done, total=total)

        yield show


class Preview:
    """The picture as it stands, in a file that is rewritten now and then.

    Args:
        path: Where; every version replaces the one before at once.
        picture: Makes the picture of a step.
    """

    def __init__(self, path: Path, picture: Callable[[Step], Image]) -> None:
        self.path, self.picture = path, picture
        self.due = 0.0

    def show(self, step: Step) -> None:
        """Write the step's picture, unless one was written a moment ago."""
        began = time.monotonic()
        if began < self.due:
            return
        try:
            write_image(self.picture(step), self.path)
        except InputError as error:
            # a disk that is full now may have room when the picture is finished
            warn(f"no more previews: {error}")
            self.due = math.inf
            return
        ended = time.monotonic()
        self.due = ended + max(PREVIEW_SECONDS, (ended - began) / PREVIEW_SHARE)


def _losses(step: Step, width: int) -> str:
    """Write the terms of the loss, or on a narrow terminal their sum."""
    if width < WIDE and step.losses:
        return f"loss {step.losses['total']:.4f}"
    return "  ".join(f"{name} {loss:.4f}" for name, loss in step.losses.items() if name != "total")
