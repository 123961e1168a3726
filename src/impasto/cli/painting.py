"""One picture painted for a person: seen on the way, kept on Ctrl-C, written and reported at the end."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from impasto.cli.console import duration, finite, print_json, say
from impasto.cli.output import Job, make_folder, write_result
from impasto.cli.progress import Preview, fetch_bar, step_bar
from impasto.cli.signals import undisturbed
from impasto.cli.words import STDIN
from impasto.errors import ImpastoError, WeightsError, one_line
from impasto.image import Image
from impasto.nn.compute import reused_memory
from impasto.result import OnStep, Result, Step
from impasto.weights import store


class Sees(Protocol):
    """Settings that name a network of the catalogue that looks."""

    @property
    def network(self) -> str:
        """Its name."""


@dataclass(frozen=True)
class Task(ABC):
    """What to paint, and where to.

    Attributes:
        photo: The content.
        target: Path of the result, or `-` for standard output.
        label: What the progress bar says.
        preview: Where the picture is shown as it stands, if anywhere.
        keep_preview: Whether that file stays.
    """

    photo: Image
    target: str
    label: str = field(default="", kw_only=True)
    preview: Path | None = field(default=None, kw_only=True)
    keep_preview: bool = field(default=False, kw_only=True)

    @abstractmethod
    def run(self, on_step: OnStep) -> Result:
        """Paint it all."""

    @abstractmethod
    def stopped(self, step: Step) -> Result:
        """Return what is left of a run that was interrupted after a step."""

    @abstractmethod
    def as_it_stands(self, step: Step) -> Image:
        """Return the picture of a step, as it is being painted."""

    def costs(self) -> list[float]:
        """Return how long each step takes beside the others; nothing if it is painted in one pass."""
        return []

    def remark(self) -> str:
        """Return what else is said at the end."""
        return ""


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


def fetch_network(settings: Sees) -> None:
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
        result = _run(task, course)
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


def paint_many(jobs: Sequence[Job], task: Callable[[Job, str], Task], *, as_json: bool) -> int:
    """Paint one after the other; one that fails does not stop the rest.

    Args:
        jobs: What to paint.
        task: Reads and checks what a job needs, given it and what the bar says.
        as_json: Whether to print one JSON object.

    Raises:
        ImpastoError: At the end, if any failed.
        KeyboardInterrupt: If interrupted.
    """
    began, told, failures = time.perf_counter(), list[dict[str, Any]](), list[dict[str, str]]()
    stop: KeyboardInterrupt | None = None
    make_folder(Path(jobs[0].target).parent)
    for number, job in enumerate(jobs, 1):
        try:
            painted = paint(task(job, f"{number}/{len(jobs)} {one_line(Path(job.content).name)}"))
        except WeightsError:
            raise
        except ImpastoError as error:
            failures.append({"content": job.content, "error": str(error)})
            named = Path(job.content).name in str(error)
            say(f"impasto: {error}" if named else f"impasto: {one_line(job.content)}: {error}")
            continue
        told.append(painted.as_dict())  # not the picture, whose pixels would stay in memory
        if stop := painted.stop:
            break
    if as_json:
        print_json({"pictures": told, "failures": failures, "seconds": round(time.perf_counter() - began, 3)})
    if stop:
        raise stop
    if failures:
        raise ImpastoError(f"{len(failures)} of {len(jobs)} pictures could not be painted; they are named above")
    return 0


@dataclass
class _Course:
    """What has been reported of a run so far."""

    trace: list[Mapping[str, float]] = field(default_factory=list)
    last: Step | None = None


def _run(task: Task, course: _Course) -> Result:
    costs = task.costs()
    # one pass uses little memory twice, and would only keep it
    memory = reused_memory() if costs else nullcontext()
    with step_bar(task.label, costs) as show, _preview(task) as preview, memory:

        def follow(step: Step) -> None:
            if step.index > 0:
                course.trace.append(step.losses)
            course.last = step
            show(step)
            preview(step)

        return task.run(follow)


@contextmanager
def _preview(task: Task) -> Iterator[OnStep]:
    """Show the picture in the task's preview file, and take it away at the end unless it shall stay."""
    if task.preview is None:
        yield lambda step: None
        return
    try:
        yield Preview(task.preview, task.as_it_stands).show
    finally:
        if not task.keep_preview:
            task.preview.unlink(missing_ok=True)


def _so_far(task: Task, course: _Course, seconds: float) -> Result:
    """Return the best picture up to the last step, whose recipe says so."""
    assert course.last is not None
    return replace(task.stopped(course.last), trace=course.trace, seconds=seconds)


def _report(task: Task, result: Result) -> str:
    """Word what was painted, on one line."""
    image, stopped = result.image, result.recipe.get("interrupted")
    name = "standard output" if task.target == STDIN else one_line(task.target)
    steps = f"interrupted at step {stopped['step']} of {stopped['of']}" if stopped else f"{len(result.trace)} steps"
    steps = steps if task.costs() else "in one pass"
    return f"{name}: {image.width}×{image.height}, {steps}, {duration(result.seconds)}{task.remark()}"
