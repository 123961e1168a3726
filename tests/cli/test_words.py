"""The look at the words before torch loads: what it refuses, and that it never refuses too much."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_origin, get_type_hints

import pytest

from impasto.cli.dream_run import DreamOptions
from impasto.cli.stylize_run import OnePassOptions, StylizeOptions
from impasto.cli.words import (
    LISTS,
    PICTURE_FLAGS,
    SINGLE_FLAGS,
    SWITCHES,
    grouped,
    normalised,
    refuse_early,
)
from impasto.errors import ImpastoError, InputError
from impasto.image.clips import VideoSettings, ZoomSettings
from impasto.methods.deepdream import DeepDreamSettings
from impasto.methods.gatys import GatysSettings
from impasto.nn.one_pass import OnePassSettings


def test_words_are_grouped_by_flag():
    groups = grouped(["a", "b", "-s", "c", "--size=64", "d", "--tv_weight", "-1", "--json", "--", "-e", "--f"])
    assert [(group.name, group.all_values) for group in groups] == [
        ("", ["a", "b"]),
        ("--style", ["c"]),
        ("--size", ["64", "d"]),
        ("--tv-weight", ["-1"]),
        ("--json", []),
        ("--", ["-e", "--f"]),
    ]


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (["a", "-s", "b", "--style=c", "d"], ["a", "--style", "b", "c", "d"]),
        (["a", "-s", "b"], ["a", "-s", "b"]),
        (["a", "--preview", "-s", "b"], ["a", "--preview=", "-s", "b"]),
        (["a", "--preview", "p.png"], ["a", "--preview", "p.png"]),
        (["a", "--preview"], ["a", "--preview="]),
        (["a", "--size=64", "-o", "-"], ["a", "--size=64", "-o", "-"]),
        (["-s", "b", "--", "a"], ["-s", "b", "--", "a"]),
    ],
)
def test_normalised(words: list[str], result: list[str]):
    assert normalised(words) == result


def test_the_flags_known_by_heart_are_those_of_the_commands():
    painting = StylizeOptions, OnePassOptions, GatysSettings, OnePassSettings, VideoSettings
    kinds = (*painting, DreamOptions, DeepDreamSettings, ZoomSettings)
    types = {name: hint for kind in kinds for name, hint in get_type_hints(kind).items()}
    names = {each.name for kind in kinds for each in fields(kind)}
    by_flag = {"--" + name.replace("_", "-"): types[name] for name in names}
    assert all(get_origin(by_flag[flag]) is tuple for flag in PICTURE_FLAGS)
    assert all(by_flag[flag.replace("--no-", "--")] is bool for flag in SWITCHES)
    assert all(get_origin(by_flag[flag]) is not tuple and by_flag[flag] is not bool for flag in SINGLE_FLAGS)
    assert set(PICTURE_FLAGS) <= set(LISTS)


@pytest.mark.parametrize(
    "words",
    [
        ["nope.png", "-s", "wave.png"],
        ["cat.png", "-s", "nope.png"],
        ["cat.png", "-s", "wave.png", "nope.png"],
        ["cat.png", "--style=nope.png"],
        ["cat.png", "-s", "wave.png", "--masks", "nope.png"],
        ["--json", "nope.png", "-s", "wave.png"],
        ["-o", "out.png", "nope.png", "-s", "wave.png"],
        ["--size=64", "nope.png", "-s", "wave.png"],
        ["-s", "wave.png", "--", "nope.png"],
        ["nope.png"],
    ],
)
def test_refused_early(words: list[str], folder: Path):
    with pytest.raises(InputError, match=r"nope\.png does not exist"):
        refuse_early(words)


@pytest.mark.parametrize(
    "words",
    [
        ["cat.png", "-s", "wave.png"],
        ["-", "-s", "wave.png"],
        [".", "-s", "wave.png"],
        ["cat.png", "nope.png", "-s", "wave.png"],
        ["nope.png", "--help"],
        ["cat.png", "-s", "wave.png", "--preview", "nope.png"],
        ["cat.png", "-s", "wave.png", "--init", "nope.png"],
        ["cat.png", "-s", "wave.png", "--style-layers", "relu1_1", "relu2_1"],
        ["cat.png", "-s", "wave.png", "-o", "nope.png"],
        ["cat.png", "-s", "wave.png", "--size", "64", "--content-weight", "0.1"],
        ["cat.png", "-swave.png"],
        [],
    ],
)
def test_passed_on(words: list[str], folder: Path):
    refuse_early(words)


def test_refusals_come_before_torch(folder: Path):
    Path("empty.jpg").touch()
    Path("text.jpg").write_text("This is no picture.")
    # a header that declares 65,535 × 65,535 pixels
    Path("huge.bmp").write_bytes(
        b"BM"
        + bytes(8)
        + (54).to_bytes(4, "little")
        + (40).to_bytes(4, "little")
        + (65535).to_bytes(4, "little") * 2
        + (1).to_bytes(2, "little")
        + (24).to_bytes(2, "little")
        + bytes(64)
    )
    program = """
import sys
from impasto.cli import main
for name in ("missing.jpg", "empty.jpg", "text.jpg", "huge.bmp"):
    assert main(["stylize", name, "--style", "wave.png"]) == 2
    assert main(["stylize", "cat.png", "--style", name]) == 2
    assert main(["sheet", name, "--style", "wave.png"]) == 2
    assert main(["layers", "content", name]) == 2
    assert main(["reproduce", name]) == 2
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 20 and done.stdout == ""
    reasons = ["does not exist", "is empty", "is not a picture", "megapixels"]
    for index, line in enumerate(lines):
        assert line.startswith("impasto: ") and reasons[index // 5] in line


def test_what_passes_is_judged_again(refused):
    assert "nope.png does not exist" in refused("stylize", "cat.png", "-snope.png")


def test_errors_are_impasto_errors():
    with pytest.raises(ImpastoError):
        refuse_early(["nope.png"])
