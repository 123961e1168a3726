"""`impasto dream` and `impasto layers channels`: what is written, said, printed and refused."""

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from impasto.cli import main
from impasto.image import read_image
from impasto.image.video import open_clip

from ..conftest import MakeClip
from .conftest import Refused, impasto
from .test_stopping import started

QUICK = ("--octaves", "1", "--steps", "2", "--layers", "block3.expand", "--device", "cpu")


def test_a_picture(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["dream", "cat.png", *QUICK, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["output"], told["size"], told["steps"]) == ("cat-dream.png", [64, 48], 2)
    assert told["losses"].keys() == {"block3.expand", "total"}
    assert captured.err.startswith("cat-dream.png: 64×48, 2 steps, ")
    assert read_image("cat-dream.png").recipe == told["recipe"]
    assert main(["reproduce", "cat-dream.png"]) == 0
    assert "identical, every pixel" in capsys.readouterr().err


def test_a_class_a_guide_and_a_mask(folder: Path, capsys: pytest.CaptureFixture[str]):
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    Pillow.fromarray(mask).save("mask.png")
    words = ["--octaves", "1", "--steps", "1", "--device", "cpu"]
    assert main(["dream", "cat.png", "--dream-of", "Golden Retriever", *words, "-o", "dog.png"]) == 0
    assert main(["dream", "--guide", "wave.png", "--mask", "mask.png", *words, "-o", "sea.png", "cat.png"]) == 0
    assert read_image("dog.png").recipe["settings"]["dream_of"] == "Golden Retriever"
    sea = read_image("sea.png")
    assert [each["name"] for role in ("guide", "masks") for each in sea.recipe["inputs"][role]] == [
        "wave.png",
        "mask.png",
    ]
    assert np.array_equal(sea.pixels[:, :32], read_image("cat.png").pixels[:, :32])


def test_a_folder_and_what_is_broken_in_it(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "photos").mkdir()
    for name in ("one.png", "two.png"):
        (folder / "photos" / name).write_bytes((folder / "cat.png").read_bytes())
    (folder / "photos" / "broken.png").write_bytes(b"no picture")
    assert main(["dream", "photos", *QUICK, "--json"]) == 2
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    outputs = [each["output"] for each in told["pictures"]]
    assert outputs == ["photos-dream/one-dream.png", "photos-dream/two-dream.png"]
    assert "1 of 3 pictures could not be painted" in captured.err
    assert np.array_equal(*(read_image(output).pixels for output in outputs))


def test_through_a_pipe():
    done = impasto("dream", "-", *QUICK, stdin=Path("cat.png").read_bytes())
    assert done.returncode == 0
    assert read_image(done.stdout).recipe["inputs"]["content"]["name"] == "standard input"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_keeps_the_picture(folder: Path):
    import subprocess
    import time

    words = ("cat.png", "--octaves", "1", "--steps", "1000000", "--layers", "block1.expand", "--preview")
    command = [sys.executable, "-m", "impasto", "dream", *words]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not Path("cat-dream.preview.png").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "cat-dream.png: 64×48, interrupted at step " in err
    assert read_image("cat-dream.png").recipe["interrupted"]["of"] == 1_000_000
    assert not Path("cat-dream.preview.png").exists()


def test_a_film_of_a_picture(folder: Path, capsys: pytest.CaptureFixture[str]):
    film = ("--zoom", "1.1", "--rotate", "-1", "--frames", "3", "--rate", "5")
    assert main(["dream", "cat.png", *QUICK, *film, "-o", "film.mp4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["size"], told["frames"]) == ("film.mp4", [64, 48], 3)
    assert told["recipe"]["zoom"] == {"zoom": 1.1, "rotate": -1.0, "frames": 3, "rate": 5}
    assert open_clip(Path("film.mp4")).frames == 3


def test_a_video(make_clip: MakeClip, capsys: pytest.CaptureFixture[str]):
    from ..conftest import moving

    make_clip(frames=[moving(index) for index in range(3)])
    assert main(["dream", "clip.mp4", *QUICK, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["size"], told["frames"], told["smooth"]) == ("clip-dream.mp4", [64, 48], 3, 0.7)
    assert open_clip(Path("clip-dream.mp4")).sounds == ("aac",)


def test_channels(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--size", "32", "--octaves", "1", "--steps", "1"]
    assert main(["layers", "channels", "block2.expand", "--count", "3", *words, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["channels"] == [0, 1, 2] and told["of"] == 144 and told["network"] == "efficientnet-lite0"
    assert "block2.expand of efficientnet-lite0: 3 of 144 channels" in captured.err
    assert read_image("block2.expand-channels.png").width == told["size"][0]
    assert main(["layers", "channels", "relu1_1", "--network", "vgg16", "--channels", "63", *words]) == 0
    assert Path("relu1_1-channels.png").exists()
    assert main(["layers", "channels", "block2.expand", "--layers", "relu4_3"]) == 2
    assert "--layers, --layer-weights and --dream-of are for impasto dream" in capsys.readouterr().err


def test_the_method_is_told_of(capsys: pytest.CaptureFixture[str]):
    assert main(["methods", "deepdream", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verb"] == "dream" and told["networks"]["efficientnet-lite0"] == 4_631_000
    assert told["settings"]["octave_scale"]["allowed"] == "values from 1.05 to 4"
    assert all(row["what"] for row in told["settings"].values())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), "there is no picture to dream on"),
        (("nope.png",), "nope.png does not exist"),
        (("cat.png", "--dream-of", "golden retreiver"), "the nearest are golden retriever"),
        (("cat.png", "--layers", "block8.expnad"), "has no layer 'block8.expnad'; choose block8.expand"),
        (("cat.png", "--guide", "nope.png"), "nope.png does not exist"),
        (("cat.png", "--guide", "wave.png", "--dream-of", "tabby"), "--guide and --dream-of are both given"),
        (("cat.png", "--mask", "black.png"), "black.png is black everywhere; white marks where to paint"),
        (("cat.png", "--colors", "style"), "--colors is 'style'; choose one of palette, free"),
        (("cat.png", "--network", "vgg16", "--dream-of", "tabby"), "vgg16 knows no classes"),
        (("cat.png", "--dream-of", "tabby", "--precision", "bf16"), "efficientnet-lite0 computes in fp32 alone"),
        (("cat.png", "--size", "30"), "size is 30; allowed are whole numbers from 32"),
        (("cat.png", "-o", "cat.png"), "is one of the pictures painted from"),
        (("cat.png", "--octavse", "3"), "there is no --octavse; did you mean --octaves"),
        (("cat.png", "--zoom", "1.1", "-o", "out.png"), "a film is made; give a FILE with .mp4"),
        (("cat.png", "--zoom", "9"), "zoom is 9.0; allowed are values from 0.5 to 2"),
        (("cat.png", "wave.png", "-o", "out.mp4"), "there are 2 contents; a film is made of one picture"),
        (("cat.png", "--mask", "wave.png", "-o", "out.mp4"), "in a film everything moves"),
        (("cat.png", "--preview", "-o", "out.mp4"), "--preview shows pictures"),
    ],
    ids=str,
)
def test_dream_refuses(words: tuple[str, ...], wanted: str, refused: Refused):
    Pillow.new("L", (8, 8)).save("black.png")
    assert wanted in refused("dream", *words)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), "there is no layer to look into"),
        (("block99.expand",), "has no layer 'block99.expand'"),
        (("block2.expand", "--count", "145"), "count is 145; allowed are whole numbers from 1 to 144"),
        (("block2.expand", "--channels", "144"), "channel of block2.expand is 144"),
        (("block2.expand", "--dream-of", "tabby"), "are for impasto dream"),
        (("block2.expand:4",), "name it alone"),
    ],
    ids=str,
)
def test_channels_refuses(words: tuple[str, ...], wanted: str, refused: Refused):
    assert wanted in refused("layers", "channels", *words)
