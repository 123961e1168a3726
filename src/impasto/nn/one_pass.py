"""What all methods that paint in one pass share when they paint: settings, and how much of each style is where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from impasto._typing import Picture, Weight
from impasto.errors import SettingError, check_choice, check_count, check_range, check_whole
from impasto.image.color import Colors
from impasto.image.resize import resize
from impasto.nn.compute import Device, Precision
from impasto.nn.transform import STRIDE, Painting, TransformNetwork
from impasto.nn.transform_strips import paint_in_strips

SMALLEST, LARGEST = 8, 65536
WHOLE = 2**20
"""Places up to which a picture is painted whole on an accelerator; a CPU is faster in strips."""
_NOTHING = 1e-6

Runtime = Literal["auto", "torch", "onnx"]
Style = Float[Tensor, "1 3 _h _w"] | str
"""A painting of any size, or the name of a style."""


@dataclass(frozen=True)
class OnePassSettings:
    """What can be chosen when a trained network paints; every value is checked at once."""

    model: str | None = None
    """The network: a model file, or a name out of `impasto weights list`; by default the one that comes along."""
    size: int | None = None
    """Longest side in pixels of what is painted; by default the content's own."""
    strength: float = 1.0
    """How much is painted: 0 leaves the photo, 1 is the whole style."""
    style_strengths: tuple[float, ...] = ()
    """The strength of each style, as many as styles; `strength` for all if not given."""
    style_blend: tuple[float, ...] = ()
    """Weight of each style, as many as styles; equal if not given."""
    style_scale: float = 1.0
    """Size of the strokes against those the network was trained with; where it looks at paintings."""
    colors: Colors = "style"
    """Whose colours: the style's; or the photo's, kept by `luminance`, `histogram` or `linear` matching."""
    device: Device = "auto"
    """Where to compute."""
    precision: Precision = "auto"
    """In what to compute: bf16 is twice as fast where the hardware has it."""
    runtime: Runtime = "auto"
    """What computes: PyTorch, or ONNX Runtime (fp32, CPU); `auto` takes the faster one, which is PyTorch."""

    def __post_init__(self) -> None:
        check_choice("colors", self.colors, Colors)
        check_choice("device", self.device, Device)
        check_choice("precision", self.precision, Precision)
        check_choice("runtime", self.runtime, Runtime)
        if self.runtime == "onnx" and (self.device not in ("auto", "cpu") or self.precision == "bf16"):
            raise SettingError(
                f"runtime onnx computes in fp32 on the CPU, but device is {self.device!r} and precision "
                f"{self.precision!r}; leave both at auto, or choose runtime torch"
            )
        check_whole("size", SMALLEST if self.size is None else self.size, SMALLEST, LARGEST)
        check_range("strength", self.strength, 0, 1)
        check_range("style_scale", self.style_scale, 0.05, 20)
        for strength in self.style_strengths:
            check_range("style_strengths", strength, 0, 1)
        for weight in self.style_blend:
            check_range("style_blend", weight, 0, 1e9)

    def blend_shares(self, styles: int) -> list[float]:
        """Return the weight of each style; they sum to 1.

        Raises:
            SettingError: If there are not as many weights as styles, or all are 0.
        """
        if not styles:
            raise SettingError("there is no style; give at least one")
        check_count("style_blend", self.style_blend, styles, "styles")
        blend = self.style_blend or (1.0,) * styles
        if sum(blend) == 0:
            raise SettingError("style_blend is 0 for every style; one must be above")
        return [share / sum(blend) for share in blend]

    def strengths(self, styles: int) -> list[float]:
        """Return the strength of each style.

        Raises:
            SettingError: If there are not as many as styles.
        """
        check_count("style_strengths", self.style_strengths, styles, "styles")
        return list(self.style_strengths or (self.strength,) * styles)


@runtime_checkable
class Painter(Protocol):
    """A trained network that paints in one pass; a style is a row of numbers to it."""

    styles: Sequence[str]
    """The styles it knows by name; none if it looks at paintings."""

    def rows(self, styles: Sequence[Picture | str], scale: float) -> Float[Tensor, "k n"]:
        """Return the row of each style: a painting, or a name.

        Args:
            styles: What to paint after.
            scale: Of the strokes, where paintings are looked at.

        Raises:
            SettingError: If it has no style of that name.
        """

    def plain_row(self, content: Picture) -> Float[Tensor, "1 n"] | None:
        """Return the row that leaves a photo as it is, if there is one."""

    def paint(self, content: Picture, painting: Painting) -> Picture:
        """Paint a photo of any size; what comes back has the same."""


def paint(
    content: Picture,
    styles: Sequence[Style],
    painter: Painter,
    settings: OnePassSettings | None = None,
    regions: Sequence[Weight | None] = (),
) -> Picture:
    """Paint the content after the styles, as strongly as asked.

    Args:
        content: `(1, 3, height, width)`, RGB in [0, 1].
        styles: Paintings, or names of styles that the network knows.
        painter: The network.
        settings: Blend and strengths.
        regions: Where each style applies, `(1, 1, height, width)` of any size; everywhere if None or not given.

    Returns:
        The picture, of the same size, on the CPU.

    Raises:
        SettingError: If settings do not fit the styles, or the network has no such style.
    """
    settings = settings or OnePassSettings()
    height, width = content.shape[-2:]
    shares = shares_of(regions or [None] * len(styles), settings, height, width)
    rows, rest = painter.rows(styles, settings.style_scale), 1 - shares.sum(dim=1, keepdim=True)
    if not bool((rest > _NOTHING).any()):
        return painter.paint(content, Painting(rows, shares))
    plain = painter.plain_row(content)
    if plain is not None:
        return painter.paint(content, Painting(torch.cat([rows, plain]), torch.cat([shares, rest], dim=1)))
    whole = shares / (1 - rest).clamp_min(_NOTHING)
    return torch.lerp(painter.paint(content, Painting(rows, whole)), content, rest)


def shares_of(
    regions: Sequence[Weight | None], settings: OnePassSettings, height: int, width: int
) -> Float[Tensor, "1 k _h _w"]:
    """Return how much each style counts, place by place or the same everywhere; the rest is the photo's.

    Convention: a region's values are shares of its style; where regions overlap to more than 1 they are divided by
    their sum. A share times the style's strength is what is painted.

    Args:
        regions: Of each style; None is everywhere.
        settings: Blend and strengths.
        height: Of the picture.
        width: Likewise.

    Raises:
        SettingError: If settings do not fit the number of styles.
    """
    blend = torch.tensor(settings.blend_shares(len(regions)))[None, :, None, None]
    strengths = torch.tensor(settings.strengths(len(regions)))[None, :, None, None]
    if all(region is None for region in regions):
        return blend * strengths
    everywhere = torch.ones(1, 1, height, width)
    masks = [everywhere if region is None else resize(region, height, width) for region in regions]
    shares = torch.cat(masks, dim=1) * (blend / blend.max())
    return shares / shares.sum(dim=1, keepdim=True).clamp_min(1) * strengths


def paint_any_size(network: TransformNetwork, content: Picture, painting: Painting) -> Picture:
    """Paint a photo whatever its size, in strips if it is large.

    Args:
        network: The transformation network, on any device.
        content: `(1, 3, height, width)`, RGB in [0, 1], on the CPU.
        painting: After what; on the CPU.

    Returns:
        The picture, of the same size, on the CPU.
    """
    height, width = content.shape[-2:]
    rows, columns = (max(SMALLEST, -(-side // STRIDE) * STRIDE) for side in (height, width))
    device = network.enter.weight.device
    weights = painting.weights
    if weights.shape[-1] > 1:
        weights = pad(weights, (0, columns - width, 0, rows - height), mode="replicate")
    painting = Painting(painting.rows.to(device), weights.to(device))

    def read(top: int, bottom: int) -> Tensor:
        strip = content[:, :, min(top, height - 1) : min(bottom, height)]
        strip = pad(strip, (0, columns - width, 0, bottom - top - strip.shape[2]), mode="replicate")
        return strip.to(device)

    if device.type != "cpu" and rows * columns <= WHOLE:
        with torch.inference_mode():
            whole: Tensor = network(read(0, rows), painting)
            return whole[:, :, :height, :width].cpu()
    painted = torch.empty_like(content)
    for top, strip in paint_in_strips(network, read, rows, columns, painting):
        painted[:, :, top : top + strip.shape[2]] = strip[:, :, : height - top, :width]
    return painted
