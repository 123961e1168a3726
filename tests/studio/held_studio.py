"""The studio's command, whose jobs wait at their second step while a file exists.

    python held_studio.py FILE studio …

A test of what happens during a job must find the job still going on, however fast the machine is.
"""

import sys
import time
from pathlib import Path

from impasto.cli import main
from impasto.result import Step
from impasto.studio.jobs import Job
from impasto.verbs.tasks import Task

HOLD = Path(sys.argv[1])
report = Job._tell


def report_and_wait(job: Job, task: Task, step: Step, share: float) -> None:
    report(job, task, step, share)
    while step.index > 1 and HOLD.exists() and not job._stop.is_set():
        time.sleep(0.01)


if __name__ == "__main__":
    Job._tell = report_and_wait  # type: ignore[method-assign]
    sys.exit(main(sys.argv[2:]))
