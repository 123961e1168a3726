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
from impasto.cli.words import DEFAULT_METHOD, method_in
from impasto.errors import SettingError
from impasto.image import read_image
from impasto.methods import METHODS
from impasto.methods.gatys import GatysSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.result import OnStep
from impasto.verbs.sheet import ONE_PASS_STRENGTHS, SIZE, STRENGTHS, Cell, Sheet, sheet, step_costs
from impasto.verbs.stylize import settings_kind

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
    sizes: Annotated[tuple[int, ...], Several] = ()
    """Longest sides in pixels; each has a row; by default --size, or else 256."""
    method: str = DEFAULT_METHOD
    """How; see impasto methods. Each has settings of its own."""
    grey: bool = True
    """Whether a grey photo stays grey."""
    json: Json = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class GatysSheetOptions(SheetOptions):
    """Everything for a method that optimises."""

    strengths: tuple[float, ...] = STRENGTHS
    """What --style-weight is multiplied by; each has a column."""
    seeds: Annotated[tuple[int, ...], Several] = ()
    """Seeds; each has a row; by default --seed. They tell only with --init noise."""
    settings: Annotated[GatysSettings, Settings] = field(default_factory=GatysSettings)


@dataclass(frozen=True)
class OnePassSheetOptions(SheetOptions):
    """Everything for a method whose trained network paints in one pass."""

    strengths: tuple[float, ...] = ONE_PASS_STRENGTHS
    """How strongly to paint, from 0 to 1; each has a column."""
    settings: Annotated[OnePassSettings, Settings] = field(default_factory=OnePassSettings)


Options = GatysSheetOptions | OnePassSheetOptions


def main(words: list[str]) -> int:
    """Run the command; see `impasto.cli.sheet`."""
    one_pass = settings_kind(method_in(words)) is OnePassSettings
    kind: type[Options] = OnePassSheetOptions if one_pass else GatysSheetOptions
    options = parse(kind, words, command=COMMAND, description=DESCRIPTION)
    given(options.content, "picture to paint; write it before --style", COMMAND)
    given(options.style, "--style to paint after", COMMAND)
    if options.sizes and options.settings.size:
        raise SettingError("--size and --sizes say the same; give one of them")
    target = options.output or f"{Path(options.content).stem}-sheet.png"
    named = METHODS[options.method].named_styles
    check_target(target, [options.content, *(() if named else options.style)], as_json=options.json)
    photo = read_image(options.content)
    styles = [style if named else read_image(style) for style in options.style]
    seeds: tuple[int, ...] = ()
    if isinstance(options, GatysSheetOptions):
        seeds = options.seeds
        fetch_network(options.settings)

    def paint(on_step: OnStep, on_cell: Callable[[Sheet], None]) -> Sheet:
        return sheet(
            photo,
            styles,
            strengths=options.strengths,
            sizes=options.sizes,
            seeds=seeds,
            settings=options.settings,
            method=options.method,
            grey=options.grey,
            on_step=on_step,
            on_cell=on_cell,
        )

    sizes = options.sizes or (options.settings.size or SIZE,)
    alike = len(options.strengths) * (len(seeds) or 1)
    costs = [step_costs(photo, replace(options.settings, size=size)) * alike for size in sizes] * len(styles)
    done = paint_grid(
        paint,
        target,
        label=photo.name,
        cells=len(styles) * len(sizes) * alike,
        costs=[cost for row in costs for cost in row],
    )
    if options.json:
        cells = [_as_dict(cell, done.result, options) for cell in done.result.cells]
        print_json(answer_of(target, done.result) | {"cells": cells})
    if done.stop:
        raise done.stop
    return 0


def _as_dict(cell: Cell, result: Sheet, options: Options) -> dict[str, Any]:
    painted = result.cells[cell]
    return cell._asdict() | {
        "style": options.style[cell.style],
        "losses": finite(painted.trace[-1]),
        "steps": len(painted.trace),
        "seconds": round(painted.seconds, 3),
    }
