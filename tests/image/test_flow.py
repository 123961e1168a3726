"""Flow between frames: what moved is found again, what is new is not, and mixing makes flicker less."""

import numpy as np
import pytest

from impasto.image.flow import CUT, Last, Steadying, Tally, mix, motion_between, warp

from ..conftest import moving


def noisy(frame: np.ndarray, seed: int, deviation: float = 12) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, deviation, frame.shape)
    return np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)


def test_a_known_motion_is_found_and_brings_the_frame_along():
    before, now = moving(0), moving(3)
    motion = motion_between(before, now)
    inside = (slice(8, -4), slice(12, -4))
    columns, rows = np.meshgrid(np.arange(64), np.arange(48))
    moved = np.stack([columns, rows], axis=2) - motion.source
    assert np.median(moved[inside], axis=(0, 1)) == pytest.approx([6, 3], abs=0.15)
    assert (motion.reliable[inside] > 0.5).mean() > 0.9
    assert np.abs(warp(before, motion)[inside].astype(int) - now[inside]).mean() < 4
    # what comes in at the left edge was nowhere before
    assert (motion.reliable[:, :4] > 0.5).mean() < 0.2


def test_what_was_covered_is_not_trusted():
    before, now = moving(0), moving(0)
    before[10:30, 20:44] = (255, 0, 0)
    motion = motion_between(before, now)
    assert (motion.reliable[14:26, 24:40] > 0.5).mean() < 0.05
    assert (motion.reliable[36:, :] > 0.5).mean() > 0.8


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (17, 8)])
def test_frames_of_any_size_have_a_flow(size: tuple[int, int]):
    frame = np.full((*size, 3), 90, np.uint8)
    assert (motion_between(frame, frame).reliable == 1).all()


def test_mixing_by_hand():
    painted, before = np.full((1, 2, 3), 100, np.uint8), np.full((1, 2, 3), 201, np.uint8)
    share = np.asarray([[0.0, 0.25]], np.float32)
    assert mix(painted, before, share)[0, :, 0].tolist() == [100, 125]


def test_flicker_by_hand():
    """Nothing moves; painted frames go 100, 110, and with smooth ½ the second becomes 105."""
    photo = moving(0)
    steadying = Steadying(0.5)
    steadying.add(photo, np.full_like(photo, 100))
    smoothed = steadying.add(photo, np.full_like(photo, 110))
    assert (smoothed == 105).all()
    assert steadying.tally.flicker() == {"photo": 0.0, "painted": 10.0, "smoothed": 5.0}
    assert steadying.tally.values == photo.size


def test_a_painter_that_flickers_flickers_less_when_smoothed():
    steadying = Steadying(0.7)
    for index in range(12):
        photo = moving(index)
        steadying.add(photo, noisy(photo, index))
    flicker = steadying.tally.flicker()
    # two noises of deviation 12 differ by 12 √2 · √(2/π) = 13.5 on average
    assert flicker["painted"] == pytest.approx(13.5, abs=2.5)
    assert flicker["smoothed"] < 0.5 * flicker["painted"]
    assert steadying.tally.cuts == 0


def test_smooth_0_changes_nothing_and_is_measured_all_the_same():
    steadying = Steadying(0)
    for index in range(3):
        painted = noisy(moving(index), index)
        assert np.array_equal(steadying.add(moving(index), painted), painted)
    flicker = steadying.tally.flicker()
    assert flicker["painted"] == flicker["smoothed"] > 5


def test_a_cut_starts_anew():
    steadying = Steadying(0.9)
    steadying.add(moving(0), moving(0))
    after = moving(0, shot=1)
    assert (motion_between(moving(0), after).reliable > 0.5).mean() < CUT
    painted = noisy(after, 1)
    assert np.array_equal(steadying.add(after, painted), painted)
    assert steadying.tally.cuts == 1
    assert steadying.tally.flicker() == {"photo": None, "painted": None, "smoothed": None}


def test_going_on_equals_never_having_stopped():
    frames = [(moving(index), noisy(moving(index), index)) for index in range(6)]
    whole, tally = Steadying(0.7), Tally()
    expected = [whole.add(*each) for each in frames]
    first = Steadying(0.7)
    for each in frames[:4]:
        first.add(*each)
    second = Steadying(0.7, Last(*(frame.copy() for frame in first.last)))
    assert all(
        np.array_equal(second.add(*each), wanted) for each, wanted in zip(frames[4:], expected[4:], strict=True)
    )
    tally.add(first.tally)
    tally.add(second.tally)
    assert tally == whole.tally
