"""What the tests of the documentation share: the blocks of a page, and a folder to type them in."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from tests.conftest import MakeClip

import impasto.cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
UNTRIED = ("README.md", "docs/translate.md")
"""Pages whose blocks without a language need data sets and hours: they are read by the command line, not run."""
SLOW = ("impasto layers", "impasto export")
"""Lines that take long even here, unless they are told to take few steps; see `Block.slow`."""
SIDE = 64
BLOCK = re.compile(
    r"(?:<!-- (?P<how>tried with|parsed): (?P<words>.*?) -->\n)?```(?P<kind>[a-z]*)\n(?P<text>.*?)```", re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: Its language.
        text: What is in it.
        how: `tried with` more flags, so that it takes seconds; `parsed` by the command line only; or empty.
        words: Those flags, or the reason.
    """

    kind: str
    text: str
    how: str
    words: str

    @property
    def lines(self) -> list[str]:
        """The commands in it."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]

    def words_of(self, line: str) -> list[str]:
        """Return the words of a line as the shell would give them, with the flags it is tried with.

        Where the block trains, those flags are the training's. No picture is made larger than those in the folder.
        """
        words = shlex.split(line.partition(" < ")[0], comments=True)
        words = [str(min(int(word), SIDE)) if flag == "--size" else word for flag, word in pairwise(["", *words])]
        trains = any(each.split()[1] in ("train", "data") for each in self.lines)
        given = self.how == "tried with" and (not trains or words[1] in ("train", "data"))
        return words + shlex.split(self.words) * given

    def slow(self, line: str) -> bool:
        """Whether a line is left to the slow tests."""
        return line.startswith(SLOW) and self.how != "tried with"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(each["kind"], each["text"], each["how"] or "", each["words"] or "") for each in found]


class Understood(Exception):  # noqa: N818 -- no error
    """The command line has read its words to the end."""


@pytest.fixture
def understands(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], bool]:
    """Let the real command line read words, and stop it before it does anything."""
    from impasto.cli import options, words

    check = options.check_none_left

    def stop(*told: object) -> None:
        check(*told)
        raise Understood

    monkeypatch.setattr(options, "check_none_left", stop)
    monkeypatch.setattr(words, "check_image_file", lambda _: None)

    def read(typed: list[str]) -> bool:
        try:
            impasto.cli.main(typed[1:])
        except Understood:
            return True
        return False

    return read


@pytest.fixture
def house(tmp_path: Path, make_clip: MakeClip, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the examples in it, small enough to be painted in seconds, and tiny data sets."""
    monkeypatch.chdir(tmp_path)
    squares = []
    for path in sorted((ROOT / "examples").rglob("*.jpg")):
        with PIL.Image.open(path) as image:
            squares.append(np.asarray(image.convert("RGB").resize((SIDE, SIDE))))
            image.thumbnail((SIDE, SIDE))
            save(image, path.relative_to(ROOT))
            if path.parent.name == "photos":
                save(image, Path("photos") / path.name)
    for name, place in (("photo", 5), ("flowers", 6)):
        save(PIL.Image.fromarray(squares[place]), Path(f"{name}.jpg"))
    make_clip("clip.mp4")
    data_sets(squares)
    return tmp_path


def data_sets(squares: list[np.ndarray]) -> None:
    """Make a small folder of each layout out of pictures: a label map is how light a picture is, in four steps."""
    maps = [(square.mean(axis=2) // 64).astype(np.uint8) for square in squares]
    for index, (square, labels) in enumerate(zip(squares, maps, strict=True)):
        split = "val" if index % 3 == 2 else "train"
        picture, name = PIL.Image.fromarray(square), f"{index}.png"
        pair = np.concatenate([square, np.repeat(64 * labels[:, :, None], 3, 2)], axis=1)
        save(PIL.Image.fromarray(pair), Path("facades") / split / name)
        save(picture, Path("weather") / f"{split}{'AB'[index % 2]}" / name)
        save(picture, Path("skies") / split / ("Cloudy", "Sunrise")[index % 2] / name)
        save(picture, Path("streets") / split / name)
        save(PIL.Image.fromarray(labels), Path("streets") / f"{split}annot" / name)
    save(PIL.Image.fromarray(np.repeat(64 * maps[0][:, :, None], 3, 2)), Path("facades/labels.png"))
    save(PIL.Image.fromarray(maps[0]), Path("streets/map.png"))


def save(image: PIL.Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
