"""A video dreamt on frame by frame, each going on with the dream of the one before, moved along with the picture.

What the frame before was changed by is brought along by the optical flow, as far as that can be trusted, and a
share `smooth` of it is what the next begins with. What is lacking is dreamt anew: with `steps` at each size for a
frame that begins a shot, (1 − smooth) · steps for the others, so that the hundredth frame is dreamt on as deeply as
the first, and sooner.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from impasto.image.clips import VideoSettings
from impasto.image.flow import Carried, Frame
from impasto.image.io import Image
from impasto.image.regions import mask_of, visible_colors
from impasto.image.tensors import from_tensor, to_tensor
from impasto.image.video import Clip
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings
from impasto.verbs.dream import inputs_of
from impasto.verbs.stylize import recipe_of
from impasto.verbs.video import at_size, with_clip


@dataclass(frozen=True)
class DreamLook:
    """Frames dreamt on.

    Attributes:
        settings: How.
        guide: A picture whose features are dreamt of.
        mask: Where to dream.
        video: What only videos have.
    """

    settings: DeepDreamSettings
    guide: Image | None
    mask: Image | None
    video: VideoSettings

    @property
    def size(self) -> int | None:
        """Longest side of the frames."""
        return self.settings.size

    def frames(self, height: int, width: int) -> "DreamFrames":
        """Return what dreams on frames of a size."""
        deepdream.schedule(height, width, self.settings)
        return DreamFrames(self, (height, width))

    def recipe(self, clip: Clip) -> dict[str, Any]:
        """Return everything needed to dream on a video again, as JSON values."""
        inputs = inputs_of(None, self.guide, self.mask)
        return with_clip(recipe_of("dream", self.settings, inputs, video=asdict(self.video)), clip)


class DreamFrames:
    """What dreams on frames of one size.

    Args:
        look: How.
        size: Height and width, in pixels.
    """

    def __init__(self, look: DreamLook, size: tuple[int, int]) -> None:
        self.look, self.size = look, size
        self.guide = None if look.guide is None else visible_colors(look.guide)
        self.region = None if look.mask is None else mask_of(look.mask)

    def sized(self, pixels: Frame) -> Image:
        """Return a frame at the size it is dreamt on."""
        return at_size(pixels, self.size)

    def paint(self, photo: Image, before: Carried | None) -> Image:
        """Dream on a frame, from what is left of the dream before."""
        settings, picture, start = replace(self.look.settings, size=max(self.size)), to_tensor(photo), None
        if before is not None:
            smooth = self.look.video.smooth
            change = before.frames.smoothed.astype(np.float32) - before.frames.photo
            kept = torch.from_numpy(smooth * before.reliable[:, :, np.newaxis] * change / 255)
            start = (picture + kept.movedim(2, 0)[None]).clamp(0, 1)
            settings = replace(settings, steps=max(1, round((1 - smooth) * settings.pace().steps)))
        dreamt = deepdream.dream(picture, settings, guide=self.guide, region=self.region, start=start)
        return from_tensor(dreamt, photo)
