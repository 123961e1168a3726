"""Forty-eight pictures by which the defaults of `gatys` are chosen: six photos in the style of eight paintings.

    python benchmarks/gatys_sheet.py DATA OUT [--variant default|runner_up] [--size 512]

DATA holds `photos/classics`, `photos/unsplash`, `art/classics` and `art/train`; four of the photos are examples.
Each picture is written to OUT/VARIANT, with one JSON object a line: times, style and content loss by the formulas
of `contest.neutral`, and how clean its colours are (`contest.palette`). Pictures of the same settings are kept, so
an interrupted run continues. At the end the sheet is written to OUT/VARIANT.jpg, and the last line has the medians.

`runner_up` gives relu4_1 three times the weight: larger forms of the painting, less of its palette.
"""

import argparse
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import impasto
from contest.painted import kept, measured, paint_to
from contest.report import machine, say
from impasto.image.grid import grid
from impasto.image.io import read_image, write_image
from impasto.methods.gatys import GatysSettings

EXAMPLES = Path(__file__).parents[1] / "examples"
PHOTOS = {
    "face": EXAMPLES / "photos" / "astronaut.jpg",
    "animal": EXAMPLES / "photos" / "cat.jpg",
    "building": EXAMPLES / "photos" / "pagoda.jpg",
    "landscape": EXAMPLES / "photos" / "mountains.jpg",
    "night": Path("photos/classics/hoovertowernight.jpg"),
    "poster": Path("photos/unsplash/bruna-branco-7r1HxvVC7AY-unsplash.jpg"),
}
PAINTINGS = {
    "great_wave": EXAMPLES / "paintings" / "great_wave.jpg",
    "starry_night": EXAMPLES / "paintings" / "starry_night.jpg",
    "the_scream": Path("art/classics/the_scream.jpg"),
    "composition_vii": Path("art/classics/composition_vii.jpg"),
    "mondrian": Path("art/classics/mondrian.jpg"),
    "monet": Path("art/classics/water_lilies_1919.jpg"),
    "klimt": Path("art/train/gustav-klimt-adele-bloch-bauer-s-portrait.jpg"),
    "cubist": Path("art/classics/udnie.jpg"),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "runner_up": {"style_layer_weights": (0.05, 0.4, 0.35, 0.15, 0.05)},
}
CELL = 190
"""Longest side of a picture on the sheet, in pixels."""


def main() -> None:
    """Paint what is missing, measure it, and lay out the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--variant", choices=VARIANTS, default="default")
    parser.add_argument("--size", type=int, default=512, help="longest side in pixels")
    arguments = parser.parse_args()
    folder = arguments.out / arguments.variant
    folder.mkdir(parents=True, exist_ok=True)
    settings = replace(GatysSettings(size=arguments.size), **VARIANTS[arguments.variant])
    say(benchmark="gatys_sheet", machine=machine(), impasto=impasto.__version__, variant=arguments.variant)
    measures: list[dict[str, float]] = []
    cells, labels = [], []
    for photo, photo_path in PHOTOS.items():
        for painting, painting_path in PAINTINGS.items():
            target = folder / f"{photo}-{painting}.png"
            paths = arguments.data / photo_path, arguments.data / painting_path
            times = kept(target, settings) or paint_to(target, *paths, settings)
            measures.append(measured(target, *paths))
            say(photo=photo, painting=painting, **times._asdict(), **measures[-1])
            cells.append(read_image(target))
            labels.append(f"{photo}, {painting.replace('_', ' ')}")
    sheet = grid(cells, labels, columns=len(PAINTINGS), longest=CELL)
    write_image(sheet, arguments.out / f"{arguments.variant}.jpg", quality=82)
    medians = {name: round(statistics.median(each[name] for each in measures), 3) for name in measures[0]}
    say(summary="gatys_sheet", variant=arguments.variant, **medians)


if __name__ == "__main__":
    main()
