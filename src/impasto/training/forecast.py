"""How long a training will take, and how much memory: its first steps taken for real, and thrown away."""

import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.training.run_settings import RunSettings
from impasto.training.train import train

TAKEN = 4
"""Steps that are taken; the first one is slow and does not count."""


@dataclass(frozen=True)
class Forecast:
    """What a training will need.

    Attributes:
        steps: In all.
        seconds_a_step: As measured.
        hours: For all steps, without the looks at what is held out.
        gigabytes: Most memory of this process, or of the GPU, while steps were taken.
        device: Where.
    """

    steps: int
    seconds_a_step: float
    hours: float
    gigabytes: float
    device: str


class _Enough(Exception):  # noqa: N818 -- not an error
    """Raised when enough steps were taken."""


def forecast(method: str, data: Path, settings: Any, run_settings: RunSettings | None = None) -> Forecast:
    """Take the first steps of a training.

    Args:
        method: Which.
        data: Its data folder.
        settings: Its settings.
        run_settings: Device and precision.

    Raises:
        ImpastoError: If the training could not begin.
    """
    times: list[float] = []
    total = 0

    def follow(step: int, steps: int, losses: Mapping[str, float]) -> None:
        nonlocal total
        total = steps
        times.append(time.perf_counter())
        if len(times) >= TAKEN:
            raise _Enough

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder, suppress(_Enough):
        run = Path(folder) / "run"
        train(method, data=data, run=run, settings=settings, run_settings=run_settings, on_step=follow)
    seconds = (times[-1] - times[0]) / max(1, len(times) - 1)
    used = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return Forecast(
        total,
        round(seconds, 4),
        round(seconds * total / 3600, 3),
        round((used or _peak()) / 1e9, 2),
        "cuda" if used else "cpu",
    )


def _peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
