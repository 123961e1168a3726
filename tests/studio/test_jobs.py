"""The line: one job at a time, in order; what is stopped keeps what is painted."""

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from impasto.errors import ImpastoError, InputError
from impasto.image.io import Image
from impasto.result import OnStep, Result, Step
from impasto.studio.jobs import LONGEST, OUR_FAULT, Job, Line
from impasto.verbs.tasks import Task

PIXEL = Image(np.zeros((1, 1, 3), np.uint8))


@dataclass(frozen=True)
class Counting(Task):
    """Takes steps, each when it is let."""

    steps: int = 4
    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def run(self, on_step: OnStep) -> Result:
        for index in range(1, self.steps + 1):
            assert self.let.acquire(timeout=30)
            on_step(Step(index, self.steps, {}, torch.zeros(1, 3, 1, 1)))
        return Result(PIXEL, {"painted": self.steps})

    def stopped(self, step: Step) -> Result:
        return Result(PIXEL, {"painted": step.index})

    def as_it_stands(self, step: Step) -> Image:
        return PIXEL

    def costs(self) -> list[float]:
        return [1.0] * self.steps


def job_of(task: Any) -> Job:
    return Job(lambda: task, lambda _task, result: result.recipe["painted"], lambda image: image.width)


@pytest.fixture
def task() -> Counting:
    return Counting(PIXEL)


def test_jobs_are_painted_one_at_a_time_in_order(task: Counting) -> None:
    line, second = Line(), Counting(PIXEL)
    jobs = [job_of(task), job_of(second)]
    for job in jobs:
        line.join(job)
    task.let.release(3)
    while jobs[0].step != (3, 4):
        assert not jobs[0].ended.wait(0.01)
    assert [line.ahead(job) for job in jobs] == [0, 1]
    assert jobs[1].step is None and jobs[0].seconds_left is not None and jobs[0].shown == 1
    task.let.release()
    second.let.release(4)
    assert all(job.ended.wait(30) for job in jobs)
    assert [job.result for job in jobs] == [4, 4]


def test_a_stopped_job_keeps_what_is_painted(task: Counting) -> None:
    line, job = Line(), job_of(task)
    line.join(job)
    task.let.release(2)
    while job.step != (2, 4):
        assert not job.ended.wait(0.01)
    line.leave(job)
    task.let.release()
    assert job.ended.wait(30)
    assert job.result == 3 and job.error is None


def test_a_job_that_waits_leaves_at_once(task: Counting) -> None:
    line, waiting = Line(), job_of(Counting(PIXEL))
    line.join(job_of(task))
    line.join(waiting)
    line.leave(waiting)
    assert waiting.ended.is_set() and waiting.result is None
    task.let.release(4)


def test_whatever_goes_wrong_is_one_line_and_the_next_is_painted(
    task: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> Task:
        raise InputError("cat.png is\nno picture")

    def fail() -> Task:
        raise ZeroDivisionError("secret")

    line, shown = Line(), lambda image: image
    jobs = [Job(refuse, lambda _, result: result, shown), Job(fail, lambda _, result: result, shown), job_of(task)]
    for job in jobs:
        line.join(job)
    task.let.release(4)
    assert all(job.ended.wait(30) for job in jobs)
    assert [job.error for job in jobs] == ["cat.png is no picture", OUR_FAULT, None]
    assert jobs[2].result == 4
    assert "secret" in capsys.readouterr().err


def test_a_line_is_not_endless(task: Counting) -> None:
    line = Line()
    line.join(job_of(task))
    task.let.release()
    while not line.ahead(waiting := job_of(Counting(PIXEL))) and task.let.acquire(blocking=False):
        task.let.release()
    jobs = [waiting, *(job_of(Counting(PIXEL)) for _ in range(LONGEST - 1))]
    for job in jobs:
        line.join(job)
    with pytest.raises(ImpastoError, match="waiting to be painted already"):
        line.join(job_of(Counting(PIXEL)))
    for job in jobs:
        line.leave(job)
    task.let.release(4)
