"""One picture painted for a person: seen on the way, kept on Ctrl-C, written and reported at the end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from impasto.cli.console import finite, print_json, say
from impasto.cli.output import Job, make_folder, write_result
from impasto.cli.progress import Preview, fetch_bar, step_bar
from impasto.cli.signals import undisturbed
from impasto.cli.words import STDIN
from impasto.errors import ImpastoError, WeightsError, one_line
from impasto.nn.compute import reused_memory
from impasto.result import OnStep, Result, Step, duration
from impasto.verbs.tasks import Task
from impasto.weights import store


class HasBackbone(Protocol):
    """Settings that name a pretrained network of the catalogue."""

    @property
    def backbone(self) -> str:
        """Its name."""


@dataclass(frozen=True)
class Errand:
    """A picture to be painted, and where it goes.

    Attributes:
        task: What to paint.
        target: Path of the result, or `-` for standard output.
        label: What the progress bar says.
        preview: Where the picture is shown as it stands, if anywhere.
        keep_preview: Whether that file stays.
        remark: What else is said at the end.
    """

    task: Task
    target: str
    label: str = ""
    preview: Path | None = None
    keep_preview: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Painted:
    """What became of an errand.

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


def fetch_network(settings: HasBackbone) -> None:
    """Fetch the pretrained network unless it is here, with a progress bar.

    Raises:
        WeightsError: If it is not to be had.
    """
    with fetch_bar(settings.backbone) as on_progress:
        store.find(settings.backbone, on_progress)


def paint(errand: Errand) -> Painted:
    """Paint a picture, write it and say so.

    On Ctrl-C or SIGTERM the best picture so far is written, and what interrupted comes back in the result.

    Raises:
        ImpastoError: If something a user can mend is wrong.
        KeyboardInterrupt: If interrupted before the first step.
    """
    began, course = time.perf_counter(), _Course()
    result = stop = None
    try:
        result = _run(errand, course)
    except KeyboardInterrupt as interrupt:
        if course.last is None:
            say("impasto: interrupted before the first step; nothing was painted")
            raise
        stop = interrupt
    with undisturbed(errand.target):
        if result is None:
            result = _so_far(errand.task, course, time.perf_counter() - began)
        write_result(result.image, errand.target)
        say(_report(errand, result))
    return Painted(errand.target, result, stop)


def paint_many(jobs: Sequence[Job], errand: Callable[[Job, str], Errand], *, as_json: bool) -> int:
    """Paint one after the other; one that fails does not stop the rest.

    Args:
        jobs: What to paint.
        errand: Reads and checks what a job needs, given it and what the bar says.
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
            painted = paint(errand(job, f"{number}/{len(jobs)} {one_line(Path(job.content).name)}"))
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


def _run(errand: Errand, course: _Course) -> Result:
    costs = errand.task.costs()
    # one pass uses little memory twice, and would only keep it
    memory = reused_memory() if costs else nullcontext()
    with step_bar(errand.label, costs) as show, _preview(errand) as preview, memory:

        def follow(step: Step) -> None:
            if step.index > 0:
                course.trace.append(step.losses)
            course.last = step
            show(step)
            preview(step)

        return errand.task.run(follow)


@contextmanager
def _preview(errand: Errand) -> Iterator[OnStep]:
    """Show the picture in the errand's preview file, and take it away at the end unless it shall stay."""
    if errand.preview is None:
        yield lambda step: None
        return
    try:
        yield Preview(errand.preview, errand.task.as_it_stands).show
    finally:
        if not errand.keep_preview:
            errand.preview.unlink(missing_ok=True)


def _so_far(task: Task, course: _Course, seconds: float) -> Result:
    """Return the best picture up to the last step, whose recipe says so."""
    assert course.last is not None
    return replace(task.stopped(course.last), trace=course.trace, seconds=seconds)


def _report(errand: Errand, result: Result) -> str:
    """Word what was painted, on one line."""
    image, stopped = result.image, result.recipe.get("interrupted")
    name = "standard output" if errand.target == STDIN else one_line(errand.target)
    steps = f"interrupted at step {stopped['step']} of {stopped['of']}" if stopped else f"{len(result.trace)} steps"
    steps = steps if errand.task.costs() else "in one pass"
    return f"{name}: {image.width}×{image.height}, {steps}, {duration(result.seconds)}{errand.remark}"
