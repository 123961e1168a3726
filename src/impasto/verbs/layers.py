"""`layers`: what each layer of the network sees, painted from noise. The two classic experiments of Gatys et al.

`content` keeps one layer's features: shallow layers give the pixels back, deep ones only the arrangement (2016,
figure 1, content reconstructions). `style` keeps one layer's Gram matrix and nothing else, one layer at a time:
the brush strokes of that depth, colour specks first and larger forms later.

**Deviations** from a plain run of the method, each because the pictures say more:

- average pooling by default: max pooling sends its gradient to one pixel in four, and what is painted is speckled;
- content in fp32 unless asked otherwise: bf16 rounds away some of what shallow layers still know;
- the noise is faint, with coarse grain as well as fine: from full noise, pixels stay where they were saturated,
  and from faint fine noise alone, L-BFGS finds no way down to a Gram matrix;
- deep content layers say nothing about fine detail, which would stay noise: there a smoothness term that grows
  with depth decides about it, as in Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting
  Them", CVPR 2015. Brush strokes have none.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from impasto.errors import check_choice
from impasto.image.grid import grid
from impasto.image.io import Image, ImageSource, read_image
from impasto.image.regions import Style, visible_colors
from impasto.image.resize import fit
from impasto.methods.gatys import GatysSettings, paint
from impasto.nn.vgg import Network, block_of, layer_names
from impasto.result import OnStep, Result, Step
from impasto.verbs.stylize import finished, recipe_of

Kind = Literal["content", "style"]

LAYERS: Mapping[Kind, tuple[str, ...]] = {
    "content": ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"),
    "style": (
        "relu2_2",
        "relu3_1",
        "relu3_2",
        "relu3_3",
        "relu4_1",
        "relu4_3",
        "relu4_4",
        "relu5_1",
        "relu5_4",
    ),
}
STEPS: Mapping[Kind, int] = {"content": 200, "style": 150}
SIZE = 256
SMOOTHNESS = {1: 0.0, 2: 0.3, 3: 2.0, 4: 5.0, 5: 10.0}
"""Weight of the smoothness term by the block of a content layer."""
NOISE: Mapping[Kind, float] = {"content": 0.03, "style": 0.1}
"""Standard deviation of the noise, of the range of pixels."""
OCTAVES = 4
"""Grains of the noise: 1, 2, 4 and 8 pixels."""
COLUMNS = {"content": 3, "style": 4}


def layers(
    kind: Kind,
    image: ImageSource,
    *,
    layers: Sequence[str] = (),
    settings: GatysSettings | None = None,
    size: int = SIZE,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_cell: Callable[[Result], None] | None = None,
) -> Result:
    """Paint from noise what each layer keeps of a picture, and lay it out as a grid.

    Args:
        kind: `content` keeps features, `style` keeps Gram matrices.
        image: A path, bytes, PIL image, numpy array or tensor.
        layers: Which layers; the classic ones that the network has if not given.
        settings: Gives network, pooling, seed, scaling, optimiser and device; what the experiment is about
            (weights, layers, sizes, start) is set here. Average pooling if not given.
        size: Longest side of each picture in pixels; it is painted at this size from the start.
        steps: Steps for each layer; 200 for content and 150 for style if not given.
        on_step: Called after every step of every layer; raising in it cancels.
        on_cell: Called with the grid so far after every layer but the last.

    Returns:
        The grid, the original first; `trace` has the losses of all steps, one layer after the other.

    Raises:
        InputError: If the picture cannot be read.
        SettingError: If a setting or layer is not allowed.

    Example:
        >>> impasto.layers("style", "wave.jpg").image.save("strokes.png")
    """
    check_choice("kind", kind, Kind)
    settings = settings or GatysSettings(pooling="average")
    chosen = tuple(layers) or classic_layers(kind, settings.network)
    run = _Run(kind, read_image(image), chosen, settings, size, STEPS[kind] if steps is None else steps)
    for layer in chosen:
        run.paint(layer, on_step)
        if on_cell is not None and len(run.painted) < len(chosen):
            on_cell(run.result())
    return run.result()


def classic_layers(kind: Kind, network: Network) -> tuple[str, ...]:
    """Return the layers of the classic experiment that a network has."""
    return tuple(layer for layer in LAYERS[kind] if layer in layer_names(network))


@dataclass
class _Run:
    """What a grid of layers is made of, and what of it is painted."""

    kind: Kind
    original: Image
    layers: Sequence[str]
    settings: GatysSettings
    size: int
    steps: int
    painted: list[Image] = field(default_factory=list)
    trace: list[Mapping[str, float]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.kind == "content" and self.settings.precision == "auto":
            self.settings = replace(self.settings, precision="fp32")
        for layer in self.layers:
            self.settings_of(layer)
        self.colors = visible_colors(self.original)

    def settings_of(self, layer: str) -> GatysSettings:
        """Return settings under which one layer alone decides, at one size."""
        is_content = self.kind == "content"
        only: dict[str, Any] = {f"{self.kind}_layers": (layer,)}
        check_choice("layer", layer, layer_names(self.settings.network))
        return replace(
            self.settings,
            **only,
            style_loss="gram",
            style_layer_weights=(),
            style_blend=(),
            content_weight=float(is_content),
            style_weight=float(not is_content),
            tv_weight=SMOOTHNESS[block_of(layer)] if is_content else 0.0,
            style_scale=1.0,
            colors="style",
            size=self.size,
            coarse_size=self.size,
            steps=self.steps,
        )

    def paint(self, layer: str, on_step: OnStep | None) -> None:
        settings = self.settings_of(layer)

        def follow(step: Step) -> None:
            self.trace.append(step.losses)
            if on_step is not None:
                on_step(replace(step, index=len(self.trace), total=len(self.layers) * step.total))

        picture = paint(self.colors, [Style(self.colors)], settings, start=self.noise(), on_step=follow)
        self.painted.append(finished(picture, self.original, settings))

    def noise(self) -> Tensor:
        """Return colour noise around grey, as strong in every octave."""
        height, width = fit(self.original.height, self.original.width, self.size)
        generator = torch.Generator().manual_seed(self.settings.seed)
        total = torch.zeros(1, 3, height, width)
        for octave in range(OCTAVES):
            grains = torch.randn(1, 3, 1 + (height >> octave), 1 + (width >> octave), generator=generator)
            total += interpolate(grains, (height, width), mode="bicubic")
        return (0.5 + NOISE[self.kind] * total / total.std()).clamp(0, 1)

    def result(self) -> Result:
        recipe = recipe_of(
            "layers",
            self.settings,
            {"content": self.original},
            kind=self.kind,
            layers=list(self.layers),
            size=self.size,
            steps=self.steps,
        )
        left = len(self.layers) - len(self.painted)
        if left:
            recipe["interrupted"] = {"cell": len(self.painted), "of": len(self.layers)}
        original = finished(self.colors, self.original, self.settings_of(self.layers[0]))
        cells = [original, *self.painted, *[None] * left]
        laid_out = replace(grid(cells, ["original", *self.layers], COLUMNS[self.kind]), recipe=recipe)
        return Result(laid_out, recipe, list(self.trace), time.perf_counter() - self.began)
