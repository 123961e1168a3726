"""Where a picture is painted on a page: how far it is, the picture itself, before and after, stop, download."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from impasto.errors import ImpastoError
from impasto.image.io import write_image
from impasto.result import Result, duration
from impasto.studio.jobs import Job
from impasto.studio.look import seen
from impasto.studio.pictures import picture_url
from impasto.studio.visitors import Visitor, Visitors
from impasto.verbs.tasks import Task

BEAT = 0.25
"""Seconds between two looks at a job."""
_HERE = Path(__file__).parent


class Commission(NamedTuple):
    """What a visitor wants painted.

    Attributes:
        make: Reads the pictures and gives the task; called when its turn has come.
        name: What the painted picture's file is called.
        extras: Files that belong to it, such as masks that were drawn; those are shown that are there in the end.
        before: What it is compared with, as a URL that holds it; the photo if empty.
    """

    make: Callable[[], Task]
    name: str
    extras: Sequence[Path] = ()
    before: str = ""


@dataclass(frozen=True)
class Finished:
    """A painted picture.

    Attributes:
        path: The PNG.
        before: What it was painted from, as a URL that holds it.
        after: The picture, likewise.
        told: What it is, in a line.
    """

    path: Path
    before: str
    after: str
    told: str


class Easel:
    """The part of a tab where its picture is painted; builds its controls where it is made.

    Args:
        visitors: Who paints.
        tab: Which tab; a visitor has one job in each.
        empty: What is said while there is no picture.
        extras: What files that belong to it are called.
    """

    def __init__(
        self, visitors: Visitors, tab: str, empty: str, extras: str = "Masks you drew, to paint it again"
    ) -> None:
        self.visitors, self.tab = visitors, tab
        self.picture = gr.HTML(
            value={"empty": empty},
            html_template='<div class="easel"></div>',
            js_on_load=(_HERE / "easel.js").read_text(),
            elem_classes="easel-box",
        )
        self.status = gr.HTML(value=told(""), js_on_load=None, elem_classes="status")
        self.stop = gr.Button("Stop, and keep what is painted", visible=seen(False))
        self.download = gr.DownloadButton("Download", visible=seen(False), variant="primary")
        self.extras = gr.File(label=extras, visible=seen(False), interactive=False)

    def paints(
        self,
        button: gr.Button,
        inputs: Sequence[gr.components.Component],
        commission: Callable[..., Commission],
    ) -> None:
        """Paint when a button is pressed.

        Args:
            button: Which.
            inputs: Whose values say what.
            commission: Turns a visitor and those values into what is to be painted.
        """

        async def start(request: gr.Request, *values: Any) -> AsyncIterator[dict[Any, Any]]:
            async for changes in self._paint(request.session_hash, lambda visitor: commission(visitor, *values)):
                yield changes

        outputs = [self.picture, self.status, self.stop, self.download, self.extras]
        button.click(
            start,
            list(inputs),
            outputs,
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
            api_visibility="private",
        )
        self.stop.click(self._stop, None, None, queue=False, api_visibility="private")

    async def _paint(
        self, session: str | None, commission: Callable[[Visitor], Commission]
    ) -> AsyncIterator[dict[Any, Any]]:
        """Follow a job from the line to the picture, and give what changes on the page."""
        visitor = self.visitors.of(session)
        try:
            wanted = await asyncio.to_thread(commission, visitor)
            job = Job(wanted.make, partial(_finish, visitor, wanted), picture_url)
            if self.tab in visitor.jobs:
                self.visitors.line.leave(visitor.jobs[self.tab])
            visitor.jobs[self.tab] = job
            self.visitors.line.join(job)
        except ImpastoError as error:
            yield {self.status: told(str(error), mistake=True)}
            return
        yield {
            self.stop: gr.update(visible=seen(True)),
            self.download: gr.update(visible=seen(False)),
            self.extras: gr.update(visible=seen(False)),
        }
        said, shown = "", None
        try:
            while not job.ended.is_set():
                changes: dict[Any, Any] = {}
                if job.shown is not shown:
                    shown = job.shown
                    changes[self.picture] = {"live": shown}
                if (words := self._progress(job)) != said:
                    said = words
                    changes[self.status] = words
                if changes:
                    yield changes
                await asyncio.sleep(BEAT)
        finally:
            self.visitors.line.leave(job)
        if visitor.jobs[self.tab] is job:
            yield self._ending(job, wanted)

    def _progress(self, job: Job) -> str:
        ahead = self.visitors.line.ahead(job)
        if ahead:
            return told(f"{ahead} picture{'s are' if ahead > 1 else ' is'} painted before yours")
        if job.step is None:
            return told("Getting ready")
        index, total = job.step
        left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        return told(f"Step {index} of {total}{left}", share=index / total)

    def _ending(self, job: Job, wanted: Commission) -> dict[Any, Any]:
        over = {self.stop: gr.update(visible=seen(False))}
        if job.error is not None:
            return over | {self.status: told(job.error, mistake=True)}
        if job.result is None:
            return over | {self.status: told("Stopped before anything was painted")}
        done = job.result
        assert isinstance(done, Finished)
        extras = [str(path) for path in wanted.extras if path.exists()]
        return over | {
            self.picture: {"before": done.before, "after": done.after},
            self.status: told(done.told),
            self.download: gr.update(value=str(done.path), visible=seen(True)),
            self.extras: gr.update(value=extras, visible=seen(bool(extras))),
        }

    def _stop(self, request: gr.Request) -> None:
        job = self.visitors.of(request.session_hash).jobs.get(self.tab)
        if job is not None:
            self.visitors.line.leave(job)


def told(words: str, *, mistake: bool = False, share: float | None = None) -> str:
    """Return a line of words as a page says it: aloud to those who listen, a mistake at once.

    Args:
        words: Plain text.
        mistake: Whether the visitor has something to mend.
        share: How much is done, if that is to be seen.
    """
    role = 'role="alert" class="mistake"' if mistake else 'role="status"'
    bar = ""
    if share is not None:
        bar = f'<progress max="1" value="{share:.3f}" aria-label="How much is painted"></progress>'
    return f"{bar}<p {role}>{html.escape(words)}</p>"


def _finish(visitor: Visitor, wanted: Commission, task: Task, result: Result) -> Finished:
    """Write the picture as the command line writes it."""
    path = visitor.fresh(wanted.name)
    write_image(result.image, path)
    image = result.image
    stopped = result.recipe.get("interrupted")
    steps = f", stopped at step {stopped['step']} of {stopped['of']}" if stopped else ""
    words = f"{image.width} × {image.height} pixels{steps}, {duration(result.seconds)}"
    return Finished(path, wanted.before or picture_url(task.photo), picture_url(image), words)
