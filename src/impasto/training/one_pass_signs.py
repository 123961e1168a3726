"""Signs of what goes wrong in trainings of one-pass styles, measured of what the network paints.

Two of them are measured on probes, generated pictures without detail: all detail painted there is the network's.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from impasto._typing import Picture
from impasto.losses.checkerboard import checkerboard
from impasto.nn.transform import STRIDE

PROBE = 128
"""Pixels each way of a probe."""
SKY, DARK = ((0.45, 0.55, 0.7), (0.75, 0.82, 0.9)), ((0.0, 0.0, 0.0), (0.12, 0.1, 0.1))
"""Colours at the top and at the bottom of the two probes."""
SATURATED = 0.01
"""How near to 0 or 1 a channel counts as saturated."""
SLOWEST = 6
"""Fewest periods across a probe of what counts as a stripe; fewer are gradients."""


def one_pass_signs(paint: Callable[[Picture], Picture], photos: Sequence[Picture]) -> dict[str, float]:
    """Return signs by name.

    - `variation`: standard deviation of painted pixels over that of the photos' pixels; 0 for constant output;
    - `saturated`: share of the pixels painted on a dark probe whose channels are all at 0 or 1;
    - `stripes`: share of the variance painted on a sky that has one frequency and direction; the mean over styles;
    - `checkerboard`: its power over that in the photos, at least 1e-4.

    Args:
        paint: Paints one picture in each of some styles, `(styles, 3, height, width)`.
        photos: Held-out photos, `(1, 3, height, width)` each.
    """
    painted = [paint(photo) for photo in photos]
    sky, dark = (_ramp(*colors).to(photos[0]) for colors in (SKY, DARK))
    painted_dark = paint(dark)
    at_an_end = (painted_dark <= SATURATED) | (painted_dark >= 1 - SATURATED)
    natural = sum(float(checkerboard(photo, STRIDE).mean()) for photo in photos) / len(photos)
    patterned = sum(float(checkerboard(each, STRIDE).mean()) for each in painted) / len(painted)
    pairs = list(zip(painted, photos, strict=True))
    return {
        "variation": sum(float(_deviation(each) / _deviation(photo)) for each, photo in pairs) / len(pairs),
        "saturated": float(at_an_end.all(dim=1).float().mean()),
        "stripes": float(stripes(paint(sky)).mean()),
        "checkerboard": patterned / max(natural, 1e-4),
    }


def stripes(pictures: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Return the share of each picture's variance that lies at its strongest frequency.

    Convention: of the luminance under a Hann window, without gradients (fewer than `SLOWEST` periods); a plane wave
    comes to about 1, noise and brushwork to a few hundredths.
    """
    height, width = pictures.shape[-2:]
    light = pictures.float().mean(dim=1)
    light = light - light.mean(dim=(1, 2), keepdim=True)
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.fft2(light * window.to(light)).abs().square()
    rows, columns = (torch.fft.fftfreq(length, 1 / length) for length in (height, width))
    fast = (rows[:, None].square() + columns.square()).sqrt().to(power) >= SLOWEST
    power = torch.where(fast, power, 0)
    # a wave spreads over the frequencies next to its own, because of the window
    padded = torch.nn.functional.pad(power[:, None], (1, 1, 1, 1), mode="circular")
    peaks = 9 * torch.nn.functional.avg_pool2d(padded, 3, stride=1)
    found: Tensor = 2 * peaks.amax(dim=(1, 2, 3)) / power.sum(dim=(1, 2)).clamp_min(1e-9)
    return found.clamp_max(1)


def _ramp(top: Sequence[float], bottom: Sequence[float]) -> Picture:
    places = torch.linspace(0, 1, PROBE).view(1, 1, -1, 1)
    first, last = (torch.tensor(color).view(1, 3, 1, 1) for color in (top, bottom))
    return torch.lerp(first, last, places).expand(1, 3, PROBE, PROBE)


def _deviation(picture: Picture) -> Tensor:
    return picture.float().std().clamp_min(1e-3)
