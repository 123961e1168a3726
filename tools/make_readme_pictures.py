"""Make the README's rows of pictures: content, style, result; and the pavilion painted in one pass.

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
IN_ONE_PASS = (
    ("multistyle", "great_wave"),
    ("multistyle", "mondrian_composition"),
    ("prediction", str(ROOT / "examples" / "paintings" / "auvers.jpg")),
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
    in_one_pass(folder)


def in_one_pass(folder: Path) -> None:
    """Paint the pavilion in one pass, after styles a network has learnt and after a painting it has not."""
    content = ROOT / "examples" / "photos" / "pagoda.jpg"
    painted = [impasto.stylize(content, style, method=method, size=512).image for method, style in IN_ONE_PASS]
    impasto.write_image(side_by_side(painted), folder / "pagoda_in_one_pass.jpg", quality=90)


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
