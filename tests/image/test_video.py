"""Videos in and out: times to the tick, sound to the byte, upright, any size, and one line for what is no video."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from impasto.errors import InputError, SettingError
from impasto.image.clips import is_video
from impasto.image.film import Film, Segment, check_writable, join
from impasto.image.video import Clip, open_clip, read_frames

from ..conftest import ROOT, MakeClip, moving

UNEVEN = [0, 512, 1100, 1500, 3000, 3001, 4000, 9000, 9512, 12800]


def written(clip: Clip, target: Path, segment: int = 7) -> Path:
    """Write a clip's own frames again, in segments."""
    film, parts = Film(clip, clip.width, clip.height, target.suffix), list[Path]()
    moments = list(read_frames(clip))
    for start in range(0, len(moments), segment):
        part = Segment(film)
        for moment in moments[start : start + segment]:
            part.add(moment.pixels, moment.pts, moment.duration)
        parts.append(target.with_name(f"{start}.segment"))
        parts[-1].write_bytes(part.packed({}))
    join(film, parts, target, "painted")
    return target


def packets(path: Path, kind: str) -> list[tuple[Any, ...]]:
    """What a file says of its packets, in the order in which they are seen or heard."""
    with av.open(str(path)) as container:
        found = [packet for packet in container.demux(**{kind: 0}) if packet.pts is not None]
        return sorted((p.pts, p.time_base, p.duration, bytes(p) if kind == "audio" else b"") for p in found)


@pytest.mark.parametrize("pts", [None, UNEVEN], ids=["even", "uneven"])
def test_times_are_kept_to_the_tick_and_sound_to_the_byte(
    make_clip: MakeClip, tmp_path: Path, pts: list[int] | None
):
    source = make_clip(frames=[moving(index) for index in range(len(UNEVEN) if pts else 20)], pts=pts)
    clip = open_clip(source)
    target = written(clip, tmp_path / "again.mp4")
    assert packets(target, "audio") == packets(source, "audio")
    assert [moment.pts for moment in read_frames(open_clip(target))] == (
        pts or [512 * index for index in range(20)]
    )
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert after.duration == before.duration
        assert after.streams.video[0].time_base == before.streams.video[0].time_base == Fraction(1, 12800)
        assert after.streams.video[0].duration == before.streams.video[0].duration
        assert after.metadata["comment"] == "painted"
        if pts is None:
            assert after.streams.video[0].average_rate == 25
    # what is seen is what was given, but for the loss of two encodings
    pairs = zip(read_frames(clip), read_frames(open_clip(target)), strict=True)
    assert max(np.abs(a.pixels.astype(int) - b.pixels).mean() for a, b in pairs) < 4


def test_a_clip_whose_frames_begin_late_keeps_step_with_its_sound(make_clip: MakeClip, tmp_path: Path):
    source = make_clip(pts=[6400 + 512 * index for index in range(20)])
    target = written(open_clip(source), tmp_path / "again.mp4")
    assert next(read_frames(open_clip(target))).pts == 6400
    assert packets(target, "audio") == packets(source, "audio")


def test_in_matroska_times_are_right_to_its_milliseconds(make_clip: MakeClip, tmp_path: Path):
    target = written(open_clip(make_clip(sound=False)), tmp_path / "again.mkv")
    assert [moment.pts for moment in read_frames(open_clip(target))] == [40 * index for index in range(20)]


def test_webm_holds_pictures_of_its_own_kind(make_clip: MakeClip, tmp_path: Path):
    clip = open_clip(make_clip(frames=[moving(index) for index in range(9)], sound=False))
    target = written(clip, tmp_path / "again.webm")
    pairs = list(zip(read_frames(clip), read_frames(open_clip(target)), strict=True))
    assert len(pairs) == 9
    assert max(np.abs(a.pixels.astype(int) - b.pixels).mean() for a, b in pairs) < 8


def test_a_phones_turn_is_applied(make_clip: MakeClip):
    frame = moving(0)
    # x' = −y, y' = x: a quarter turn to the right, as phones held upright write it
    one = 1 << 16
    matrix = struct.unpack("9i", struct.pack("9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30))
    clip = open_clip(make_clip(frames=[frame] * 3, matrix=matrix, sound=False))
    assert (clip.width, clip.height) == (48, 64)
    upright = next(read_frames(clip)).pixels
    assert np.abs(upright.astype(int) - np.rot90(frame, -1)).mean() < 4


@pytest.mark.parametrize("size", [(47, 63), (1, 1), (48, 63)])
def test_odd_sizes_get_one_row_or_column_more(make_clip: MakeClip, tmp_path: Path, size: tuple[int, int]):
    height, width = size
    clip = open_clip(make_clip(frames=[moving(0)], sound=False))
    frame = moving(0, height, width)
    film = Film(clip._replace(width=width, height=height), width, height, ".mp4")
    segment = Segment(film)
    segment.add(frame, 0, 512)
    (tmp_path / "0").write_bytes(segment.packed({}))
    join(film, [tmp_path / "0"], tmp_path / "odd.mp4", "")
    seen = next(read_frames(open_clip(tmp_path / "odd.mp4"))).pixels
    assert seen.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(seen[:height, :width].astype(int) - frame).mean() < 8


def test_colours_come_back_whatever_their_matrix(make_clip: MakeClip, tmp_path: Path):
    """BT.709 is what 720 lines mean without a word; the tags of what is written say it."""
    frame = np.zeros((720, 64, 3), np.uint8)
    frame[:] = (30, 160, 220)
    source = open_clip(make_clip(frames=[frame] * 2, sound=False))
    assert source.colors.matrix == 1 and open_clip(make_clip("small.mp4", sound=False)).colors.matrix == 5
    target = written(source, tmp_path / "again.mp4")
    before, after = next(read_frames(source)).pixels, next(read_frames(open_clip(target))).pixels
    assert np.abs(before.astype(int) - after).max() <= 3
    with av.open(str(target)) as container:
        assert int(next(container.decode(video=0)).colorspace) == 1


def test_what_is_no_video_is_refused_in_one_line(make_clip: MakeClip, tmp_path: Path):
    whole = make_clip().read_bytes()
    files = {
        "cut.mp4": whole[: len(whole) // 2],
        "empty.mp4": b"",
        "text.mkv": b"all words and no pictures\n" * 40,
        "picture.mp4": (ROOT / "tests" / "data" / "coffee.jpg").read_bytes()[:200],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name) as caught:
            open_clip(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        open_clip(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="no file"):
        open_clip(tmp_path)


def test_sound_alone_is_no_video(make_clip: MakeClip, tmp_path: Path):
    source, target = make_clip(), tmp_path / "sound.mp4"
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(container.streams.audio[0])
        for packet in container.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    with pytest.raises(InputError, match="holds no video"):
        open_clip(target)


def test_a_file_that_breaks_off_is_told_before_anything_is_painted(make_clip: MakeClip, tmp_path: Path):
    whole = make_clip("long.mkv", frames=[moving(index % 20) for index in range(100)]).read_bytes()
    (tmp_path / "short.mkv").write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(InputError, match=r"breaks off after [12]\.\d of [34]\.\d s"):
        open_clip(tmp_path / "short.mkv")


def test_what_a_file_cannot_hold_is_refused(make_clip: MakeClip):
    clip = open_clip(make_clip())
    check_writable(clip, ".mp4")
    check_writable(clip, ".mkv")
    with pytest.raises(InputError, match=r"sound of .* is aac, which \.webm cannot hold"):
        check_writable(clip, ".webm")
    with pytest.raises(SettingError, match=r"'\.avi'; choose one of \.mp4, \.mkv, \.webm"):
        check_writable(clip, ".avi")


def test_videos_are_known_by_name_or_first_bytes(make_clip: MakeClip, tmp_path: Path):
    assert is_video(Path("nowhere.MOV"))
    assert not is_video(ROOT / "tests" / "data" / "coffee.jpg") and not is_video(tmp_path)
    for name in ("clip.mp4", "clip.mkv", "clip.avi"):
        renamed = make_clip(name, sound=False).rename(tmp_path / f"{name[-3:]}-without-suffix")
        assert is_video(renamed)
    (tmp_path / "photo").write_bytes(b"\0\0\0\x1cftypavif" + bytes(20))
    assert not is_video(tmp_path / "photo")
