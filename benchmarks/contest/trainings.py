"""Trainings that run side by side, each in a process of its own with its share of the cores.

`OMP_NUM_THREADS` says how many threads each has instead, where others use the cores, too.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def start_training(
    method: str, run: Path, options: Mapping[str, object], switches: Sequence[str] = (), beside: int = 2
) -> subprocess.Popen[bytes]:
    """Start a training, or go on with it; what it says is added to `RUN.log`, beside its folder.

    Args:
        method: What is trained.
        run: Folder of the run.
        options: Of `impasto train`, by name.
        switches: Options without a value.
        beside: How many trainings run side by side, this one included.
    """
    words = [str(word) for option in ({"--run": run} | dict(options)).items() for word in option]
    share = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // beside))
    with run.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 -- impasto itself
            [sys.executable, "-m", "impasto", "train", method, *words, *switches],
            env={**os.environ, "OMP_NUM_THREADS": share},
            stdout=log,
            stderr=log,
        )
