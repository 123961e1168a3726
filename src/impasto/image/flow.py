"""Painted frames kept steady: each is mixed with the one before, moved along with the picture.

A network that paints one frame does not know the one before, so strokes jump although nothing moved. The optical
flow between two photos says where each pixel was a frame ago. What was painted there is brought along and mixed
with what is painted now, but only where the flow can be trusted.

Convention: with photos I and flows f (from now back) and g (from before on), a pixel x is **reliable** as far as

    r(x) = [ |f + g'|² < 0.01 (|f|² + |g'|²) + 0.5 ] · exp(−(e / 12)²)
    g' = g(x + f),  e = mean |I₂(x) − I₁(x + f)|

where e is in levels of 8 bits, over the three channels and the 5×5 pixels around x, and r = 0 where x + f lies
outside the picture. With painted frames P, the **smoothed** frame is S₂ = P₂ + s · r · (W S₁ − P₂), W bringing a
frame along and s the setting `smooth`. A **cut** is where less than a tenth of the picture has r > ½; there
nothing is mixed. **Flicker** of frames F is the mean of |F₂ − W F₁| in levels of 8 bits, over channels, pixels with
r > ½, and all frames but the first of each shot.

Reference: the flow is DIS (Kroeger et al., ECCV 2016) out of OpenCV; the check by both flows is that of Sundaram,
Brox & Keutzer, ECCV 2010; mixing where the flow holds is after Ruder, Dosovitskiy & Brox, GCPR 2016.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""`(height, width, 3)`, RGB."""

Plane = NDArray[np.float32]
"""`(height, width)` or `(height, width, channels)`."""

TRUSTED = 0.5
CUT = 0.1
SMALLEST = 32
"""Shortest side that the flow is looked for in, or OpenCV crashes; smaller frames are enlarged by their border."""
_ERROR, _AROUND = 12.0, (5, 5)


class Motion(NamedTuple):
    """How one photo became the next.

    Attributes:
        source: Where each pixel was before, x and y.
        reliable: How far that can be trusted, in [0, 1].
    """

    source: Plane
    reliable: Plane

    @property
    def is_cut(self) -> bool:
        """Whether the photos are of two shots."""
        return float((self.reliable > TRUSTED).mean()) < CUT


class Last(NamedTuple):
    """What the next frame is mixed with and compared to: photo, painted and smoothed frame before it."""

    photo: Frame
    painted: Frame
    smoothed: Frame


class Carried(NamedTuple):
    """The frame before, brought along to where the picture is now.

    Attributes:
        frames: As photo, painted and smoothed.
        reliable: How far each pixel can be trusted, in [0, 1].
    """

    frames: Last
    reliable: Plane


@dataclass
class Tally:
    """Sums that flicker is told from: of differences, by what they are between, and of how many were added."""

    differences: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Last._fields, 0.0))
    values: int = 0
    cuts: int = 0

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        for name, difference in other.differences.items():
            self.differences[name] += difference
        self.values += other.values
        self.cuts += other.cuts

    def flicker(self) -> dict[str, float | None]:
        """Return the flicker of photos, painted and smoothed frames; None if nothing was compared."""
        return {
            name: difference / self.values if self.values else None for name, difference in self.differences.items()
        }


class Steadying:
    """Frames smoothed one after the other; see the module.

    Args:
        smooth: How much of each frame is the one before, in [0, 1].
        last: The frame before the first, if there is one.

    Attributes:
        last: The newest frame.
        tally: Of all frames so far.
    """

    def __init__(self, smooth: float, last: Last | None = None) -> None:
        self.smooth, self.last, self.tally = smooth, last, Tally()
        self._looked_at: Frame | None = None
        self._carried: Carried | None = None

    def carried(self, photo: Frame) -> Carried | None:
        """Return the newest frame brought along to a photo; None if a shot begins with it."""
        if self._looked_at is not photo:
            self._looked_at, self._carried = photo, self._brought_to(photo)
        return self._carried

    def add(self, photo: Frame, painted: Frame) -> Frame:
        """Return a painted frame smoothed.

        Args:
            photo: What it was painted from, of the same size.
            painted: As the network painted it.
        """
        smoothed, carried = painted, self.carried(photo)
        if carried is not None:
            before, reliable = carried
            smoothed = mix(painted, before.smoothed, self.smooth * reliable)
            self._compare(Last(photo, painted, smoothed), before, reliable > TRUSTED)
        self.last, self._looked_at = Last(photo, painted, smoothed), None
        return smoothed

    def _brought_to(self, photo: Frame) -> Carried | None:
        if self.last is None:
            return None
        motion = motion_between(self.last.photo, photo)
        if motion.is_cut:
            self.tally.cuts += 1
            return None
        return Carried(Last(*(warp(frame, motion) for frame in self.last)), motion.reliable)

    def _compare(self, now: Last, before: Last, where: NDArray[np.bool_]) -> None:
        for name, new, old in zip(Last._fields, now, before, strict=True):
            self.tally.differences[name] += float(cv2.absdiff(new, old)[where].sum(dtype=np.int64))
        self.tally.values += 3 * int(where.sum())


def motion_between(before: Frame, now: Frame) -> Motion:
    """Return how one photo became the next, of the same size."""
    back, on = flow(now, before), flow(before, now)
    height, width = now.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source = np.stack([columns, rows], axis=2) + back
    returned = _sampled(on, source, cv2.INTER_LINEAR)
    gap = np.square(back + returned).sum(axis=2)
    lengths = np.square(back).sum(axis=2) + np.square(returned).sum(axis=2)
    inside = ((source >= 0) & (source <= np.asarray([width - 1, height - 1], np.float32))).all(axis=2)
    moved = _sampled(before, source, cv2.INTER_LINEAR)
    error = cv2.blur(cv2.absdiff(now, moved).mean(axis=2, dtype=np.float32), _AROUND)
    trusted = (gap < 0.01 * lengths + 0.5) & inside
    return Motion(source, np.where(trusted, np.exp(-np.square(error / _ERROR)), 0).astype(np.float32))


def flow(start: Frame, end: Frame) -> Plane:
    """Return where each pixel of one photo is in the other: x and y, in pixels, from where it is."""
    height, width = start.shape[:2]
    borders = (0, max(0, SMALLEST - height), 0, max(0, SMALLEST - width))
    lights = [
        cv2.copyMakeBorder(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), *borders, cv2.BORDER_REPLICATE)
        for photo in (start, end)
    ]
    searching = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    found = searching.calc(lights[0], lights[1], None)  # type: ignore[call-overload]
    return np.asarray(found, np.float32)[:height, :width]


def warp(frame: Frame, motion: Motion) -> Frame:
    """Bring a frame along to where the picture is now."""
    # bicubic, because a frame is brought along many times and would blur
    return np.asarray(_sampled(frame, motion.source, cv2.INTER_CUBIC), np.uint8)


def mix(painted: Frame, before: Frame, share: Plane) -> Frame:
    """Mix two frames, `share` of each pixel being the one before's."""
    start, end = painted.astype(np.float32), before.astype(np.float32)
    return np.rint(start + share[:, :, np.newaxis] * (end - start)).astype(np.uint8)


def _sampled(values: Any, source: Plane, how: int) -> Any:
    return cv2.remap(values, source[:, :, 0], source[:, :, 1], how, borderMode=cv2.BORDER_REPLICATE)
