"""Trainings in processes of their own: only the one that was started is taken for it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from impasto.errors import ImpastoError
from impasto.training import background


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is no training."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def ended(run: Path) -> bool:
    """Wait for the training of a run to end."""
    for _ in range(1200):
        if not background.is_running(run):
            return True
        time.sleep(0.1)
    return False


def test_what_a_training_says_is_kept_and_it_can_be_repeated(tmp_path: Path) -> None:
    run = tmp_path / "run"
    background.start(run, ["no method"])
    assert ended(run)
    assert "no method" in (run / background.LOG).read_text()
    assert background.can_resume(run)
    background.resume(run)
    with pytest.raises(ImpastoError, match="run is being trained already"):
        background.resume(run)
    assert ended(run)
    assert (run / background.LOG).read_text().count("no method") == 2


def test_a_number_that_was_given_to_another_process_is_left_alone(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    record = {"pid": bystander.pid, "began": "1", "words": ["pix2pix"]}
    (tmp_path / background.PROCESS).write_text(json.dumps(record))
    assert not background.is_running(tmp_path)
    background.stop(tmp_path)
    seen = background._seen(bystander.pid)
    assert seen is not None
    # begun when the training was, but told something else
    (tmp_path / background.PROCESS).write_text(json.dumps(record | {"began": seen.began}))
    assert not background.is_running(tmp_path)
    background.stop(tmp_path)
    time.sleep(0.3)
    assert bystander.poll() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": -1}', '{"pid": "1"}', '{"pid": 0, "began": ""}'])
def test_what_is_no_record_of_a_process_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / background.PROCESS).write_text(text)
    assert not background.is_running(tmp_path)
    background.stop(tmp_path)
    with pytest.raises(ImpastoError, match="was started elsewhere"):
        background.resume(tmp_path)
