"""A training's run, read from the plain files in its folder: how far it is, how it does, what was said."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from impasto.training.background import LOG, can_resume, is_running

Curve = Sequence[tuple[int, float]]
MOST_LOG = 4000
"""Bytes of the end of a log that are read."""
Status = Literal["trains", "stopped", "done"]


@dataclass(frozen=True)
class Run:
    """A run's folder as it stands.

    Attributes:
        method: What is trained.
        status: Whether it is being trained, can go on, or has nothing left to do.
        step: Steps taken.
        steps: Steps in all; None while that is not known.
        seconds_left: How long it still takes; None while that cannot be told.
        curves: Steps and values of each loss and measure, by name.
        sample: The newest picture of the fixed samples.
        warnings: What the watchdog said.
        said: The last line of what the process said.
        resumable: Whether it was started here, so that it can go on from here.
    """

    method: str
    status: Status
    step: int
    steps: int | None
    seconds_left: float | None
    curves: Mapping[str, Curve]
    sample: Path | None
    warnings: Sequence[str]
    said: str
    resumable: bool


def read_run(folder: Path) -> Run:
    """Read a run; what is not there yet, or half written, is left out."""
    state = _object(folder / "state.json")
    rows = [row for row in map(_parsed, _lines(folder / "metrics.jsonl")) if isinstance(row.get("step"), int)]
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float) and math.isfinite(value):
                curves.setdefault(name, []).append((row["step"], float(value)))
    running = is_running(folder)
    saved, steps, seconds = state.get("step", 0), state.get("steps"), state.get("seconds", 0.0)
    step = max([saved, *(row["step"] for row in rows)])
    left = (steps - step) * seconds / saved if saved and steps else None
    return Run(
        method=str(_object(folder / "config.json").get("method", "")),
        status="trains" if running else "done" if state.get("done") else "stopped",
        step=step,
        steps=steps,
        seconds_left=left if running else None,
        curves=curves,
        sample=max(folder.glob("samples/*.png"), default=None),
        warnings=[str(each) for each in state.get("warnings", [])],
        said="" if running else _last_line(folder / LOG),
        resumable=can_resume(folder),
    )


def state_of(folder: Path) -> str:
    """Return what changes whenever there is something new to read in a run's folder."""
    names = ("config.json", "state.json", "metrics.jsonl", "process.json", "samples", LOG)
    changed = [(folder / name).stat().st_mtime_ns for name in names if (folder / name).exists()]
    return f"{folder} {is_running(folder)} {changed}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _object(path: Path) -> dict[str, Any]:
    return _parsed("\n".join(_lines(path)))


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_LOG))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
