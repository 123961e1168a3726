"""Gatys' way from a photo to a painted picture, judged after every step, and kept on disk: it takes hours."""

import hashlib
import json
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

import impasto
from contest.judging import Judge, Losses, exactly
from gatys import textbook
from impasto._typing import Picture
from impasto.image.regions import Style
from impasto.methods.gatys import GatysSettings, paint
from impasto.nn.compute import choose_dtype, reused_memory
from impasto.nn.perceptual import PerceptualSettings
from impasto.result import Step
from impasto.writing import replace_file

Walk = Literal["plain", "impasto", "adam"]
WALKS: dict[Walk, str] = {
    "plain": "the textbook loop of benchmarks/gatys.py: torch.optim.LBFGS, fp32; after k steps, its pixels clamped",
    "impasto": "methods.gatys, its own L-BFGS, default precision; after k steps, the best of its pictures so far",
    "adam": "methods.gatys with Adam at its default rate; after k steps, the best of its pictures so far",
}


class Trace(NamedTuple):
    """Losses after 0, 1, 2 … steps, and on what the walk was made."""

    content: list[float]
    style: list[float]
    device: str
    dtype: str

    def after(self, steps: int) -> Losses:
        """Return the losses after some steps."""
        return Losses(self.content[steps], self.style[steps])

    def steps_to(self, style: float, limit: int) -> int | None:
        """Return the first step up to a limit after which the style loss is as low, if there is one."""
        return next((step for step, reached in enumerate(self.style[: limit + 1]) if reached <= style), None)


def walk_settings(objective: PerceptualSettings, size: int) -> GatysSettings:
    """Return Gatys' settings with the objective a network was trained on: one size, from the content."""
    return GatysSettings(
        size=size,
        coarse_size=size,
        init="content",
        content_weight=objective.content_weight,
        style_weight=objective.style_weight,
        tv_weight=objective.tv_weight,
        content_layers=objective.content_layers,
        style_layers=objective.style_layers,
        layer_weighting="equal",
        style_loss="gram",
        network=objective.network,
    )


class Start(NamedTuple):
    """Where a walk starts and where it is to go.

    Attributes:
        content: The photo, already of the size painted.
        painting: What to paint after.
        judge: For both.
        files: The sha256 of the photo's and the painting's file, by which the walk is found again.
    """

    content: Picture
    painting: Picture
    judge: Judge
    files: tuple[str, str]


def trace_of(walk: Walk, start: Start, settings: GatysSettings, steps: int, folder: Path) -> Trace:
    """Return a walk of at least some steps: the one that is kept, or one made now.

    Args:
        walk: Which of `WALKS`.
        start: Where it starts.
        settings: From `walk_settings`.
        steps: How far to go.
        folder: Where walks are kept.
    """
    described = {
        "walk": walk,
        "files": start.files,
        "settings": asdict(settings),
        "impasto": impasto.__version__,
    }
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    path = folder / f"{key[:32]}.json"
    if path.exists():
        kept = Trace(**json.loads(path.read_text(encoding="utf-8"))["trace"])
        if len(kept.style) > steps:
            return kept
    losses = [start.judge(start.content), *_walked(walk, start, settings, steps)]
    device = start.content.device
    dtype = torch.float32 if walk == "plain" else choose_dtype(settings.precision, device)
    trace = Trace(
        content=[each.content for each in losses],
        style=[each.style for each in losses],
        device=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
        dtype=str(dtype).removeprefix("torch."),
    )
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps({"described": described, "trace": trace._asdict()}).encode())
    return trace


def _walked(walk: Walk, start: Start, settings: GatysSettings, steps: int) -> list[Losses]:
    """Return the losses after 1, 2 … steps."""
    if walk == "plain":
        with exactly():
            return [*map(start.judge, islice(textbook(start.content, start.painting, settings), steps))]
    losses: list[Losses] = []
    best: list[Tensor] = []

    def follow(step: Step) -> None:
        # the first evaluation is of the start, before any step
        if step.index > 1:
            unchanged = losses and step.image is best[0]
            losses.append(losses[-1] if unchanged else start.judge(step.image))
        best[:] = [step.image]

    settings = replace(settings, steps=steps + 1, optimizer="adam" if walk == "adam" else "lbfgs")
    with reused_memory():
        paint(start.content, [Style(start.painting)], settings, on_step=follow)
    return losses
