"""A contact sheet: every photo painted after every painting by a one-pass network, to be looked at.

    python benchmarks/contact_sheet.py prediction sheet.png [--photos FILE ...] [--styles FILE_OR_NAME ...]

A row for each style, its painting first where it is one; a column for each photo. Look for: strokes and palette of
the painting, content that can be read, no grey or blotchy picture, no checkerboard, no frame at the border.
"""

import argparse
from pathlib import Path

from gatys import EXAMPLES
from impasto.image.files import pictures_in
from impasto.image.grid import grid
from impasto.image.io import Image, read_image
from impasto.nn.one_pass import OnePassSettings
from impasto.verbs.one_pass import load_model
from impasto.verbs.stylize import stylize


def main() -> None:
    """Paint and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("method")
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", help="the network; by default the one that comes along")
    parser.add_argument("--photos", nargs="+", type=Path, default=pictures_in(EXAMPLES / "photos")[:6])
    parser.add_argument("--styles", nargs="+", help="paintings, or names of styles; by default eight that it knows")
    parser.add_argument("--size", type=int, default=512, help="longest side that is painted, in pixels")
    parser.add_argument("--cell", type=int, default=256, help="longest side that is shown, in pixels")
    arguments = parser.parse_args()
    settings = OnePassSettings(model=arguments.model, size=arguments.size)
    known = load_model(arguments.method, settings).painter.styles
    paintings = [str(path) for path in pictures_in(EXAMPLES / "paintings")]
    styles = arguments.styles or list(known[:8]) or paintings
    photos = [read_image(path) for path in arguments.photos]
    cells: list[Image | None] = [None, *photos]
    for style in styles:
        cells.append(None if style in known else read_image(style))
        cells += [stylize(photo, style, method=arguments.method, settings=settings).image for photo in photos]
    labels = ["", *(Path(style).stem for style in styles)]
    grid(cells, columns=len(photos) + 1, row_labels=labels, longest=arguments.cell).save(arguments.output)


if __name__ == "__main__":
    main()
