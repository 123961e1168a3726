"""`sheet`: one photo painted with many settings, side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from impasto.errors import SettingError, check_range
from impasto.image.grid import grid
from impasto.image.io import Image, ImageSource, read_image
from impasto.methods import gatys
from impasto.methods.gatys import GatysSettings
from impasto.nn.one_pass import OnePassSettings
from impasto.result import OnStep, Result, Step
from impasto.verbs.one_pass import Model, load_model
from impasto.verbs.stylize import (
    StylizeSettings,
    changed,
    choices_of,
    inputs_of,
    painted_size,
    recipe_of,
    settings_kind,
    several,
    styles_of,
    stylize,
)

STRENGTHS, ONE_PASS_STRENGTHS = (0.5, 1.0, 2.0), (0.4, 0.7, 1.0)
"""The columns of a method that optimises, and of one that paints in one pass, unless asked otherwise."""
SIZE = 256
"""Longest side of a cell in pixels, unless asked otherwise."""


class Cell(NamedTuple):
    """One picture of a sheet: what it was painted after, and how.

    Attributes:
        style: Which painting, counted from 0.
        strength: What `style_weight` was multiplied by; in one pass, the strength itself.
        size: Longest side in pixels.
        seed: The seed; 0 in one pass, which draws nothing.
    """

    style: int
    strength: float
    size: int
    seed: int


@dataclass(frozen=True)
class Sheet(Result):
    """A sheet and its cells.

    Attributes:
        cells: Every picture painted so far, in the order of painting.
    """

    cells: Mapping[Cell, Result] = field(default_factory=dict)


def sheet(
    content: ImageSource,
    style: ImageSource | Sequence[ImageSource],
    *,
    strengths: Sequence[float] | None = None,
    sizes: Sequence[int] = (),
    seeds: Sequence[int] = (),
    settings: StylizeSettings | None = None,
    method: str = "gatys",
    grey: bool = True,
    on_step: OnStep | None = None,
    on_cell: Callable[[Sheet], None] | None = None,
) -> Sheet:
    """Paint a photo with every combination of styles, strengths, sizes and seeds, and lay them out as a grid.

    Args:
        content: A path, bytes, PIL image, numpy array or tensor.
        style: A painting, or several; or names, for a network that has learnt styles by name. Each has a row.
        strengths: What `style_weight` is multiplied by, or how strongly a network paints, from 0 to 1; each has a
            column.
        sizes: Longest sides in pixels, each a row; `settings.size`, or else 256, if not given.
        seeds: Each a row; `settings.seed` if not given. Only `init="noise"` shows a difference.
        settings: Everything else: `GatysSettings`, or `OnePassSettings` for every other method.
        method: How; see `impasto methods`.
        grey: Whether a grey photo stays grey.
        on_step: Called after every step of every cell; raising in it cancels.
        on_cell: Called with the sheet so far after every cell but the last.

    Returns:
        The grid, from photo to painting, and every cell's own result.

    Raises:
        InputError: If a picture cannot be read.
        SettingError: If a setting is not allowed.

    Example:
        >>> impasto.sheet("photo.jpg", ["wave.jpg", "night.jpg"], strengths=[0.3, 1, 3]).image.save("sheet.png")
    """
    settings = changed(settings or settings_kind(method)(), method, {})
    photo, model, first_seed = read_image(content), None, 0
    if isinstance(settings, GatysSettings):
        styles: list[Image | str] = [read_image(each) for each in several(style)]
        first_seed = settings.seed
    else:
        if seeds:
            raise SettingError(f"seeds are {list(seeds)}, but {method} draws nothing; leave them out")
        model = load_model(method, settings)
        styles = styles_of(several(style), model)
    if strengths is None:
        strengths = STRENGTHS if model is None else ONE_PASS_STRENGTHS
    run = _Run(
        photo,
        styles,
        [float(strength) for strength in strengths],
        list(sizes) or [settings.size or SIZE],
        list(seeds) or [first_seed],
        settings,
        method,
        model,
        grey,
    )
    cells, before = run.cells(), 0
    steps = [len(step_costs(photo, run.settings_of(cell))) for cell in cells]
    for cell, count in zip(cells, steps, strict=True):

        def follow(step: Step, before: int = before) -> None:
            if on_step is not None:
                on_step(replace(step, index=before + step.index, total=sum(steps)))

        run.paint(cell, follow)
        before += count
        if on_cell is not None and len(run.painted) < len(cells):
            on_cell(run.result())
    return run.result()


def step_costs(photo: Image, settings: StylizeSettings) -> list[float]:
    """Return what each step of painting a photo costs beside the others: as its pixels."""
    if isinstance(settings, OnePassSettings):
        height, width = painted_size(photo, settings)
        return [float(height * width)]
    levels = gatys.schedule(photo.height, photo.width, settings)
    return [float(level.height * level.width) for level in levels for _ in range(level.steps)]


@dataclass
class _Run:
    """What a sheet is made of, and what of it is painted."""

    photo: Image
    styles: Sequence[Image | str]
    strengths: Sequence[float]
    sizes: Sequence[int]
    seeds: Sequence[int]
    settings: StylizeSettings
    method: str
    model: Model | None
    grey: bool
    painted: dict[Cell, Result] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if not self.styles or not self.strengths:
            raise SettingError("a sheet needs at least one style and one strength")
        for strength in self.strengths:
            check_range("strength", strength, 0, 1e6)

    def rows(self) -> list[tuple[int, int, int]]:
        """Return style, size and seed of each row."""
        return list(product(range(len(self.styles)), self.sizes, self.seeds))

    def cells(self) -> list[Cell]:
        """Return every cell, row by row, each once."""
        every = [
            Cell(style, strength, size, seed) for style, size, seed in self.rows() for strength in self.strengths
        ]
        for cell in every:
            self.settings_of(cell)
        return list(dict.fromkeys(every))

    def settings_of(self, cell: Cell) -> StylizeSettings:
        if isinstance(self.settings, OnePassSettings):
            return replace(self.settings, strength=cell.strength, size=cell.size)
        weight = self.settings.style_weight * cell.strength
        return replace(self.settings, style_weight=weight, size=cell.size, seed=cell.seed)

    def paint(self, cell: Cell, on_step: OnStep) -> None:
        self.painted[cell] = stylize(
            self.photo,
            [self.styles[cell.style]],
            method=self.method,
            settings=self.settings_of(cell),
            grey=self.grey,
            on_step=on_step,
        )

    def result(self) -> Sheet:
        recipe = recipe_of(
            "sheet",
            self.settings,
            inputs_of(self.photo, self.styles),
            self.model,
            **choices_of(self.method, self.grey, self.styles),
            strengths=list(self.strengths),
            sizes=list(self.sizes),
            seeds=[] if self.model else list(self.seeds),
        )
        total = len(self.cells())
        if len(self.painted) < total:
            recipe["interrupted"] = {"cell": len(self.painted), "of": total}
        trace = [losses for result in self.painted.values() for losses in result.trace]
        seconds = time.perf_counter() - self.began
        return Sheet(replace(self._laid_out(), recipe=recipe), recipe, trace, seconds, dict(self.painted))

    def _laid_out(self) -> Image:
        """Lay out the cells from the photo at the left to the painting at the right."""
        pictures: list[Image | None] = []
        for style, size, seed in self.rows():
            row = [self.painted.get(Cell(style, strength, size, seed)) for strength in self.strengths]
            painted = [None if result is None else result.image for result in row]
            shown = self.styles[style]
            pictures += [
                self.photo,
                *painted,
                *([] if self._named() else [shown if isinstance(shown, Image) else None]),
            ]
        painted_columns = [self._column_label(strength) for strength in self.strengths]
        columns = ["photo", *painted_columns, *([] if self._named() else ["painting"])]
        labels = [self._row_label(*row) for row in self.rows()]
        return grid(
            pictures, columns=len(columns), column_labels=columns, row_labels=labels, longest=max(self.sizes)
        )

    def _named(self) -> bool:
        """Return whether all styles are names, so that there is no painting to show."""
        return all(isinstance(style, str) for style in self.styles)

    def _column_label(self, strength: float) -> str:
        return f"strength {strength:g}" if self.model else f"style x {strength:g}"

    def _row_label(self, style: int, size: int, seed: int) -> str:
        shown = self.styles[style]
        parts = [shown if isinstance(shown, str) else Path(shown.name).stem]
        parts += [f"{size} px"] if len(self.sizes) > 1 else []
        parts += [f"seed {seed}"] if len(self.seeds) > 1 else []
        return " · ".join(parts)
