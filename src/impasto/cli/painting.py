"""One picture painted for a person: seen on the way, kept on Ctrl-C, written and reported at the end."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from impasto.cli.console import duration, finite, say
from impasto.cli.output import write_result
from impasto.cli.progress import Preview, fetch_bar, step_bar
from impasto.cli.signals import undisturbed
from impasto.cli.words import STDIN
from impasto.errors import one_line
from impasto.image import Image
from impasto.methods import gatys
from impasto.methods.gatys import GatysSettings
from impasto.nn.compute import reused_memory
from impasto.result import OnStep, Result, Step
from impasto.verbs.sheet import step_costs
from impasto.verbs.stylize import StylizeSettings, finished, stopped, stylize
from impasto.weights import store


@dataclass(frozen=True)
class Task:
    """What to paint, and where to.

    Attributes:
        photo: The content.
        styles: Paintings, or names of styles that a network has learnt.
        settings: How.
        target: Path of the result, or `-` for standard output.
        masks: One per style, or none.
        method: By which method.
        grey: Whether a grey photo stays grey.
        label: What the progress bar says.
        start: The picture that `settings.init` names, if it names one.
        preview: Where the picture is shown as it stands, if anywhere.
        keep_preview: Whether that file stays.
    """

    photo: Image
    styles: Sequence[Image | str]
    settings: StylizeSettings
    target: str
    masks: Sequence[Image] = ()
    method: str = "gatys"
    grey: bool = True
    label: str = ""
    start: Image | None = None
    preview: Path | None = None
    keep_preview: bool = False


@dataclass(frozen=True)
class Painted:
    """What became of a task.

    Attributes:
        target: Where the picture lies.
        result: The picture and how it came about.
        stop: What interrupted the painting, to be raised once all is said.
    """

    target: str
    result: Result
    stop: KeyboardInterrupt | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        image, trace = self.result.image, self.result.trace
        return {
            "output": self.target,
            "size": [image.width, image.height],
            "steps": len(trace),
            "seconds": round(self.result.seconds, 3),
            "losses": finite(trace[-1]),
            "recipe": dict(self.result.recipe),
        }


def fetch_network(settings: GatysSettings) -> None:
    """Fetch the network that looks, showing how far it is, unless it is here.

    Raises:
        WeightsError: If it is not to be had.
    """
    with fetch_bar(settings.network) as on_progress:
        store.find(settings.network, on_progress)


def paint(task: Task) -> Painted:
    """Paint a picture, write it and say so.

    On Ctrl-C or SIGTERM the best picture so far is written, and what interrupted comes back in the result.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: If interrupted before the first step.
    """
    began, course = time.perf_counter(), _Course()
    result = stop = None
    try:
        result = _stylize(task, course)
    except KeyboardInterrupt as interrupt:
        if course.last is None:
            say("impasto: interrupted before the first step; nothing was painted")
            raise
        stop = interrupt
    with undisturbed(task.target):
        if result is None:
            result = _so_far(task, course, time.perf_counter() - began)
        write_result(result.image, task.target)
        say(_report(task, result))
    return Painted(task.target, result, stop)


@dataclass
class _Course:
    """What has been reported of a run so far."""

    trace: list[Mapping[str, float]] = field(default_factory=list)
    last: Step | None = None


def _stylize(task: Task, course: _Course) -> Result:
    costs: list[float] = []
    memory: AbstractContextManager[None] = nullcontext()  # one pass uses little of it twice, and would only keep it
    if isinstance(task.settings, GatysSettings):
        costs, memory = step_costs(task.photo, task.settings), reused_memory()
    with step_bar(task.label, costs) as show, _preview(task) as preview, memory:

        def follow(step: Step) -> None:
            if step.index > 0:
                course.trace.append(step.losses)
            course.last = step
            show(step)
            preview(step)

        return stylize(
            task.photo,
            list(task.styles),
            method=task.method,
            settings=task.settings,
            masks=task.masks,
            grey=task.grey,
            on_step=follow,
        )


@contextmanager
def _preview(task: Task) -> Iterator[OnStep]:
    """Show the picture in the task's preview file, and take it away at the end unless it shall stay."""
    if task.preview is None:
        yield lambda step: None
        return

    def as_it_stands(step: Step) -> Image:
        settings = replace(task.settings, size=max(step.image.shape[-2:]))
        return finished(step.image, task.photo, settings, grey=task.grey)

    try:
        yield Preview(task.preview, as_it_stands).show
    finally:
        if not task.keep_preview:
            task.preview.unlink(missing_ok=True)


def _so_far(task: Task, course: _Course, seconds: float) -> Result:
    """Return the best picture up to the last step, whose recipe says so."""
    assert course.last is not None
    result = stopped(
        task.photo,
        task.styles,
        task.settings,
        course.last,
        method=task.method,
        masks=task.masks,
        start=task.start,
        grey=task.grey,
    )
    return replace(result, trace=course.trace, seconds=seconds)


def _report(task: Task, result: Result) -> str:
    """Word what was painted, on one line."""
    image, stopped = result.image, result.recipe.get("interrupted")
    name = "standard output" if task.target == STDIN else one_line(task.target)
    steps = f"interrupted at step {stopped['step']} of {stopped['of']}" if stopped else f"{len(result.trace)} steps"
    optimised = isinstance(task.settings, GatysSettings)
    steps = steps if optimised else "in one pass"
    line = f"{name}: {image.width}×{image.height}, {steps}, {duration(result.seconds)}"
    longest = max(image.width, image.height)
    if optimised and task.settings.size is None and longest > gatys.DEFAULT_SIZE:
        line += f"; painted at {gatys.DEFAULT_SIZE} px and enlarged; --size {longest} paints finer"
    return line
