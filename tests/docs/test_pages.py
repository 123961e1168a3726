"""What README and pages tell a reader to type works, word for word; what cannot be tried is read at least."""

import itertools
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from tests.docs.conftest import PAGES, ROOT, UNTRIED, Block, blocks

from impasto.cli import main
from impasto.image.clips import is_video

TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
Understands = Callable[[list[str]], bool]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def patience(page: Path) -> tuple[pytest.MarkDecorator, ...]:
    """Pages of methods that train one are left to the slow tests; `tests/training` has all of them every day."""
    trains = any(line.startswith("impasto train") for each in blocks(page) for line in each.lines)
    return (pytest.mark.slow,) if trains and page.parent.name == "methods" else ()


TRIED = [page for page in PAGES if any(each.kind in ("sh", "python") for each in blocks(page))]
WITH_SLOW = [page for page in TRIED if any(each.slow(line) for each in blocks(page) for line in each.lines)]


@pytest.mark.parametrize("page", [pytest.param(page, marks=patience(page)) for page in TRIED], ids=named)
def test_blocks_run_from_top_to_bottom(page: Path, house: Path):
    follow(page, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_SLOW, ids=named)
def test_blocks_run_with_what_takes_long(page: Path, house: Path):
    follow(page, slow=True)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_is_understood(page: Path, understands: Understands):
    for block in blocks(page):
        for line in block.lines if block.kind in ("sh", "") else ():
            words = block.words_of(line)
            if words[0] == "impasto":
                assert block.kind == "sh" or named(page) in UNTRIED, f"why is {line} not run?"
                assert understands(words), line


def test_understanding_refuses_what_is_wrong(understands: Understands):
    for line in (
        "train pix2pix --data d --run r",
        "translate m.pth a.png",
        "data check d --for spade",
        "dream a.jpg",
    ):
        assert understands(["impasto", *line.split()])
        assert not understands(["impasto", *line.split(), "--no-such-flag"])


def follow(page: Path, *, slow: bool) -> None:
    """Type what a page says."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.kind == "python":
            exec(compile(block.text, named(page), "exec"), names)
        elif block.kind == "sh" and block.how != "parsed":
            for line in block.lines:
                if slow or not block.slow(line):
                    type_in(block, line)


def type_in(block: Block, line: str) -> None:
    """Run a command; of those that set things up, look whether there is what they ask for."""
    words = block.words_of(line)
    if words[0] == "make":
        assert set(words[1:]) <= TARGETS, line
        return
    if words[:2] == ["pip", "install"]:
        extras = {extra for each in re.findall(r"\[(.*?)\]", line) for extra in each.split(",")}
        assert extras <= {*PROJECT["optional-dependencies"]}, line
        return
    assert words[0] == "impasto", line
    assert main(words[1:]) == 0, line
    for name in [Path(word) for flag, word in itertools.pairwise(words) if flag == "-o" and Path(word).suffix]:
        if not is_video(name) and "--samples" not in words:
            with PIL.Image.open(name) as picture:
                picture.load()
