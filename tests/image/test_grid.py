"""The labelled grid: where cells lie, what becomes of alpha, depth, profiles and long labels."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from impasto.image import Image
from impasto.image.grid import grid

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(color: tuple[int, ...], width: int = 40, height: int = 30, **fields) -> Image:
    dtype = np.uint16 if max(color) > 255 else np.uint8
    return Image(np.full((height, width, len(color)), color, dtype), **fields)


def area(image: Image, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of all pixels of a colour."""
    rows, columns = np.nonzero((image.pixels == color).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_cells_lie_in_rows_on_white():
    image = grid([plain(RED), plain(GREEN), plain(BLUE)], columns=2)
    left, top, right, bottom = area(image, RED)
    assert (right - left, bottom - top) == (40, 30)
    assert area(image, GREEN) == (right + left, top, right + left + 40, bottom)
    assert area(image, BLUE) == (left, bottom + top, right, bottom + top + 30)
    assert (image.width, image.height) == (2 * 40 + 3 * left, 2 * 30 + 3 * top)
    assert (image.pixels[0, 0] == 255).all() and image.bits == 8 and not image.grey


def test_empty_cells_are_blank():
    image = grid([plain(RED), None, None, plain(BLUE)], columns=2)
    full = grid([plain(RED), plain(GREEN), plain(GREEN), plain(BLUE)], columns=2)
    assert image.pixels.shape == full.pixels.shape
    there = (full.pixels == GREEN).all(axis=2)
    assert there.any() and (image.pixels[there] == 255).all()


def test_pictures_keep_their_proportions_in_a_box_of_one_size():
    image = grid([plain(RED, 64, 32), plain(GREEN, 16, 32)], columns=2)
    left, top, right, bottom = area(image, RED)
    assert (right - left, bottom - top) == (64, 32)
    green_left, _, green_right, green_bottom = area(image, GREEN)
    assert (green_right - green_left, green_bottom) == (16, bottom)
    assert green_left - right - left == image.width - left - green_right == 24


def test_boxes_are_no_longer_than_asked():
    left, top, right, bottom = area(grid([plain(RED, 400, 200)], longest=100), RED)
    assert (right - left, bottom - top) == (100, 50)


def ink(image: Image, left: int, top: int, right: int, bottom: int) -> int:
    """Count the pixels that are neither paper nor picture."""
    return int((image.pixels[top:bottom, left:right].max(axis=2) < 128).sum())


def test_labels_stand_below_above_and_beside():
    cells = [plain(RED, 120, 90), plain(GREEN, 120, 90)]
    below = grid(cells, ["first", "second"], 2)
    left, top, right, bottom = area(below, RED)
    assert ink(below, left, bottom, right, below.height) > 20
    assert ink(below, 0, 0, below.width, top) == 0
    around = grid(cells, columns=2, column_labels=["one", "two"], row_labels=["all"])
    left, top, right, bottom = area(around, RED)
    green_left, _, green_right, _ = area(around, GREEN)
    assert ink(around, left, 0, right, top) > 20 and ink(around, green_left, 0, green_right, top) > 20
    assert ink(around, 0, top, left, bottom) > 10
    assert ink(around, 0, bottom, around.width, around.height) == 0


def test_a_long_label_is_cut_short_within_its_cell():
    cells = [plain(RED, 120, 90), plain(GREEN, 120, 90)]
    image = grid(cells, ["a label that is much too long for so small a picture", ""], 2)
    _, _, right, bottom = area(image, RED)
    green_left, _, _, _ = area(image, GREEN)
    assert ink(image, 0, bottom, right, image.height) > 50
    assert ink(image, right, bottom, image.width, image.height) == 0 and green_left > right


def test_letters_without_a_glyph_are_spelled_with_those_there_are():
    def lettered(text: str) -> np.ndarray:
        return grid([plain(RED, 120, 90)], [text], 1).pixels

    assert np.array_equal(lettered("Édouard Übung"), lettered("Edouard Ubung"))
    assert np.array_equal(lettered("神奈川"), lettered("???"))
    assert not np.array_equal(lettered("a … b · c"), lettered("a ? b ? c"))


def test_alpha_shows_the_paper_and_16_bits_and_grey_are_shown():
    alpha = np.zeros((30, 40), np.uint8)
    alpha[:, 20:] = 255
    image = grid([plain(RED, alpha=alpha), plain((65535, 0, 0)), plain((77,))], columns=3)
    _, top, _, bottom = area(image, RED)
    assert ((image.pixels[top:bottom] == RED).all(axis=2).sum(axis=1) == 20 + 40).all()
    assert area(image, (77, 77, 77))[1] == top


def test_profiles_are_converted_to_srgb():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert area(grid([plain(RED, icc=srgb)], columns=1), RED)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    broken = b"no profile at all"
    for icc in (lab, broken):
        assert area(grid([plain(RED, icc=icc)], columns=1), RED)


def test_a_wide_profile_moves_colours():
    import pyvips

    p3 = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb").icc_export(output_profile="p3")
    icc = bytes(p3.get("icc-profile-data"))
    shown = grid([plain((200, 100, 100), icc=icc)], columns=1)
    middle = shown.pixels[shown.height // 2, shown.width // 2]
    assert middle[0] > 203 and middle[1] < 97
    assert shown.icc is None


@pytest.mark.parametrize("labels", [["one"], ["one", "two", "three"]])
def test_as_many_labels_as_cells(labels: list[str]):
    with pytest.raises(AssertionError, match="labels for 2 cells"):
        grid([plain(RED), plain(BLUE)], labels, 2)


def test_the_grid_can_be_saved(tmp_path):
    path = grid([plain(RED)], ["red"], 1).save(tmp_path / "grid.png")
    with Pillow.open(io.BytesIO(path.read_bytes())) as image:
        assert image.mode == "RGB"
