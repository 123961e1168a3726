"""`impasto stylize` on a video: what is said, printed and refused, and going on after Ctrl-C and kill -9."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from impasto.cli import main
from impasto.image.video import open_clip
from impasto.methods import pix2pixhd
from impasto.methods.pix2pix import Pix2PixSettings, card_of, generator_of
from impasto.methods.pix2pixhd import Pix2PixHDSettings
from impasto.weights.model import write_model

from ..conftest import MakeClip, moving
from .conftest import ENVIRONMENT, Refused


def hearing() -> None:
    """Make a child hear Ctrl-C, which what is started in the background is deaf to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def words(small_model: Path) -> list[str]:
    return ["--method", "multistyle", "--model", small_model.name, "--style", "a", "--device", "cpu"]


def test_a_video_is_painted_and_told_of(make_clip: MakeClip, words: list[str], capsys: pytest.CaptureFixture[str]):
    make_clip()
    assert main(["stylize", "clip.mp4", *words, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["size"], told["frames"], told["cuts"], told["smooth"]) == ([64, 48], 20, 0, 0.7)
    assert told["flicker"]["smoothed"] < told["flicker"]["painted"]
    assert told["recipe"]["inputs"]["content"]["name"] == "clip.mp4"
    (line,) = captured.err.splitlines()
    assert "clip-a.mp4: 64×48, 20 frames" in line and "without smoothing" in line
    assert open_clip(Path("clip-a.mp4")).sounds == ("aac",)
    assert not Path("clip-a.mp4.parts").exists()


def test_smooth_0(make_clip: MakeClip, words: list[str], capsys: pytest.CaptureFixture[str]):
    make_clip()
    assert main(["stylize", "clip.mp4", *words, "--smooth", "0", "-o", "out.mkv", "--json"]) == 0
    flicker = json.loads(capsys.readouterr().out)["flicker"]
    assert flicker["smoothed"] == flicker["painted"]


def test_refusals(make_clip: MakeClip, words: list[str], refused: Refused):
    make_clip()
    assert "gatys takes minutes a frame; choose --method" in refused("stylize", "clip.mp4", "--style", "wave.png")
    assert "a video is painted alone" in refused("stylize", "clip.mp4", "cat.png", *words)
    assert "--preview" in refused("stylize", "clip.mp4", *words, "--preview")
    assert "standard output" in refused("stylize", "clip.mp4", *words, "-o", "-")
    assert "choose one of .mp4, .mkv, .webm" in refused("stylize", "clip.mp4", *words, "-o", "out.png")
    assert ".webm cannot hold" in refused("stylize", "clip.mp4", *words, "-o", "out.webm")
    assert "is the video painted from" in refused("stylize", "clip.mp4", *words, "-o", "clip.mp4")
    assert "smooth is 2.0" in refused("stylize", "clip.mp4", *words, "--smooth", "2")
    assert "none.mp4 does not exist" in refused("stylize", "none.mp4", *words)
    Path("broken.mp4").write_bytes(Path("clip.mp4").read_bytes()[:1000])
    assert "broken.mp4 is damaged or no video" in refused("stylize", "broken.mp4", *words)
    assert sorted(path.name for path in Path().glob("*.parts")) == []


def test_without_the_libraries_one_line_names_the_extra(
    make_clip: MakeClip, words: list[str], refused: Refused, monkeypatch: pytest.MonkeyPatch
):
    make_clip()
    monkeypatch.setitem(sys.modules, "av", None)
    said = refused("stylize", "clip.mp4", *words)
    assert said == "impasto: videos need PyAV, which is not installed; run pip install 'impasto[video]'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_goes_on(
    make_clip: MakeClip, words: list[str], number: signal.Signals, capsys: pytest.CaptureFixture[str]
):
    make_clip(frames=[moving(index % 40) for index in range(120)])
    command = [sys.executable, "-m", "impasto", "stylize", "clip.mp4", *words]
    parts = Path("clip-a.mp4.parts")
    with subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hearing,  # noqa: PLW1509
    ) as process:
        deadline = time.monotonic() + 60
        while not list(parts.glob("*.segment")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert said == f"impasto: interrupted; the same command goes on with what {parts} has\n"
    assert parts.is_dir() and not Path("clip-a.mp4").exists()
    capsys.readouterr()
    assert main(["stylize", "clip.mp4", *words, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["frames"] == 120 and told["resumed"] >= 24
    assert "going on after frame" in captured.err
    assert not parts.exists()


def test_a_video_is_translated_and_gone_on_with(make_clip: MakeClip, capsys: pytest.CaptureFixture[str]):
    """Every frame as `translate` makes it without smoothing; sound, rate and length stay."""
    make_clip()
    settings = Pix2PixSettings(base_channels=4, num_downs=5, crop_size=32, load_size=32)
    torch.manual_seed(0)
    write_model(Path("night.safetensors"), generator_of(settings).state_dict(), card_of(settings))
    words = ["translate", "night.safetensors", "clip.mp4", "--smooth", "0", "--json"]
    assert main([*words, "--seed", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["output"].rpartition("/")[2], told["frames"], told["size"]) == ("clip-night.mp4", 20, [64, 48])
    assert told["recipe"]["verb"] == "translate" and open_clip(Path("clip-night.mp4")).sounds == ("aac",)
    assert main([*words, "-o", "small.mkv", "--size", "32"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == [32, 24]


def test_what_a_translated_video_refuses(make_clip: MakeClip, refused: Refused):
    make_clip()
    settings = Pix2PixHDSettings(base_channels=2, num_downs=1, num_blocks=1, classes=3)
    state = pix2pixhd.generator_of(settings).state_dict()
    write_model(Path("streets.safetensors"), state, pix2pixhd.card_of(settings))
    assert "paints label maps, which are no videos" in refused("translate", "streets.safetensors", "clip.mp4")
    said = refused("translate", "streets.safetensors", "clip.mp4", "--samples", "2")
    assert "are for pictures, not for a video" in said
