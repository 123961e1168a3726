"""Videos in: frames upright and in RGB, one at a time, each with its exact time.

Convention: a frame's time is `pts` ticks of the stream's `time_base`, as the file has it; frames need not come at
even distances. The turn that a phone writes beside the picture is applied, as the turn in a photo's EXIF is. What a
file does not say about its colours is taken as players take it: BT.709 from 720 lines on, BT.601 below.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc, Interpolation
from av.video.stream import VideoStream

from impasto.errors import InputError, one_line
from impasto.image.flow import Frame
from impasto.image.formats import check_picture_size

MAX_PIXELS = 8192 * 8192
"""Most pixels of a frame that is read: more is beyond every codec's levels."""

BT709, BT601 = 1, 5
HD_LINES = 720
_MATRICES = {1: BT709, 4: 4, 5: BT601, 6: BT601, 7: 7, 9: 9, 10: 9}
"""What a matrix is to the scaler, by what it is in a file; some are the same in all but name."""
ACCURATE = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
BROKEN_OFF = 0.9
"""A file that ends before this share of the length it claims has been cut short."""
_MICROSECOND = Fraction(1, 1_000_000)


class Colors(NamedTuple):
    """What turns a video's numbers into colours, primaries and transfer by the code points of ITU-T H.273.

    Attributes:
        matrix: Of luminance and chroma, as the scaler numbers them.
        primaries: Of red, green and blue.
        transfer: From light to numbers.
    """

    matrix: int
    primaries: int
    transfer: int


class Clip(NamedTuple):
    """A video, looked at from end to end.

    Attributes:
        path: Where it lies; None if it is not made from a file.
        name: For messages.
        width: Of a frame as it is seen, in pixels.
        height: Likewise.
        frames: How many there are; may be one or two off.
        time_base: Seconds a tick.
        rate: Frames a second, on average.
        turn: Quarter turns to the left that put it upright.
        aspect: Width of a pixel over its height.
        colors: How its numbers are meant.
        sounds: The codec of each audio stream.
    """

    path: Path | None
    name: str
    width: int
    height: int
    frames: int
    time_base: Fraction
    rate: Fraction
    turn: int
    aspect: Fraction
    colors: Colors
    sounds: tuple[str, ...]


class Moment(NamedTuple):
    """One frame and when it is seen.

    Attributes:
        pixels: Upright.
        pts: When it begins, in ticks.
        duration: How long it is seen, in ticks, unless the next begins earlier.
    """

    pixels: Frame
    pts: int
    duration: int


def open_clip(path: Path) -> Clip:
    """Look at a video from end to end, without decoding more than a frame.

    Raises:
        InputError: If there is no such file, or it is no video, damaged or cut short.
    """
    name = one_line(str(path))
    with opened(path) as container:
        video = video_stream(container, name)
        first = next(container.decode(video), None)
        if first is None or video.time_base is None:
            raise InputError(f"{name} has no frame that can be read; save or fetch it again")
        check_picture_size(first.width, first.height, name, MAX_PIXELS)
        turn = round(first.rotation / 90) % 4
        sides = (first.width, first.height) if turn % 2 == 0 else (first.height, first.width)
        aspect = Fraction(video.sample_aspect_ratio or 1)
        sounds = tuple(stream.codec_context.name for stream in container.streams.audio)
        rate = Fraction(video.average_rate or video.guessed_rate or 25)
        found = Clip(
            *(path, name, *sides, 0, video.time_base, rate, turn),
            aspect=1 / aspect if turn % 2 else aspect,
            colors=_colors_of(video, first),
            sounds=sounds,
        )
    return found._replace(frames=_count(path, name))


def read_frames(clip: Clip, skip: int = 0) -> Iterator[Moment]:
    """Yield a video's frames one after the other.

    Args:
        clip: The video.
        skip: How many to leave out at the beginning. They are decoded all the same: seeking does not find every
            frame of every file exactly.

    Raises:
        InputError: If it is damaged.
    """
    width, height = (clip.width, clip.height) if clip.turn % 2 == 0 else (clip.height, clip.width)
    usual, last = max(1, round(1 / (clip.rate * clip.time_base))), None
    assert clip.path is not None, "what is made from no file has no frames to read"
    with opened(clip.path) as container:
        video = video_stream(container, clip.name)
        video.thread_type = "AUTO"
        for index, frame in enumerate(container.decode(video)):
            if last is None:
                pts = frame.pts or 0
            else:
                pts = frame.pts if frame.pts is not None and frame.pts > last else last + usual
            last = pts
            if index < skip:
                continue
            pixels = frame.to_ndarray(
                format="rgb24",
                width=width,
                height=height,
                src_colorspace=clip.colors.matrix,
                interpolation=ACCURATE,
            )
            upright = np.ascontiguousarray(np.rot90(pixels, clip.turn), dtype=np.uint8)
            yield Moment(upright, pts, frame.duration or usual)


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a video; whatever goes wrong with it inside the block is told in one line.

    Raises:
        InputError: If there is no such file, or it is no video or damaged.
    """
    name = one_line(str(path))
    if not path.exists():
        raise InputError(f"{name} does not exist: check its spelling and folder")
    if not path.is_file():
        raise InputError(f"{name} is no file; give a video")
    try:
        with container_at(path) as container:
            yield container
    except av.FFmpegError as error:
        reason = one_line(error.strerror or "")
        raise InputError(f"{name} is damaged or no video ({reason}): save or fetch it again") from None


def container_at(path: Path) -> InputContainer:
    """Open a video; PyAV's errors stay as they are."""
    # a playlist called .mp4 could name addresses
    return av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the stream of pictures that move.

    Raises:
        InputError: If there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise InputError(f"{name} holds no video; give a file with moving pictures")


def _count(path: Path, name: str) -> int:
    """Count frames without decoding them.

    Raises:
        InputError: If the file ends long before the length it claims.
    """
    frames, end = 0, Fraction(0)
    with opened(path) as container:
        video = video_stream(container, name)
        for packet in container.demux():
            if packet.pts is None:
                continue
            end = max(end, (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base))
            frames += packet.stream_index == video.index and not packet.is_discard
        length = (container.duration or 0) * _MICROSECOND
        end -= (container.start_time or 0) * _MICROSECOND
    if end < BROKEN_OFF * length:
        raise InputError(f"{name} breaks off after {float(end):.1f} of {float(length):.1f} s: fetch it again")
    return frames


def _colors_of(video: VideoStream, frame: VideoFrame) -> Colors:
    guess = BT709 if frame.height >= HD_LINES else BT601
    context: Any = video.codec_context
    return Colors(
        _MATRICES.get(int(frame.colorspace), guess),
        int(context.color_primaries or ColorPrimaries.UNSPECIFIED),
        int(context.color_trc or ColorTrc.UNSPECIFIED),
    )
