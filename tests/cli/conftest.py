"""What the command line is tested with: small pictures in an empty folder, in this process or one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import PIL.Image
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"}

Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a photo of 64×48 and two paintings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name, source, size in (
        ("cat.png", "photos/cat.jpg", (64, 48)),
        ("wave.png", "paintings/great_wave.jpg", (48, 36)),
        ("poppies.png", "paintings/poppies.jpg", (40, 48)),
    ):
        with PIL.Image.open(EXAMPLES / source) as image:
            image.resize(size).save(tmp_path / name)
    return tmp_path


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Paint with one thread, as the processes that tests start."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
