"""A video painted: every frame at its time, the same after being stopped, measured, and nothing left behind."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.errors import InputError, SettingError
from impasto.image.clips import VideoSettings
from impasto.image.io import Image, read_image
from impasto.image.video import open_clip, read_frames
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.one_pass import load_model, paint_photo
from impasto.verbs.video import SEGMENT, FramePainter, Look, VideoRun

from ..conftest import MakeClip, moving

FRAMES = 2 * SEGMENT + 6


class StoppedError(Exception):
    """What a test stops a run with."""


@pytest.fixture
def look(small_model: Path) -> Look:
    settings = OnePassSettings(model=str(small_model), device="cpu", precision="fp32")
    return Look("multistyle", load_model("multistyle", settings), ["b"], [], settings, VideoSettings())


def seen(path: Path) -> list[np.ndarray[Any, Any]]:
    return [moment.pixels for moment in read_frames(open_clip(path))]


def apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Mean difference of light; of colour a video has a quarter of the samples."""
    return float(np.abs((one.astype(float) - other) @ (0.299, 0.587, 0.114)).mean())


def stop_after(frames: int) -> Any:
    def on_frame(done: int, total: int) -> None:
        if done == frames:
            raise StoppedError

    return on_frame


def test_a_run_that_was_stopped_equals_one_that_was_not(make_clip: MakeClip, look: Look, tmp_path: Path):
    source = make_clip(frames=[moving(index) for index in range(FRAMES)])
    whole = VideoRun(source, tmp_path / "whole.mp4", look).paint()
    assert (whole.frames, whole.resumed, whole.cuts) == (FRAMES, 0, 0)
    target = tmp_path / "stopped.mp4"
    for number, resumed in ((SEGMENT + 3, 0), (2 * SEGMENT, SEGMENT), (2 * SEGMENT + 5, SEGMENT)):
        run = VideoRun(source, target, look)
        assert (run.resumed, run.renewed) == (resumed, False)
        with pytest.raises(StoppedError):
            run.paint(stop_after(number))
        assert not target.exists()
        # as kill -9 leaves it in the middle of writing
        (run.parts.folder / ".impasto-0123.tmp").write_bytes(b"half")
        (run.parts.folder / "joined.mp4").write_bytes(b"half")
    counted: list[tuple[int, int]] = []
    again = VideoRun(source, target, look).paint(lambda done, total: counted.append((done, total)))
    assert counted == [(done, FRAMES) for done in range(2 * SEGMENT + 1, FRAMES + 1)]
    assert (again.frames, again.resumed) == (FRAMES, 2 * SEGMENT)
    assert again.flicker == whole.flicker
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if "parts" in path.name) == []


def test_another_recipe_starts_anew(make_clip: MakeClip, look: Look, tmp_path: Path):
    source, target = make_clip(frames=[moving(index) for index in range(SEGMENT + 1)]), tmp_path / "out.mp4"
    with pytest.raises(StoppedError):
        VideoRun(source, target, look).paint(stop_after(SEGMENT + 1))
    other = VideoRun(source, target, look._replace(video=VideoSettings(smooth=0.2)))
    assert (other.resumed, other.renewed) == (0, True)
    with pytest.raises(StoppedError):
        other.paint(stop_after(SEGMENT + 1))
    other_style = VideoRun(source, target, look._replace(styles=["c"]))
    assert (other_style.resumed, other_style.renewed) == (0, True)


def test_a_folder_that_is_not_ours_stays(make_clip: MakeClip, look: Look, tmp_path: Path):
    folder = tmp_path / "out.mp4.parts"
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="in the way"):
        VideoRun(make_clip(), tmp_path / "out.mp4", look)
    assert (folder / "thesis.txt").read_text() == "all of it"


def test_frames_are_painted_as_pictures_are(make_clip: MakeClip, look: Look, tmp_path: Path):
    source = make_clip(frames=[moving(index) for index in range(3)])
    look = look._replace(video=VideoSettings(smooth=0))
    VideoRun(source, tmp_path / "out.mp4", look).paint()
    for photo, painted in zip(seen(source), seen(tmp_path / "out.mp4"), strict=True):
        expected = paint_photo(Image(photo), look.styles, look.model, look.settings)
        assert apart(255 * expected[0].permute(1, 2, 0).numpy(), painted) < 3  # what the encoder loses


@pytest.mark.parametrize("colors", ["luminance", "linear", "histogram"])
def test_a_videos_own_colours_can_be_kept(look: Look, colors: Any):
    photo = Image(moving(0))
    settings = replace(look.settings, colors=colors)
    painter = FramePainter(look._replace(settings=settings), 48, 64)
    assert painter.paint(photo).pixels == pytest.approx(
        (255 * paint_photo(photo, look.styles, look.model, settings)[0].permute(1, 2, 0).numpy()), abs=0.51
    )


def test_masks_and_size(make_clip: MakeClip, look: Look, tmp_path: Path):
    white = np.zeros((48, 64), np.uint8)
    white[:, 32:] = 255
    settings = replace(look.settings, size=33)
    look = look._replace(masks=[read_image(white)], settings=settings, video=VideoSettings(smooth=0))
    painted = VideoRun(make_clip(), tmp_path / "out.mp4", look).paint()
    assert (painted.width, painted.height) == (34, 26)  # 33×25, one row and column repeated
    with pytest.raises(SettingError, match="2 masks for 1 styles"):
        VideoRun(make_clip(), tmp_path / "more.mp4", look._replace(masks=look.masks * 2))


def test_smoothing_lessens_the_flicker_of_a_painter_that_flickers(make_clip: MakeClip, look: Look, tmp_path: Path):
    noise = np.random.default_rng(0)
    frames = [np.clip(moving(i) + noise.normal(0, 14, (48, 64, 3)), 0, 255).astype(np.uint8) for i in range(16)]
    source, figures = make_clip(frames=frames), list[float]()
    for smooth in (0, 0.5, 0.8):
        done = VideoRun(source, tmp_path / "out.mp4", look._replace(video=VideoSettings(smooth))).paint()
        assert done.cuts == 0 and done.flicker["painted"] is not None and done.flicker["smoothed"] is not None
        figures += [done.flicker["painted"], done.flicker["smoothed"]]
    assert figures[0] == figures[1] == figures[2] == figures[4] > 1
    assert all(after < 0.8 * before for before, after in pairwise([figures[1], figures[3], figures[5]]))


def test_a_cut_resets_the_smoothing(make_clip: MakeClip, look: Look, tmp_path: Path):
    source = make_clip(frames=[moving(index, shot=index // 5) for index in range(10)])
    cut = VideoRun(source, tmp_path / "cut.mp4", look._replace(video=VideoSettings(0.9))).paint()
    assert cut.cuts == 1
    VideoRun(source, tmp_path / "raw.mp4", look._replace(video=VideoSettings(0))).paint()
    with_smoothing, without = seen(tmp_path / "cut.mp4"), seen(tmp_path / "raw.mp4")
    gaps = [apart(a, b) for a, b in zip(with_smoothing, without, strict=True)]
    assert max(gaps[0], gaps[5]) < 0.5 * min(gaps[4], gaps[9]), gaps


def test_the_video_painted_from_stays(make_clip: MakeClip, look: Look, tmp_path: Path):
    source = make_clip()
    before = source.read_bytes()
    with pytest.raises(InputError, match="is the video painted from"):
        VideoRun(source, source, look)
    (tmp_path / "link.mp4").symlink_to(source)
    with pytest.raises(InputError, match="is the video painted from"):
        VideoRun(source, tmp_path / "link.mp4", look)
    assert source.read_bytes() == before


def test_smooth_is_a_share():
    with pytest.raises(SettingError, match=r"smooth is 1\.5"):
        VideoSettings(smooth=1.5)
