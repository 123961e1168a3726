"""Make the row of pictures at the top of the README: content, style, result.

    python tools/make_readme_pictures.py

Paints with the default settings, as `impasto demo` does, so that the README shows what a stranger will get.
"""

from pathlib import Path

import numpy as np

import impasto
from impasto.image.resize import resize
from impasto.image.tensors import from_tensor, to_tensor

ROOT = Path(__file__).parents[1]
HEIGHT = 300
GAP = 12
ROWS = (
    ("pagoda", "great_wave"),
    ("cat", "auvers"),
)


def main() -> None:
    """Paint each row and write it to docs/pictures."""
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for photo, painting in ROWS:
        content = ROOT / "examples" / "photos" / f"{photo}.jpg"
        style = ROOT / "examples" / "paintings" / f"{painting}.jpg"
        result = impasto.stylize(content, style, size=512)
        row = side_by_side([impasto.read_image(content), impasto.read_image(style), result.image])
        impasto.write_image(row, folder / f"{photo}_{painting}.jpg", quality=90)
        print(folder / f"{photo}_{painting}.jpg", f"{result.seconds:.0f} s")


def side_by_side(images: list[impasto.Image]) -> impasto.Image:
    """Put pictures in a row of one height, with white between them."""
    columns = []
    for image in images:
        width = round(image.width * HEIGHT / image.height)
        columns.append(from_tensor(resize(to_tensor(image), HEIGHT, width), image).pixels)
        columns.append(np.full((HEIGHT, GAP, 3), 255, np.uint8))
    return impasto.Image(np.concatenate(columns[:-1], axis=1))


if __name__ == "__main__":
    main()
