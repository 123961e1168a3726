"""`dream` from end to end: size, depth, alpha, masks, recipes that run again, films and videos."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import impasto
from impasto.errors import InputError, SettingError
from impasto.image.clips import VideoSettings, ZoomSettings
from impasto.image.io import Image, read_image
from impasto.image.resize import resize
from impasto.image.video import open_clip, read_frames
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings
from impasto.result import Step
from impasto.verbs.dream import dream, finished, stopped
from impasto.verbs.reproduce import reproduce
from impasto.verbs.video import VideoRun
from impasto.verbs.video_dream import DreamLook
from impasto.verbs.zoom import ZoomRun, moved

from ..conftest import MakeClip, moving

QUICK = DeepDreamSettings(octaves=1, steps=2, jitter=4, laplacian_levels=1, layers=("block3.expand",), device="cpu")


@pytest.fixture
def photo_size() -> tuple[int, int]:
    return 56, 40


class EnoughError(Exception):
    """What a test stops a run with."""


def test_the_public_name_dreams(folder: Path):
    result = impasto.dream("cat.png", settings=QUICK, steps=1)
    assert (result.image.width, result.image.height) == (56, 40)
    assert result.recipe["verb"] == "dream" and result.recipe["settings"]["steps"] == 1
    assert result.recipe["weights"].keys() == {"efficientnet-lite0"}
    assert result.recipe["machine"]["precision"] == "float32"
    assert len(result.trace) == 1 and result.trace[0]["total"] > 0


def test_16_bits_and_alpha_come_through(folder: Path):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 2**16, (40, 48, 3), np.uint16)
    alpha = np.full((40, 48), 2**16 - 1, np.uint16)
    alpha[:, :20] = 0
    dreamt = dream(Image(pixels, alpha), settings=QUICK).image
    assert dreamt.bits == 16 and np.array_equal(dreamt.alpha, alpha)
    assert np.array_equal(dreamt.pixels[:, :20], pixels[:, :20]), "what cannot be seen keeps its colours"
    assert (dreamt.pixels[:, 20:] != pixels[:, 20:]).mean() > 0.9
    assert len(np.unique(dreamt.pixels % 256)) > 200, "16 bits are used"


def test_a_grey_photo_stays_grey_unless_told_otherwise(folder: Path):
    grey = Image(read_image("cat.png").pixels[:, :, :1].copy())
    assert dream(grey, settings=QUICK).image.grey
    assert not dream(grey, settings=QUICK, grey=False).image.grey


def test_a_mask_leaves_the_rest_equal_to_the_bit(folder: Path):
    photo, mask = read_image("cat.png"), np.zeros((40, 56, 1), np.uint8)
    mask[:, :28] = 255
    for colors in ("palette", "free", "luminance"):
        dreamt = dream(photo, mask=Image(mask), settings=replace(QUICK, colors=colors)).image
        assert np.array_equal(dreamt.pixels[:, 28:], photo.pixels[:, 28:]), colors
        assert not np.array_equal(dreamt.pixels[:, :28], photo.pixels[:, :28]), colors


def test_a_large_photo_stays_sharp_and_its_masked_part_equal(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deepdream, "DEFAULT_SIZE", 64)
    pixels = np.random.default_rng(0).integers(64, 192, (160, 128, 3), np.uint8)
    mask = np.zeros((160, 128, 1), np.uint8)
    mask[:80] = 255
    photo, sizes = Image(pixels), set[tuple[int, ...]]()
    dreamt = dream(
        photo, mask=Image(mask), settings=QUICK, on_step=lambda step: sizes.add(tuple(step.image.shape))
    ).image
    assert sizes == {(1, 3, 64, 51)} and dreamt.pixels.shape == pixels.shape
    assert np.array_equal(dreamt.pixels[80:], pixels[80:])
    change = dreamt.pixels[:76].astype(float) - pixels[:76]
    assert np.abs(change).mean() > 1
    # what was changed is smooth, all the photo's fine noise is still there
    assert np.abs(np.diff(change, axis=1)).mean() < 0.1 * np.abs(np.diff(pixels[:76].astype(float), axis=1)).mean()
    smaller = dream(photo, settings=QUICK, size=80).image
    assert (smaller.height, smaller.width) == (80, 64)


def test_a_recipe_runs_again_to_the_bit(folder: Path):
    mask = np.zeros((10, 14, 1), np.uint8)
    mask[:, 4:] = 255
    Image(mask).save("mask.png")
    dream("cat.png", guide="wave.png", mask="mask.png", settings=QUICK).image.save("dreamt.png")
    again = reproduce("dreamt.png")
    assert again.identical and again.warnings == []
    Path("wave.png").unlink()
    with pytest.raises(InputError, match=r"missing: wave\.png"):
        reproduce("dreamt.png")


def test_an_interrupted_dream_runs_again_to_the_same_step(folder: Path):
    photo, last = read_image("cat.png"), list[Step]()

    def stop(step: Step) -> None:
        last.append(step)
        if step.index == 2:
            raise EnoughError

    settings = replace(QUICK, octaves=2, octave_scale=1.1)
    with pytest.raises(EnoughError):
        dream(photo, settings=settings, on_step=stop)
    kept = stopped(photo, settings, last[-1])
    assert kept.recipe["interrupted"] == {"step": 2, "of": 4}
    kept.image.save("kept.png")
    assert reproduce("kept.png").identical


def test_channels_of_a_layer_side_by_side(folder: Path):
    settings = DeepDreamSettings(octaves=1, steps=2, device="cpu")
    so_far: list[Any] = []
    result = impasto.channels(
        "block2.expand", channels=(3, 5, 8), settings=settings, size=32, on_cell=so_far.append
    )
    assert len(result.trace) == 6 and result.recipe["channels"] == [3, 5, 8]
    assert [each.recipe["interrupted"]["cell"] for each in so_far] == [1, 2]
    result.image.save("channels.png")
    assert reproduce("channels.png").identical
    so_far[0].image.save("first.png")
    assert reproduce("first.png").identical
    dreaming = replace(settings, dream_of="tabby")
    again = impasto.channels("relu1_1", channels=(3,), settings=dreaming, size=32)
    assert again.recipe["settings"]["network"] == "vgg16" and not again.recipe["settings"]["dream_of"]
    with pytest.raises(SettingError, match=r"channel of block2\.expand is 144"):
        impasto.channels("block2.expand", channels=(144,), size=32)


def test_a_channel_answers_more_to_its_own_picture_than_to_anothers():
    settings = DeepDreamSettings(octaves=1, steps=12, device="cpu", jitter=4)
    layer, pictures = "block4.expand", []
    for channel in (1, 9):
        steps: list[Step] = []
        impasto.channels(layer, channels=(channel,), settings=settings, size=48, on_step=steps.append)
        pictures.append(steps[-1].image)
    network = deepdream.load_backbone("efficientnet-lite0", torch.device("cpu"), torch.float32)
    answers = [network(picture, [layer])[layer].square().mean(dim=(0, 2, 3)) for picture in pictures]
    assert answers[0][1] > 2 * answers[1][1] and answers[1][9] > 2 * answers[0][9]


def test_moving_by_hand():
    picture = torch.zeros(1, 3, 40, 40)
    picture[:, :, 10, 20] = 1  # above the middle

    def brightest(picture: torch.Tensor) -> tuple[int, int]:
        return divmod(int(picture[0, 0].argmax()), 40)

    row, column = brightest(moved(picture, 1.5, 0.0))
    assert abs(row - 5) < 2 and abs(column - 20) < 2, "what was half way up is three quarters up"
    row, column = brightest(moved(picture, 1.0, 90.0))
    assert abs(row - 20) < 2 and abs(column - 10) < 2, "what was above is at the left"
    assert torch.allclose(moved(picture, 1.0, 0.0), picture, atol=1e-5)


def test_a_film_goes_into_the_dream_and_on_after_a_stop(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("impasto.verbs.video.SEGMENT", 2)
    photo, zoom = read_image("cat.png"), ZoomSettings(zoom=1.1, rotate=2, frames=5, rate=10)
    whole = ZoomRun(photo, Path("whole.mp4"), QUICK, zoom).paint()
    assert (whole.frames, whole.width, whole.height, whole.cuts) == (5, 56, 40, 0)
    clip = open_clip(Path("whole.mp4"))
    assert (clip.frames, clip.rate) == (5, 10)
    frames = [moment.pixels for moment in read_frames(clip)]
    still = ZoomRun(photo, Path("still.mp4"), QUICK, replace(zoom, zoom=1.0, rotate=0)).paint()
    assert still.frames == 5
    assert np.abs(frames[0].astype(float) - frames[1]).mean() > 2

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        ZoomRun(photo, Path("stopped.mp4"), QUICK, zoom).paint(stop)
    again = ZoomRun(photo, Path("stopped.mp4"), QUICK, zoom)
    assert (again.resumed, again.renewed) == (2, False)
    assert again.paint().frames == 5
    assert Path("stopped.mp4").read_bytes() == Path("whole.mp4").read_bytes()


def test_a_films_colours_do_not_drift(folder: Path):
    photo = read_image("cat.png")
    seen = list[Any]()
    run = ZoomRun(photo, Path("film.mp4"), replace(QUICK, step_size=0.05), ZoomSettings(frames=4))
    for moment in run.moments():
        seen.append(run.frame(moment.pixels).astype(float))
    for frame in seen[1:]:
        assert np.abs(frame.mean(axis=(0, 1)) - seen[0].mean(axis=(0, 1))).max() < 6
        assert frame.std() == pytest.approx(seen[0].std(), rel=0.1)


def test_a_video_carries_its_dream_along(make_clip: MakeClip, tmp_path: Path):
    source = make_clip(frames=[moving(index) for index in range(5)], sound=False)
    settings = replace(QUICK, steps=6, step_size=0.02)
    changes: dict[float, list[np.ndarray[Any, Any]]] = {}
    for smooth in (0.0, 0.7):
        look = DreamLook(settings, None, None, VideoSettings(smooth))
        dreamt = VideoRun(source, tmp_path / f"dream-{smooth}.mp4", look).paint()
        assert (dreamt.frames, dreamt.cuts) == (5, 0) and dreamt.recipe["verb"] == "dream"
        changes[smooth] = [
            now.pixels.astype(float) - before.pixels
            for now, before in zip(read_frames(open_clip(dreamt.path)), read_frames(open_clip(source)), strict=True)
        ]
    for smooth, frames in changes.items():
        depths = [np.abs(frame).mean() for frame in frames]
        assert min(depths) > 0.4 * max(depths), f"as deep at the end as at the start, {smooth}: {depths}"

    def kept(frames: list[np.ndarray[Any, Any]]) -> float:
        """How much a frame's dream is the one before, moved by what the clip moves by."""
        pairs = zip(frames[1:], frames[:-1], strict=True)
        alike = [np.corrcoef(now[9:-8, 10:-8].ravel(), old[8:-9, 8:-10].ravel())[0, 1] for now, old in pairs]
        return float(np.mean(alike))

    assert kept(changes[0.7]) > kept(changes[0.0]) + 0.1


def test_a_step_is_shown_at_its_size(folder: Path):
    photo = read_image("cat.png")
    small = resize(torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0)), 20, 28)
    assert finished(small, photo, replace(QUICK, size=56)).pixels.shape == (40, 56, 3)


def test_unknown_settings_are_named(folder: Path):
    with pytest.raises(SettingError, match="there is no setting 'style_weight'; the settings of deepdream are"):
        dream("cat.png", style_weight=1)
