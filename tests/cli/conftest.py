"""What the command line is tested with: small pictures in an empty folder, in this process or one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"}

Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def quiet(folder: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in the folder of small pictures, with one thread as the processes that tests start, and one width."""
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused, and return the line that says why."""
    from impasto.cli import main

    def run(*words: str) -> str:
        capsys.readouterr()
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("impasto: ")
        assert captured.err.count("\n") == 1 and captured.err.endswith("\n")
        assert len(captured.err) < 400
        return captured.err

    return run


def impasto(*words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m impasto` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "impasto", *words],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
        timeout=120,
    )
