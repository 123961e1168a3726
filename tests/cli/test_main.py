"""`impasto` itself: help without waiting, and every way a command can end."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import impasto
from impasto.cli import COMMANDS, main

HEAVY = {"torch", "numpy", "tyro", "rich", "PIL", "pyvips", "safetensors", "gradio", "fastapi", "uvicorn"}


def modules_after(program: str) -> set[str]:
    """Run a program and return the top-level modules it has imported, which it prints last."""
    program = textwrap.dedent(program) + "\nprint(); print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_and_mistakes_import_nothing_heavy():
    modules = modules_after(
        """
        import sys
        import impasto
        from impasto.cli import main
        assert [main(words) for words in ([], ["--help"], ["-h"], ["--version"], ["stylise"])] == [0, 0, 0, 0, 2]
        """
    )
    assert "impasto" in modules
    assert not HEAVY & modules


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, what in COMMANDS.items():
        assert any(line.split() == [name, *what.split()] for line in lines)
    assert max(map(len, lines)) <= 80


def test_every_command_has_its_file_and_its_help(capsys: pytest.CaptureFixture[str]):
    for name in COMMANDS:
        try:
            code = main([name, "--help"])
        except SystemExit as stop:
            code = stop.code
        assert not code
        assert f"usage: impasto {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"impasto {impasto.__version__}\n"


def test_unknown_commands_name_the_nearest(refused):
    assert "there is no stylise; did you mean stylize?" in refused("stylise")
    assert "there is no qwzx; choose one of stylize, translate" in refused("qwzx")
    assert "there is no lst; did you mean list?" in refused("weights", "lst")


def test_a_broken_pipe_is_quiet():
    with subprocess.Popen(
        [sys.executable, "-m", "impasto", "methods", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "impasto", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr.startswith(b"impasto: ") and done.stderr.count(b"\n") == 1
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_closed_streams_break_nothing():
    python = f"'{sys.executable}' -m impasto"
    for words, code in (("stylise 2>&-", 2), ("--version >&-", 0), ("methods --json 2>&-", 0)):
        done = subprocess.run(f"{python} {words}", shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == code and done.stderr == ""
        assert done.stdout == "" or json.loads(done.stdout)


def test_names_that_are_no_text_do_not_break_the_error(folder: Path, refused):
    name = os.fsdecode(b"\xff\n.png")
    assert "does not exist" in refused("stylize", name, "--style", "wave.png")


def test_json_is_ascii_whatever_files_are_called(folder: Path, capsys: pytest.CaptureFixture[str]):
    name = os.fsdecode(b"\xff\xc3\xa9.png")
    (folder / "cat.png").rename(name)
    words = ["stylize", name, "-s", "wave.png", "--size", "32", "--steps", "1", "--json"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)["output"] == f"{Path(name).stem}-wave.png"
    assert Path(json.loads(out)["output"]).exists()
