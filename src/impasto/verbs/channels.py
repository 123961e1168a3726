"""`channels`: what each channel of a layer dreams of, side by side.

Each picture begins as the same faint noise and shows more and more of what one channel answers to (Olah,
Mordvintsev & Schubert, "Feature Visualization", Distill 2017, with the shifts and sizes of DeepDream). Shallow
layers show edges and colours, middle ones textures, deep ones parts of things.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import SettingError, check_whole
from impasto.image.grid import grid
from impasto.image.io import Image
from impasto.image.resize import resize
from impasto.image.tensors import from_tensor
from impasto.methods import deepdream
from impasto.methods.deepdream import DeepDreamSettings
from impasto.nn.backbones import layer_named, layers_of
from impasto.result import OnStep, Result, Step
from impasto.verbs.stylize import recipe_of

COUNT, COLUMNS = 24, 6
SIZE = 128
LIGHT, COLOR = 0.06, 0.045
"""Standard deviations of the noise, of the range of pixels: photos differ more in light than in colour."""
GRAIN = 4
"""Pixels of a grain of it: finer noise would stay where nothing answers to it."""
USUAL: Mapping[str, Any] = {"octaves": 3, "steps": 25, "step_size": 0.01, "momentum": 0.5}


def channels(
    layer: str,
    *,
    channels: Sequence[int] = (),
    settings: DeepDreamSettings | None = None,
    size: int = SIZE,
    on_step: OnStep | None = None,
    on_cell: Callable[[Result], None] | None = None,
) -> Result:
    """Paint what each channel of a layer dreams of, and lay it out as a grid.

    Args:
        layer: Such as `block8.expand`.
        channels: Which, from 0; the first 24 if not given.
        settings: Give network, steps, colours and seed; what the grid is about (layers, size) is set here.
        size: Side of each picture in pixels.
        on_step: Called after every step of every channel; raising in it cancels.
        on_cell: Called with the grid so far after every channel but the last.

    Returns:
        The grid, each picture with its channel's number; `trace` has the losses of all steps.

    Raises:
        SettingError: If the network has no such layer or channel.

    Example:
        >>> impasto.channels("block8.expand").image.save("channels.png")
    """
    settings = settings or DeepDreamSettings(**USUAL)
    network = settings.network or deepdream.backbone_with([layer])
    settings = replace(settings, layers=(), layer_weights=(), dream_of="", network=network)
    name, named = layer_named(layer, settings.backbone)
    if named:
        raise SettingError(f"the layer is {layer!r}; name it alone, and its channels by themselves")
    numbers = tuple(channels) or tuple(range(min(COUNT, layers_of(settings.backbone)[name].channels)))
    for number in numbers:
        check_whole(f"channel of {name}", number, 0, layers_of(settings.backbone)[name].channels - 1)
    check_whole("size", size, deepdream.SMALLEST, deepdream.LARGEST)
    run = _Run(name, numbers, settings, size)
    for number in numbers:
        run.paint(number, on_step)
        if on_cell is not None and len(run.painted) < len(numbers):
            on_cell(run.result())
    return run.result()


@dataclass
class _Run:
    """What a grid is made of, and what of it is painted."""

    layer: str
    channels: Sequence[int]
    settings: DeepDreamSettings
    size: int
    painted: list[Image] = field(default_factory=list)
    trace: list[Mapping[str, float]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def paint(self, channel: int, on_step: OnStep | None) -> None:
        settings = replace(self.settings, size=self.size, layers=(f"{self.layer}:{channel}",))

        def follow(step: Step) -> None:
            self.trace.append(step.losses)
            if on_step is not None:
                on_step(replace(step, index=len(self.trace), total=len(self.channels) * step.total))

        picture = deepdream.dream(self.noise(), settings, on_step=follow)
        self.painted.append(from_tensor(picture, Image(np.zeros((1, 1, 3), np.uint8))))

    def noise(self) -> Tensor:
        """Return faint noise around grey, whose colours are those that steps go along."""
        side = -(-self.size // GRAIN)
        generator = torch.Generator().manual_seed(self.settings.seed)
        light, color = (torch.randn(1, count, side, side, generator=generator) for count in (1, 3))
        return resize((0.5 + LIGHT * light + COLOR * color).clamp(0, 1), self.size, self.size)

    def result(self) -> Result:
        recipe = recipe_of(
            "channels", self.settings, {}, layer=self.layer, channels=list(self.channels), size=self.size
        )
        left = len(self.channels) - len(self.painted)
        if left:
            recipe["interrupted"] = {"cell": len(self.painted), "of": len(self.channels)}
        cells = [*self.painted, *[None] * left]
        labels = [str(channel) for channel in self.channels]
        laid_out = replace(grid(cells, labels, min(COLUMNS, len(cells))), recipe=recipe)
        return Result(laid_out, recipe, list(self.trace), time.perf_counter() - self.began)
