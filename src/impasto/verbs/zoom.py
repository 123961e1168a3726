"""A film into a dream that never ends: each frame is the one before, a little larger, dreamt on again.

What grows out of the middle is dreamt on before it reaches the rim, so there is always more to see. Every frame
gets the mean and the covariance of the first one's colours, or they would drift away within seconds.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from torch.nn.functional import affine_grid, grid_sample

from impasto._typing import Picture
from impasto.image.clips import ZoomSettings
from impasto.image.color import match_colors
from impasto.image.flow import Frame, Last
from impasto.image.io import Image
from impasto.image.regions import visible_colors
from impasto.image.resize import resize
from impasto.image.tensors import from_tensor, to_tensor
from impasto.image.video import BT709, Clip, Colors, Moment
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings, painted_size
from impasto.verbs.dream import inputs_of
from impasto.verbs.stylize import recipe_of
from impasto.verbs.video import FilmRun

OCTAVES, SHARE = 3, 0.3
"""At how many sizes a frame after the first is dreamt on, and its share of the steps: much is there already."""
_SRGB_TRANSFER = 13


class ZoomRun(FilmRun):
    """A film into a dream on a photo; see `FilmRun`.

    Args:
        photo: Where it begins.
        target: Where it shall be: .mp4, .mkv or .webm.
        settings: How to dream.
        zoom: How to move.
        guide: A picture whose features are dreamt of.

    Raises:
        InputError: If it cannot be written.
        SettingError: If settings do not fit.
    """

    def __init__(
        self,
        photo: Image,
        target: Path,
        settings: DeepDreamSettings,
        zoom: ZoomSettings,
        guide: Image | None = None,
    ) -> None:
        self.settings, self.zoom = settings, zoom
        self.guide = None if guide is None else visible_colors(guide)
        size = painted_size(photo.height, photo.width, settings)
        deepdream.schedule(*size, settings)
        self.photo = resize(visible_colors(photo), *size)
        recipe = recipe_of("dream", settings, inputs_of(photo, guide, None), zoom=asdict(zoom))
        super().__init__(_clip(photo.name, size, zoom), target, size, recipe)
        self.newest = self.parts.last()
        self.done = self.resumed

    def moments(self) -> Iterator[Moment]:
        """Yield the times of the frames to come, all of them made from the photo."""
        pixels = _pixels(self.photo)
        for index in range(self.resumed, self.zoom.frames):
            yield Moment(pixels, index, 1)

    def frame(self, pixels: Frame) -> Frame:
        """Return the next frame: the photo dreamt on, or the one before moved and dreamt on."""
        settings = replace(self.settings, size=max(self.photo.shape[-2:]), seed=self.settings.seed + self.done)
        picture = self.photo
        if self.newest is not None:
            picture = moved(to_tensor(Image(self.newest.smoothed)), self.zoom.zoom, self.zoom.rotate)
            octaves, steps, *_ = settings.pace()
            settings = replace(settings, octaves=min(OCTAVES, octaves), steps=max(1, round(SHARE * steps)))
        dreamt = deepdream.dream(picture, settings, guide=self.guide)
        if self.newest is not None:
            dreamt = match_colors(dreamt, to_tensor(Image(self.newest.photo)))
        frame = _pixels(dreamt)
        first = frame if self.newest is None else self.newest.photo
        self.newest, self.done = Last(first, frame, frame), self.done + 1
        return frame

    @property
    def last(self) -> Last:
        """The newest frame, and the first in place of a photo."""
        assert self.newest is not None, "a segment has frames"
        return self.newest


def moved(picture: Picture, zoom: float, degrees: float) -> Picture:
    """Enlarge a picture around its middle and turn it to the left; what comes in at the rim is mirrored."""
    height, width = picture.shape[-2:]
    cosine, sine = math.cos(math.radians(degrees)) / zoom, math.sin(math.radians(degrees)) / zoom
    where = [[cosine, -sine * height / width, 0.0], [sine * width / height, cosine, 0.0]]
    grid = affine_grid(picture.new_tensor([where]), list(picture.shape), align_corners=False)
    return grid_sample(picture, grid, "bicubic", "reflection", align_corners=False).clamp(0, 1)


def _pixels(picture: Picture) -> Frame:
    like = Image(np.zeros((1, 1, 3), np.uint8))
    return from_tensor(picture, like).pixels


def _clip(name: str, size: tuple[int, int], zoom: ZoomSettings) -> Clip:
    """Describe what the film is made from: no video, but times and colours all the same."""
    height, width = size
    return Clip(
        *(None, name, width, height, zoom.frames, Fraction(1, zoom.rate), Fraction(zoom.rate), 0, Fraction(1)),
        colors=Colors(BT709, BT709, _SRGB_TRANSFER),
        sounds=(),
    )
