"""A training in a process of its own, which goes on when whoever started it is gone.

Plain files in the run's folder are the only link: `process.json` says which process it is and what it was told,
`log.txt` what it said. A number that the system has since given to another process is not taken for it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from impasto.errors import ImpastoError, InputError, one_line
from impasto.writing import replace_file

PROCESS, LOG = "process.json", "log.txt"
LEFT_BY_STARTERS = (PROCESS, LOG)
"""What lies in a run's folder before the training has begun."""
_PROC = Path("/proc")


class _Seen(NamedTuple):
    """A process that is there.

    Attributes:
        began: When it began, as the system says it.
        words: What it was started with.
    """

    began: str
    words: str


def start(run: Path, words: Sequence[str]) -> None:
    """Start a training, or one that goes on, as the command line would.

    Args:
        run: The run's folder; made if missing.
        words: What follows `impasto train`, without `--run`.

    Raises:
        ImpastoError: If the run is being trained already.
        InputError: If the folder cannot be written.
    """
    if is_running(run):
        raise ImpastoError(f"{one_line(run.name)} is being trained already; stop it first")
    try:
        run.mkdir(parents=True, exist_ok=True)
        with (run / LOG).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- no shell reads the words
                [sys.executable, "-m", "impasto", "train", *words, "--run", str(run)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise InputError(f"cannot write {one_line(str(run))} ({error.strerror}); choose another place") from None
    threading.Thread(target=process.wait, name=f"training {process.pid}", daemon=True).start()
    seen = _seen(process.pid)
    began = "" if seen is None else seen.began
    replace_file(run / PROCESS, json.dumps({"pid": process.pid, "began": began, "words": list(words)}).encode())


def is_running(run: Path) -> bool:
    """Return whether the process that was started for a run is there, and still is that training."""
    return _process(run) is not None


def stop(run: Path) -> None:
    """Ask a training to end, as Ctrl-C does; what it has saved is kept, and it can go on."""
    process = _process(run)
    if process is not None:
        os.killpg(process, signal.SIGINT)


def resume(run: Path) -> None:
    """Go on with a run that was started by `start`.

    Raises:
        ImpastoError: If it is being trained already, or nobody knows what it was told.
    """
    words = _record(run).get("words")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ImpastoError(f"{one_line(run.name)} was started elsewhere; repeat its command there to go on with it")
    start(run, words)


def can_resume(run: Path) -> bool:
    """Return whether it is known what a run was told."""
    return "words" in _record(run)


def _process(run: Path) -> int | None:
    """Return the number of the process that trains a run, if it is there."""
    record = _record(run)
    number = record.get("pid")
    if not isinstance(number, int) or number <= 0:
        return None
    seen = _seen(number)
    is_it = seen is not None and seen.began == record.get("began") and f"train {_joined(record)}" in seen.words
    return number if is_it else None


def _joined(record: dict[str, Any]) -> str:
    return " ".join(map(str, record.get("words", [])))


def _record(run: Path) -> dict[str, Any]:
    try:
        record = json.loads((run / PROCESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _seen(number: int) -> _Seen | None:
    """Return what the system says of a process; None if there is none, or one that has ended."""
    if not _PROC.is_dir():
        told = subprocess.run(  # noqa: S603
            ["ps", "-ww", "-o", "state=,lstart=,command=", "-p", str(number)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split(None, 6)
        return _Seen(" ".join(told[1:6]), told[6]) if len(told) == 7 and told[0][0] != "Z" else None
    try:
        state, *fields = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
        words = (_PROC / str(number) / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return None
    return None if state == "Z" else _Seen(fields[18], words)
