"""Ctrl-C and SIGTERM: what is painted so far is kept, and can be painted again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from impasto.cli import main
from impasto.image import read_image

from .conftest import ENVIRONMENT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of Unix")

ENDLESS = ("--size", "32", "--steps", "1000000")


def hearing() -> None:
    """Make a child hear Ctrl-C: what is started in the background, as a whole test run may be, is deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(command: list[str], **streams: Any) -> Iterator[subprocess.Popen[Any]]:
    """Run a process that hears Ctrl-C and is gone at the end, whatever happens."""
    process = subprocess.Popen(command, env=ENVIRONMENT, preexec_fn=hearing, **streams)  # noqa: PLW1509
    with process:
        try:
            yield process
        finally:
            process.kill()  # nothing happens to one that has ended


def stopped(number: int, preview: Path, *words: str) -> tuple[int, str, str]:
    """Start painting, send a signal once a preview shows the first step, and return how it ended."""
    command = [sys.executable, "-m", "impasto", "stylize", *words]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not preview.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_ctrl_c_keeps_the_picture_and_it_can_be_painted_again(folder: Path, capsys: pytest.CaptureFixture[str]):
    preview = Path("cat-wave.preview.png")
    words = ("cat.png", "--style", "wave.png", *ENDLESS, "--preview")
    code, out, err = stopped(signal.SIGINT, preview, *words)
    assert (code, out) == (130, "")
    (line,) = err.splitlines()
    kept = read_image("cat-wave.png")
    step = kept.recipe["interrupted"]["step"]
    assert kept.recipe["interrupted"] == {"step": step, "of": 1_000_000} and step >= 1
    assert line.startswith(f"cat-wave.png: 32×24, interrupted at step {step} of 1000000, ")
    assert not preview.exists()
    assert main(["reproduce", "cat-wave.png", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["identical"] is True and answer["recipe"]["interrupted"]["step"] == step


def test_sigterm_keeps_the_picture(folder: Path):
    words = ("cat.png", "poppies.png", "--style", "wave.png", *ENDLESS, "--preview", "now.png", "--json")
    code, out, err = stopped(signal.SIGTERM, Path("now.png"), *words)
    assert code == 143
    answer = json.loads(out)
    assert [each["output"] for each in answer["pictures"]] == ["cat-wave.png"]
    assert "interrupted" in answer["pictures"][0]["recipe"] and "interrupted at step" in err
    assert read_image("cat-wave.png").width == 32 and not Path("poppies-wave.png").exists()


def test_a_sheet_keeps_the_cells_that_are_done_and_a_terminal_shows_how_far_it_is(folder: Path):
    words = ["-m", "impasto", "sheet", "cat.png", "-s", "wave.png", "--strengths", "1", "--sizes", "32", "384"]
    steps = ["--coarse-size", "384", "--steps", "40"]
    process = pexpect.spawn(
        sys.executable,
        [*words, *steps],
        env=ENVIRONMENT,
        dimensions=(24, 120),
        encoding="utf-8",
        timeout=60,
        preexec_fn=hearing,
    )
    process.expect(r"cat\.png .*━.* step [1-9]\d*/80 .*content 0\.\d+ .*style 0\.\d+ .*\d:\d\d:\d\d.*left")
    process.expect(r"step (4[1-9]|[5-7]\d)/80 .*left.*\d\d:\d\d")
    process.sendintr()
    process.expect(r"cat-sheet\.png: \d+×\d+, interrupted after 1 of 2 pictures, 40 steps, ")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 130
    assert read_image("cat-sheet.png").recipe["interrupted"] == {"cell": 1, "of": 2}


def test_before_the_first_step_nothing_is_written_and_nothing_said(folder: Path):
    command = [sys.executable, "-m", "impasto", "stylize", "-", "--style", "wave.png", "-o", "out.png"]
    with started(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # more than a pipe holds: once it is through, the process is reading
        process.stdin.write(Path("cat.png").read_bytes() + bytes(2**18))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b""
    assert not Path("out.png").exists()
