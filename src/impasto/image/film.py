"""Videos out: frames become segments that stand for themselves, and segments a video, with another one's sound.

A segment is encoded alone, so that a run that was stopped goes on after its last whole segment and the result is
the same to the byte. No frame is described by a later one (no B-frames): what is decoded first is seen first, and
segments follow each other whatever the distances of their frames.
"""

from __future__ import annotations

import heapq
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from impasto.errors import ImpastoError, InputError, check_choice
from impasto.image.clips import WRITABLE
from impasto.image.flow import Frame
from impasto.image.video import ACCURATE, BT601, Clip, container_at

LIMITED_RANGE, TAG_OF_BT601 = 1, 6


class Encoding(NamedTuple):
    """How frames are encoded in one kind of file."""

    encoder: str
    options: Mapping[str, str]


_H264 = Encoding("libx264", {"crf": "18", "preset": "medium"})
_VP9 = Encoding("libvpx-vp9", {"crf": "28", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"})
ENCODINGS = {".mp4": _H264, ".mkv": _H264, ".webm": _VP9}
"""By what the file is called; painted frames are busy, and need a finer quantiser than filmed ones."""


class Film(NamedTuple):
    """What is written: the frames of a clip at some size, in some kind of file.

    Attributes:
        clip: Gives times, colours and sound.
        width: Of the frames, in pixels.
        height: Likewise.
        suffix: Of the file.
    """

    clip: Clip
    width: int
    height: int
    suffix: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video: even, for H.264 with halved colour; a last column or row is repeated."""
        return self.width + self.width % 2, self.height + self.height % 2


class Segment:
    """Frames being encoded, to be seen one after the other.

    Args:
        film: What they are part of.
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self.encoder = _encoder(film)
        self.encoder.open()
        self.times: list[tuple[int, int]] = []
        self.packets: list[tuple[bytes, bool]] = []

    def add(self, frame: Frame, pts: int, duration: int) -> None:
        """Add a frame that begins at `pts` and is seen for `duration` ticks of the clip's time base."""
        width, height = self.film.size
        edges = ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0))
        picture = VideoFrame.from_ndarray(np.pad(frame, edges, mode="edge"), "rgb24").reformat(
            format="yuv420p",
            dst_colorspace=self.film.clip.colors.matrix,
            dst_color_range=LIMITED_RANGE,
            interpolation=ACCURATE,
        )
        picture.pts, picture.time_base = pts, self.film.clip.time_base
        self.times.append((pts, duration))
        self._keep(self.encoder.encode(picture))

    def packed(self, notes: Mapping[str, Any]) -> bytes:
        """End the segment and return it as a file's bytes: a line of JSON, and the packets.

        Args:
            notes: What else is to be remembered of it, as JSON values.
        """
        self._keep(self.encoder.encode(None))
        assert len(self.packets) == len(self.times), "without B-frames every frame is one packet"
        frames = [
            [pts, duration, len(data), is_key]
            for (pts, duration), (data, is_key) in zip(self.times, self.packets, strict=True)
        ]
        head = json.dumps({"frames": frames, "notes": notes}).encode()
        return head + b"\n" + b"".join(data for data, _ in self.packets)

    def _keep(self, packets: Sequence[Packet[Any]]) -> None:
        self.packets += [(bytes(packet), packet.is_keyframe) for packet in packets]


def read_head(segment: Path) -> dict[str, Any]:
    """Return what a segment says of itself: its frames' times and sizes, and the notes."""
    with segment.open("rb") as file:
        head: dict[str, Any] = json.loads(file.readline())
    return head


def check_writable(clip: Clip, suffix: str) -> None:
    """Raise unless a clip, painted, can be written to a file that is called so.

    Raises:
        SettingError: If there is no such kind of file here.
        InputError: If it cannot hold the clip's sound.
        ImpastoError: If its encoder is not there.
    """
    check_choice("the video's suffix", suffix, WRITABLE)
    encoder = ENCODINGS[suffix].encoder
    if encoder not in av.codecs_available:
        raise ImpastoError(f"this PyAV has no {encoder}; install the one from PyPI: pip install av")
    with av.open(io.BytesIO(), "w", format=_container(suffix)) as container:
        supported = container.supported_codecs
    for sound in clip.sounds:
        if sound not in supported:
            raise InputError(
                f"the sound of {clip.name} is {sound}, which {suffix} cannot hold and which is kept as it is;"
                " choose .mkv"
            )


def join(film: Film, segments: Sequence[Path], target: Path, comment: str) -> None:
    """Write a video from segments and the sound of the clip, if it has any, encoding nothing again.

    Args:
        film: What they are part of.
        segments: In order.
        target: The file to write.
        comment: Goes into the file's metadata.

    Raises:
        OSError: If it cannot be written.
        FFmpegError: Likewise.
    """
    encoding, clip = ENCODINGS[film.suffix], film.clip
    with ExitStack() as stack:
        source = None if clip.path is None else stack.enter_context(container_at(clip.path))
        out = stack.enter_context(av.open(str(target), "w", format=_container(film.suffix)))
        video: Any = out.add_stream(encoding.encoder, rate=clip.rate, options=dict(encoding.options))
        _describe(video.codec_context, film)
        video.time_base = clip.time_base
        out.metadata["comment"] = comment
        streams = [_pictures(segments, clip, video)]
        if source is not None:
            streams.append(_sounds(source, _copied_streams(source, out)))
        out.start_encoding()
        for packet in heapq.merge(*streams, key=_time):
            out.mux(packet)


def _copied_streams(source: InputContainer, out: OutputContainer) -> dict[int, Any]:
    """Make room for what is kept of a clip, sounds and title; return the sounds' streams by the clip's index."""
    sounds = {stream.index: out.add_stream_from_template(stream) for stream in source.streams.audio}
    for index, stream in sounds.items():
        stream.metadata.update(source.streams[index].metadata)
    if title := source.metadata.get("title"):
        out.metadata["title"] = title
    return sounds


def _container(suffix: str) -> str:
    return {".mkv": "matroska"}.get(suffix, suffix[1:])


def _encoder(film: Film) -> VideoCodecContext:
    encoding = ENCODINGS[film.suffix]
    encoder = VideoCodecContext.create(encoding.encoder, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.options = dict(encoding.options)
    _describe(encoder, film)
    # containers hold what all segments share, once
    encoder.flags |= Flags.global_header
    return encoder


def _describe(encoder: Any, film: Film) -> None:
    encoder.width, encoder.height = film.size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = film.clip.time_base, film.clip.rate
    encoder.max_b_frames = 0
    encoder.sample_aspect_ratio = film.clip.aspect
    matrix, primaries, transfer = film.clip.colors
    encoder.colorspace = TAG_OF_BT601 if matrix == BT601 else matrix
    encoder.color_primaries, encoder.color_trc, encoder.color_range = primaries, transfer, LIMITED_RANGE


def _pictures(segments: Sequence[Path], clip: Clip, stream: Any) -> Iterator[Packet[Any]]:
    for path in segments:
        with path.open("rb") as file:
            for pts, duration, size, is_key in json.loads(file.readline())["frames"]:
                packet = Packet(file.read(size))
                packet.pts = packet.dts = pts
                packet.duration, packet.time_base, packet.is_keyframe = duration, clip.time_base, is_key
                packet.stream = stream
                yield packet


def _sounds(source: Any, streams: Mapping[int, Any]) -> Iterator[Packet[Any]]:
    if not streams:
        return
    for packet in source.demux(*source.streams.audio):
        if packet.dts is not None:
            packet.stream = streams[packet.stream_index]
            yield packet


def _time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * Fraction(packet.time_base or 1)
