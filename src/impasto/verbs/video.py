"""A video painted frame by frame in one pass: streamed, kept steady, and gone on with where it was stopped."""

import hashlib
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import av
import cv2
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.errors import InputError, SettingError, one_line
from impasto.image.clips import VideoSettings
from impasto.image.color import luminance, match_colors, with_chroma_of
from impasto.image.film import Film, Segment, check_writable, join, read_head
from impasto.image.flow import Carried, Frame, Last, Steadying, Tally
from impasto.image.io import Image
from impasto.image.regions import mask_of, visible_colors
from impasto.image.resize import fit, resize
from impasto.image.tensors import from_tensor, to_tensor
from impasto.image.video import Clip, Moment, open_clip, read_frames
from impasto.nn.compute import repeatable
from impasto.nn.one_pass import OnePassSettings, Painter, paint
from impasto.nn.transform import Painting
from impasto.verbs.one_pass import Model
from impasto.verbs.parts import Parts
from impasto.verbs.stylize import recipe_of
from impasto.writing import find_target

SEGMENT = 24
"""Frames a segment: the most that are painted again after a run was stopped."""

OnFrame = Callable[[int, int], None]
"""Called after every frame with how many are painted, and of how many."""


class Frames(Protocol):
    """What paints frames of one size."""

    def sized(self, pixels: Frame) -> Image:
        """Return a frame at the size it is painted at."""

    def paint(self, photo: Image, before: Carried | None) -> Image:
        """Paint a frame.

        Args:
            photo: The frame, as `sized` gave it.
            before: The frame before, brought along; None if a shot begins.
        """


class FrameLook(Protocol):
    """How the frames of a video are painted."""

    @property
    def size(self) -> int | None:
        """Longest side of painted frames in pixels, if not that of the video's own."""

    @property
    def video(self) -> VideoSettings:
        """What only videos have."""

    def frames(self, height: int, width: int) -> Frames:
        """Return what paints frames of a size."""

    def recipe(self, clip: Clip) -> dict[str, Any]:
        """Return everything needed to paint a video again, as JSON values."""


class Look(NamedTuple):
    """Frames painted after styles.

    Attributes:
        method: By which method.
        model: By which network.
        styles: Paintings, or names of styles it knows.
        masks: Where each style applies, or none.
        settings: How.
        video: What only videos have.
    """

    method: str
    model: Model
    styles: Sequence[Image | str]
    masks: Sequence[Image]
    settings: OnePassSettings
    video: VideoSettings

    @property
    def size(self) -> int | None:
        """Longest side of painted frames."""
        return self.settings.size

    def frames(self, height: int, width: int) -> "FramePainter":
        """Return what paints frames of a size."""
        return FramePainter(self, height, width)

    def recipe(self, clip: Clip) -> dict[str, Any]:
        """Return everything needed to paint a video again, as JSON values."""
        named = [style for style in self.styles if isinstance(style, str)]
        paintings = [style for style in self.styles if isinstance(style, Image)]
        choices: dict[str, Any] = {"method": self.method, "video": asdict(self.video)}
        choices |= {"styles": named} if named else {}
        inputs = {"style": paintings, "masks": self.masks}
        return with_clip(recipe_of("stylize", self.settings, inputs, self.model, **choices), clip)


@dataclass(frozen=True)
class PaintedVideo:
    """What became of a video.

    Attributes:
        path: Where it lies.
        width: In pixels.
        height: Likewise.
        frames: How many it has.
        resumed: How many of them an earlier run had painted.
        cuts: At how many places a new shot begins.
        flicker: Of `photo`, `painted` and `smoothed` frames, in levels of 8 bits; see `impasto.image.flow`.
        recipe: How it was painted.
        seconds: Wall-clock time of this run.
    """

    path: Path
    width: int
    height: int
    frames: int
    resumed: int
    cuts: int
    flicker: Mapping[str, float | None]
    recipe: Mapping[str, Any]
    seconds: float


class FilmRun(ABC):
    """A video to be made frame by frame, gone on with where it was stopped; nothing is painted yet.

    Args:
        clip: What it is made from; gives times, colours and sound.
        target: Where it shall be: .mp4, .mkv or .webm.
        size: Height and width of its frames, in pixels.
        recipe: What decides about its frames.

    Attributes:
        resumed: How many frames an earlier run has painted.
        renewed: Whether what had been painted by another recipe was thrown away.

    Raises:
        InputError: If the video cannot be written.
        SettingError: If there is no such kind of file.
    """

    def __init__(self, clip: Clip, target: Path, size: tuple[int, int], recipe: Mapping[str, Any]) -> None:
        self.clip, self.path, self.target, self.recipe = clip, target, find_target(target), recipe
        suffix = self.target.suffix.lower()
        check_writable(clip, suffix)
        height, width = size
        self.film = Film(clip, width, height, suffix)
        self.parts = Parts(self.target, {"recipe": recipe, "file": suffix, "segment": SEGMENT})
        self.renewed = self.parts.renewed
        self.resumed = sum(len(read_head(path)["frames"]) for path in self.parts.segments())
        self.tally = Tally()

    @abstractmethod
    def moments(self) -> Iterator[Moment]:
        """Yield what the frames after the resumed ones are made from, with their times."""

    @abstractmethod
    def frame(self, pixels: Frame) -> Frame:
        """Return the next frame."""

    @property
    @abstractmethod
    def last(self) -> Last:
        """What the frame after the newest begins with."""

    def paint(self, on_frame: OnFrame | None = None) -> PaintedVideo:
        """Paint what is not painted yet, and put the video together.

        Raises:
            InputError: If the video is damaged, or there is no room for the painted one.
        """
        began = time.perf_counter()
        moments, done = self.moments(), self.resumed
        while some := list(islice(moments, 1)):
            segment, self.tally = Segment(self.film), Tally()
            for moment in chain(some, islice(moments, SEGMENT - 1)):
                segment.add(self.frame(moment.pixels), moment.pts, moment.duration)
                done += 1
                if on_frame is not None:
                    on_frame(done, max(done, self.clip.frames))
            self.parts.add(segment.packed(asdict(self.tally)), self.last)
        self._join()
        return self._painted(done, time.perf_counter() - began)

    def _join(self) -> None:
        """Write the video beside its place, and put it there at once."""
        joined = self.parts.folder / f"joined{self.film.suffix}"
        try:
            join(self.film, self.parts.segments(), joined, json.dumps(self.recipe))
            with joined.open("rb+") as file:
                os.fsync(file.fileno())
            joined.replace(self.target)
        except (OSError, av.FFmpegError) as error:
            raise InputError(f"cannot write {one_line(str(self.target))} ({error.strerror}): make room") from None

    def _painted(self, frames: int, seconds: float) -> PaintedVideo:
        tally = Tally()
        for path in self.parts.segments():
            tally.add(Tally(**read_head(path)["notes"]))
        self.parts.remove()
        return PaintedVideo(
            self.path,
            *self.film.size,
            frames=frames,
            resumed=self.resumed,
            cuts=tally.cuts,
            flicker=tally.flicker(),
            recipe=self.recipe,
            seconds=seconds,
        )


class VideoRun(FilmRun):
    """A video to be painted, looked at and checked.

    Args:
        source: The video.
        target: Where the painted one shall be: .mp4, .mkv or .webm.
        look: How frames are painted.

    Raises:
        InputError: If the video cannot be read, or the other not be written.
        SettingError: If settings do not fit.
    """

    def __init__(self, source: Path, target: Path, look: FrameLook) -> None:
        clip = open_clip(source)
        if find_target(target) == Path(os.path.realpath(source)):
            raise InputError(f"{one_line(str(target))} is the video painted from; choose another output")
        size = painted_size(clip, look.size)
        check_writable(clip, target.suffix.lower())
        self.painter = look.frames(*size)
        super().__init__(clip, target, size, look.recipe(clip))
        self.steadying = Steadying(look.video.smooth, self.parts.last())

    def moments(self) -> Iterator[Moment]:
        """Yield the video's frames that are not painted yet."""
        return read_frames(self.clip, skip=self.resumed)

    def frame(self, pixels: Frame) -> Frame:
        """Return a frame painted and smoothed."""
        self.steadying.tally = self.tally
        photo = self.painter.sized(pixels)
        painted = self.painter.paint(photo, self.steadying.carried(photo.pixels))
        return self.steadying.add(photo.pixels, painted.pixels)

    @property
    def last(self) -> Last:
        """What the frame after the newest is smoothed with."""
        assert self.steadying.last is not None, "a segment has frames"
        return self.steadying.last


class FramePainter:
    """Frames of one size painted after the same styles.

    The video's own colours are given to what is painted: paintings are looked at once, as they are, and not
    recoloured for each frame as for a single picture, which would make them flicker.

    Args:
        look: How.
        height: Of a painted frame, in pixels.
        width: Likewise.

    Raises:
        SettingError: If settings do not fit the styles, or the network has no such style.
    """

    def __init__(self, look: Look, height: int, width: int) -> None:
        self.settings, self.size = look.settings, (height, width)
        self.regions = [resize(mask_of(mask), height, width) for mask in look.masks]
        if self.regions and len(self.regions) != len(look.styles):
            raise SettingError(
                f"there are {len(self.regions)} masks for {len(look.styles)} styles; give one mask per style"
            )
        look.settings.blend_shares(len(look.styles))
        look.settings.strengths(len(look.styles))
        grey = look.settings.colors == "luminance"
        self.styles: list[Picture | str] = []
        for style in look.styles:
            picture = style if isinstance(style, str) else visible_colors(style)
            self.styles.append(luminance(picture) if grey and not isinstance(picture, str) else picture)
        self.painter = _LookingOnce(look.model.painter)

    def sized(self, pixels: Frame) -> Image:
        """Return a frame at the size it is painted at."""
        return at_size(pixels, self.size)

    def paint(self, photo: Image, before: Carried | None = None) -> Image:
        """Paint a frame; a network that paints in one pass begins anew with each."""
        content, colors = to_tensor(photo), self.settings.colors
        looked_at = luminance(content) if colors == "luminance" else content
        with repeatable():
            painted = paint(looked_at, self.styles, self.painter, self.settings, self.regions)
        if colors == "luminance":
            painted = with_chroma_of(painted, content)
        elif colors != "style":
            painted = match_colors(painted, content, colors)
        return from_tensor(painted, photo)


class _LookingOnce:
    """A painter that looks at the paintings once for all frames."""

    def __init__(self, painter: Painter) -> None:
        self.painter, self.styles = painter, painter.styles
        self._rows: Tensor | None = None

    def rows(self, styles: Sequence[Picture | str], scale: float) -> Float[Tensor, "k n"]:
        if self._rows is None:
            self._rows = self.painter.rows(styles, scale)
        return self._rows

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"] | None:
        return self.painter.plain_row(content)

    def paint(self, content: Picture, painting: Painting) -> Picture:
        return self.painter.paint(content, painting)


def painted_size(clip: Clip, longest: int | None) -> tuple[int, int]:
    """Return height and width of what a video's frames become, in pixels."""
    size = (clip.height, clip.width)
    return size if longest is None else fit(*size, longest)


def with_clip(recipe: dict[str, Any], clip: Clip) -> dict[str, Any]:
    """Return a recipe with the video that is painted from, and the libraries that read and steady it."""
    assert clip.path is not None, "a video is painted from a file"
    with clip.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    recipe["inputs"]["content"] = {"name": one_line(clip.path.name), "sha256": sha256}
    recipe["versions"] |= {"av": av.__version__, "opencv": cv2.__version__}
    return recipe


def at_size(pixels: Frame, size: tuple[int, int]) -> Image:
    """Return a frame at a height and width."""
    photo = Image(pixels, name="frame")
    if pixels.shape[:2] == size:
        return photo
    return from_tensor(resize(to_tensor(photo), *size), photo)
