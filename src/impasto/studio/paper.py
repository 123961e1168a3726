"""Paper to draw on in the page: a few colours, each of which means something."""

import base64
import binascii
import colorsys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from impasto.errors import InputError
from impasto.image.io import read_image

_HERE = Path(__file__).parent
MOST_PIXELS, MOST_CHARACTERS = 2**22, 2**23
"""Of a drawing: the page draws at 640 pixels."""
DRAWING = "data:image/png;base64,"
NOTHING = -1
"""Index of what no colour was drawn on."""


def paper(label: str, told: str, needs: str, **looks: Any) -> gr.HTML:
    """Return paper to draw on, whose value is the drawing: a URL that holds a PNG, empty while nothing is drawn.

    Its properties can be updated: `picture`, a URL, `colors`, each with `color` and `name`, and `drawing`, the URL
    of one that was made elsewhere.

    Args:
        label: What is drawn.
        told: How to draw.
        needs: What is said while there is no picture or no colour.
        **looks: Of `gr.HTML`.
    """
    return gr.HTML(
        value="",
        label=label,
        html_template='<div class="paper"></div>',
        js_on_load=(_HERE / "paper.js").read_text(),
        picture="",
        colors=[],
        drawing="",
        told=told,
        needs=needs,
        **looks,
    )


def ink(index: int) -> str:
    """Return a colour that is easily told from its neighbours, as `#rrggbb`."""
    hue = (0.03 + index * 0.618034) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.45, 0.85)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def drawn_indices(drawing: object, inks: Sequence[str]) -> NDArray[np.int64] | None:
    """Return which of some colours was drawn where, `(height, width)`; `NOTHING` elsewhere, None if nowhere.

    Args:
        drawing: Value of `paper`, whatever a browser may have sent.
        inks: The colours, as `#rrggbb`.

    Raises:
        InputError: If it is no drawing.
    """
    if not drawing:
        return None
    if not isinstance(drawing, str) or not drawing.startswith(DRAWING) or len(drawing) > MOST_CHARACTERS:
        raise InputError("the drawing is none that this page made; reload the page")
    try:
        data = base64.b64decode(drawing.removeprefix(DRAWING), validate=True)
    except binascii.Error:
        raise InputError("the drawing is damaged; reload the page") from None
    image = read_image(data, max_pixels=MOST_PIXELS)
    known = np.array([[int(each[start : start + 2], 16) for start in (1, 3, 5)] for each in inks])
    apart = np.abs(image.pixels[:, :, None].astype(int) - known[None, None]).sum(axis=3)
    indices = np.asarray(apart.argmin(axis=2))
    if image.alpha is not None:
        indices = np.where(image.alpha > 127, indices, NOTHING)
    return None if (indices == NOTHING).all() else indices
