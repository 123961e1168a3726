"""What `impasto sheet` does once torch is needed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from impasto.cli.console import finite, print_json
from impasto.cli.grids import answer_of, paint_grid
from impasto.cli.options import Content, Json, Output, Settings, Styles, given, parse
from impasto.cli.output import check_target
from impasto.cli.painting import fetch_network
from impasto.errors import SettingError
from impasto.image import read_image
from impasto.methods.gatys import GatysSettings
from impasto.result import OnStep
from impasto.verbs.sheet import SIZE, STRENGTHS, Cell, Sheet, sheet, step_costs

COMMAND = "impasto sheet"
DESCRIPTION = (
    "Paint one picture with every combination of styles, strengths, sizes and seeds, and lay them out as a "
    "labelled grid, CONTENT-sheet.png unless -o says where. Ctrl-C keeps the pictures that are done."
)

Several = tyro.conf.arg(help_behavior_hint="")


@dataclass(frozen=True)
class SheetOptions:
    """Everything `impasto sheet` can be told."""

    content: Content = ""
    """The picture to paint."""
    style: Styles = ()
    """Paintings to paint after; each has a row."""
    output: Output = None
    """The grid, .png .jpg .webp or .tif; what was there is replaced."""
    strengths: tuple[float, ...] = STRENGTHS
    """What --style-weight is multiplied by; each has a column."""
    sizes: Annotated[tuple[int, ...], Several] = ()
    """Longest sides in pixels; each has a row; by default --size, or else 256."""
    seeds: Annotated[tuple[int, ...], Several] = ()
    """Seeds; each has a row; by default --seed. They tell only with --init noise."""
    method: str = "gatys"
    """How; see impasto methods."""
    grey: bool = True
    """Whether a grey photo stays grey."""
    json: Json = False
    """Print one JSON object on standard output."""
    settings: Annotated[GatysSettings, Settings] = field(default_factory=GatysSettings)


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.sheet`."""
    options = parse(SheetOptions, words, command=COMMAND, description=DESCRIPTION)
    given(options.content, "picture to paint; write it before --style", COMMAND)
    given(options.style, "--style to paint after", COMMAND)
    if options.sizes and options.settings.size:
        raise SettingError("--size and --sizes say the same; give one of them")
    target = options.output or f"{Path(options.content).stem}-sheet.png"
    check_target(target, [options.content, *options.style], as_json=options.json)
    photo, paintings = read_image(options.content), [read_image(path) for path in options.style]
    fetch_network(options.settings)

    def paint(on_step: OnStep, on_cell: Callable[[Sheet], None]) -> Sheet:
        return sheet(
            photo,
            paintings,
            strengths=options.strengths,
            sizes=options.sizes,
            seeds=options.seeds,
            settings=options.settings,
            method=options.method,
            grey=options.grey,
            on_step=on_step,
            on_cell=on_cell,
        )

    sizes = options.sizes or (options.settings.size or SIZE,)
    alike = len(options.strengths) * (len(options.seeds) or 1)
    costs = [step_costs(photo, replace(options.settings, size=size)) * alike for size in sizes] * len(paintings)
    done = paint_grid(
        paint,
        target,
        label=photo.name,
        cells=len(paintings) * len(sizes) * alike,
        costs=[cost for row in costs for cost in row],
    )
    if options.json:
        cells = [_as_dict(cell, done.result, options) for cell in done.result.cells]
        print_json(answer_of(target, done.result) | {"cells": cells})
    if done.stop:
        raise done.stop
    return 0


def _as_dict(cell: Cell, result: Sheet, options: SheetOptions) -> dict[str, Any]:
    painted = result.cells[cell]
    return cell._asdict() | {
        "style": options.style[cell.style],
        "losses": finite(painted.trace[-1]),
        "steps": len(painted.trace),
        "seconds": round(painted.seconds, 3),
    }
