"""One heavy job at a time: jobs wait in a line, are watched while they are painted, and may be stopped."""

import itertools
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from impasto.errors import ImpastoError
from impasto.image.io import Image
from impasto.nn.compute import reused_memory
from impasto.result import Result, Step
from impasto.verbs.tasks import Task

LOOK_SECONDS = 1.0
LOOK_SHARE = 0.1
"""Least time between two looks at the picture as it stands, and most of the time that looking may take."""
LONGEST = 32
"""Most jobs that wait."""
CLOSING_SECONDS = 10
"""Most time that a job has to end when the studio is closed."""
OUR_FAULT = "something is wrong in impasto itself; what happened is printed where the studio was started"


class _Stopped(Exception):  # noqa: N818 -- not an error
    """Raised in a step of a job that was stopped."""


@dataclass(eq=False)
class Job:
    """A task in the line, and what becomes of it.

    Attributes:
        make: Reads the pictures and gives the task, when its turn has come.
        finish: Called with the task and its result where it was painted; what it gives is what is asked for.
        look: Turns the picture as it stands into what is shown.
        step: The last step's number, and how many there are; None before the first.
        shown: What was last looked at.
        seconds_left: How long it still takes, once that can be told.
        result: What `finish` gave; None if it was stopped before anything was painted.
        error: In one line, what went wrong.
        ended: Set once `result` or `error` is there, or neither ever will be.
    """

    make: Callable[[], Task]
    finish: Callable[[Task, Result], object]
    look: Callable[[Image], object]
    step: tuple[int, int] | None = None
    shown: object = None
    seconds_left: float | None = None
    result: object = None
    error: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _began: float = 0.0
    _look_due: float = 0.0

    def stop(self) -> None:
        """Ask it to end; what is painted so far is kept."""
        self._stop.set()

    def run(self) -> None:
        """Paint; whatever happens ends up in `result` or `error`."""
        self._began = time.monotonic()
        try:
            if not self._stop.is_set():
                task = self.make()
                self.result = self.finish(task, self._paint(task))
        except (ImpastoError, OSError) as error:
            self.error = " ".join(str(error).split())
        except MemoryError:
            self.error = "out of memory; choose a smaller size or a smaller picture"
        except Exception:  # whatever it is, the next in the line is to be painted
            traceback.print_exc(file=sys.stderr)
            self.error = OUR_FAULT
        finally:
            self.ended.set()

    def _paint(self, task: Task) -> Result:
        """Return the picture, or what is painted of it when it is stopped."""
        costs = task.costs()
        done = list(itertools.accumulate(costs, initial=0.0))
        last: list[Step] = []

        def follow(step: Step) -> None:
            last[:] = [step]
            self._tell(task, step, done[step.index] / done[-1] if step.index < len(done) else 0.0)
            if self._stop.is_set():
                raise _Stopped

        try:
            # one pass uses little memory twice, and would only keep it
            with reused_memory() if costs else nullcontext():
                return task.run(follow)
        except _Stopped:
            return task.stopped(last[0])

    def _tell(self, task: Task, step: Step, share: float) -> None:
        """Note how far it is, and look at the picture now and then."""
        now = time.monotonic()
        if share > 0:
            self.seconds_left = (now - self._began) * (1 - share) / share
        self.step = step.index, step.total
        if now >= self._look_due:
            self.shown = self.look(task.as_it_stands(step))
            ended = time.monotonic()
            self._look_due = ended + max(LOOK_SECONDS, (ended - now) / LOOK_SHARE)


class Line:
    """A line of jobs, of which one is painted at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="painting", daemon=True).start()

    def join(self, job: Job) -> None:
        """Put a job at the end of the line.

        Raises:
            ImpastoError: If the line is too long.
        """
        with self._changed:
            if len(self._waiting) >= LONGEST:
                raise ImpastoError(f"{LONGEST} pictures are waiting to be painted already; come back later")
            self._waiting.append(job)
            self._changed.notify()

    def ahead(self, job: Job) -> int:
        """Return how many jobs are painted before this one; 0 once it is being painted or has ended."""
        with self._changed:
            if job not in self._waiting:
                return 0
            return self._waiting.index(job) + (self._running is not None)

    def leave(self, job: Job) -> None:
        """Stop a job; one that waits leaves the line at once."""
        job.stop()
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                job.ended.set()

    def close(self) -> None:
        """Stop everything, and wait for what is being painted to end."""
        with self._changed:
            jobs = [*self._waiting, *([self._running] if self._running else [])]
        for job in jobs:
            self.leave(job)
        for job in jobs:
            job.ended.wait(CLOSING_SECONDS)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._running = None
                while not self._waiting:
                    self._changed.wait()
                self._running = self._waiting.popleft()
            self._running.run()
