"""Drawings that come from a page: which colour is where, and refusing what is none."""

import base64

import numpy as np
import pytest

from impasto.errors import InputError
from impasto.image.io import Image, encode_image
from impasto.studio.paper import DRAWING, drawn_indices, ink


def drawing(pixels: np.ndarray, alpha: np.ndarray) -> str:
    return DRAWING + base64.b64encode(encode_image(Image(pixels, alpha), "png")).decode()


def test_each_colour_is_found_where_it_was_drawn() -> None:
    inks = [ink(index) for index in range(12)]
    assert len(set(inks)) == 12
    wanted = np.arange(12).reshape(3, 4)
    pixels = np.array([[int(each[start : start + 2], 16) for start in (1, 3, 5)] for each in inks], np.uint8)
    soft = np.clip(pixels.astype(int) + 9, 0, 255).astype(np.uint8)  # the edge of a stroke
    alpha = np.full((3, 4), 255, np.uint8)
    alpha[0, 0] = 40
    found = drawn_indices(drawing(soft[wanted], alpha), inks)
    assert found is not None
    wanted[0, 0] = -1
    assert (found == wanted).all()


def test_nothing_drawn_is_no_drawing() -> None:
    blank = np.zeros((2, 2), np.uint8)
    assert drawn_indices("", [ink(0)]) is None
    assert drawn_indices(drawing(np.zeros((2, 2, 3), np.uint8), blank), [ink(0)]) is None


@pytest.mark.parametrize(
    "sent", [7, {"path": "/etc/passwd"}, "/etc/passwd", DRAWING + "!", DRAWING + "YQ==", "x" * 2**24]
)
def test_what_is_no_drawing_is_refused(sent: object) -> None:
    with pytest.raises(InputError):
        drawn_indices(sent, [ink(0)])


def test_a_drawing_that_would_fill_the_memory_is_refused() -> None:
    large = np.zeros((3000, 3000), np.uint8)
    with pytest.raises(InputError, match="megapixels"):
        drawn_indices(drawing(large[:, :, None].repeat(3, 2), large), [ink(0)])
