"""A picture painted by `gatys`, kept in a file, and what is measured of it: for contests over many pictures."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from contest.neutral import judge
from contest.palette import color_measures
from impasto.image.io import read_image, read_recipe, write_image
from impasto.image.regions import Style, visible_colors
from impasto.image.resize import fit, resize
from impasto.image.tensors import from_tensor
from impasto.methods.gatys import GatysSettings, paint
from impasto.nn.compute import reused_memory


class Times(NamedTuple):
    """Seconds of painting: on the clock, and of processor time, which other work on the machine changes little."""

    seconds: float
    cpu_seconds: float


def paint_to(target: Path, photo: Path, painting: Path, settings: GatysSettings) -> Times:
    """Paint a pair at `settings.size` and write the picture, its settings and its times to a PNG file."""
    content, style = (read_image(path) for path in (photo, painting))
    picture = visible_colors(content)
    if settings.size is not None:
        picture = resize(picture, *fit(content.height, content.width, settings.size))
    began, cpu_began = time.perf_counter(), time.process_time()
    with reused_memory():
        painted = paint(picture, [Style(visible_colors(style))], settings)
    times = Times(round(time.perf_counter() - began, 1), round(time.process_time() - cpu_began, 1))
    recipe = {"settings": asdict(settings), "times": times._asdict()}
    write_image(replace(from_tensor(painted, content), recipe=recipe), target)
    return times


def kept(target: Path, settings: GatysSettings) -> Times | None:
    """Return the times of a picture that `paint_to` has written with these settings, if there is one."""
    recipe: dict[str, Any] = (read_recipe(target) or {}) if target.exists() else {}
    if recipe.get("settings") != json.loads(json.dumps(asdict(settings))):
        return None
    return Times(**recipe["times"])


def measured(target: Path, photo: Path, painting: Path) -> dict[str, float]:
    """Return the style and content loss of a picture, and how clean its colours are."""
    picture, content, style = (visible_colors(read_image(path)) for path in (target, photo, painting))
    content = resize(content, *picture.shape[-2:])
    return {**judge(picture, content, style), **color_measures(picture, style)}
