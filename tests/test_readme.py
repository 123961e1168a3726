"""What the README tells a reader to type works, word for word."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.S)
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
SLOW = ("impasto layers",)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the examples in it, reduced so that painting them takes seconds."""
    for path in (ROOT / "examples").rglob("*.jpg"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        with PIL.Image.open(path) as image:
            image.thumbnail((64, 64))
            image.save(target)
    return tmp_path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_there_is_something_to_type():
    assert len(PYTHON) == 2
    assert {shlex.split(line)[1] for line in SHELL} >= {"stylize", "layers", "sheet", "methods"}


def test_python_blocks(house):
    for block in PYTHON:
        done = run([sys.executable, "-W", "error", "-c", block], house)
        assert (done.returncode, done.stderr) == (0, "")
    with PIL.Image.open(house / "painted.png") as painted:
        assert max(painted.size) == 64


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=pytest.mark.slow if line.startswith(SLOW) else ()) for line in SHELL]
)
def test_shell_line(house, line):
    words = shlex.split(line)
    assert shutil.which(words[0], path=str(Path(sys.executable).parent))
    done = run(words, house)
    assert done.returncode == 0, done.stderr
    for name in [word for flag, word in itertools.pairwise(words) if flag == "-o"]:
        with PIL.Image.open(house / name) as picture:
            picture.load()


def test_pictures_and_links_are_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
