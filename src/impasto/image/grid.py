"""A labelled grid of pictures, to compare them at a glance."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from impasto.image.io import Image
from impasto.image.paper import PAPER, on_paper

INK = (38, 38, 38)
LONGEST = 1024
"""Longest side of a cell in pixels, unless asked otherwise: what is larger is for a file of its own."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def grid(
    cells: Sequence[Image | None],
    labels: Sequence[str] = (),
    columns: int = 3,
    *,
    column_labels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    longest: int = LONGEST,
) -> Image:
    """Lay pictures out in rows, each in a box of the same size.

    Args:
        cells: Row by row; None leaves a box empty. A picture keeps its proportions and is centred in its box,
            which is as large as the largest picture, but no longer than `longest`.
        labels: What stands under each cell; none at all, or one a cell.
        columns: Cells in a row.
        column_labels: What stands above each column.
        row_labels: What stands left of each row, read from the bottom up.
        longest: Most pixels a box has along its longer side.

    Returns:
        8-bit sRGB on white.
    """
    assert any(cells), "a grid needs a picture"
    assert len(labels) in (0, len(cells)), f"{len(labels)} labels for {len(cells)} cells"
    pictures = [None if cell is None else on_paper(cell) for cell in cells]
    width, height = _box(pictures, longest)
    font = _font(max(width, height))
    line = round(1.5 * _height(font))
    gap = max(6, max(width, height) // 32)
    left, top = gap + (line if row_labels else 0), gap + (line if column_labels else 0)
    across, down = width + gap, height + gap + (line if labels else 0)
    rows = -(-len(cells) // columns)
    sheet = Pillow.new("RGB", (left + columns * across, top + rows * down), PAPER)
    for index, picture in enumerate(pictures):
        x, y = left + index % columns * across, top + index // columns * down
        if picture is not None:
            fitted = _fitted(picture, width, height)
            sheet.paste(fitted, (x + (width - fitted.width) // 2, y + (height - fitted.height) // 2))
        if labels:
            _write(sheet, labels[index], font, (x, y + height, width, line))
    for column, label in enumerate(column_labels):
        _write(sheet, label, font, (left + column * across, gap // 2, width, line))
    for row, label in enumerate(row_labels):
        side = Pillow.new("RGB", (height, line), PAPER)
        _write(side, label, font, (0, 0, height, line))
        sheet.paste(side.transpose(Pillow.Transpose.ROTATE_90), (gap // 2, top + row * down))
    return Image(np.asarray(sheet), name="grid")


def _box(pictures: Sequence[Pillow.Image | None], longest: int) -> tuple[int, int]:
    sizes = [picture.size for picture in pictures if picture is not None]
    width, height = max(width for width, _ in sizes), max(height for _, height in sizes)
    shrink = min(1.0, longest / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _fitted(picture: Pillow.Image, width: int, height: int) -> Pillow.Image:
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture if size == picture.size else picture.resize(size, Pillow.Resampling.LANCZOS)


def _font(box: int) -> Font:
    return ImageFont.load_default(min(28, max(11, box // 16)))


def _height(font: Font) -> int:
    _, top, _, bottom = font.getbbox("Ag")
    return round(bottom - top)


def _write(sheet: Pillow.Image, text: str, font: Font, place: tuple[int, int, int, int]) -> None:
    """Write a line in the middle of a place (x, y, width, height), cut short where it does not fit."""
    x, y, width, height = place
    shown = text = _in_font(text)
    while text and font.getlength(shown) > width:
        text = text[:-1]
        shown = text.rstrip() + "…"
    if font.getlength(shown) <= width:
        ImageDraw.Draw(sheet).text((x + width / 2, y + height / 2), shown, fill=INK, font=font, anchor="mm")


def _in_font(text: str) -> str:
    """Spell a text with what Pillow's own font has: accents are dropped, other letters become question marks."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() or letter in "…·" else "?" for letter in bare)
