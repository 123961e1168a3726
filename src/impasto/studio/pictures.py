"""Pictures on the page: small ones are part of it, and nobody can ask for anyone else's."""

import base64
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ImageData
from PIL import Image as Pillow

from impasto.image.io import Image, read_image
from impasto.image.paper import on_paper

SHOWN, SMALL = 1024, 240
"""Longest side in pixels of a picture that is looked at, and of one to choose from."""


def picture_url(image: Image, longest: int = SHOWN) -> str:
    """Return a picture as a URL that holds it."""
    stream = io.BytesIO()
    small(image, longest).save(stream, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def small(image: Image, longest: int) -> Pillow.Image:
    """Return a picture as eyes see it, no longer than `longest`."""
    shown = on_paper(image)
    shown.thumbnail((longest, longest))
    return shown


@cache
def bundled_url(path: Path) -> str:
    """Return a small version of a bundled picture as a URL that holds it."""
    return picture_url(read_image(path), SMALL)


Given = Mapping[str, str]
"""Where an upload lies (`path`) and what it was called (`name`)."""


def picture_drop(label: str, **looks: Any) -> gr.Image:
    """Return a place to drop a picture file on, whose value is `Given`.

    Args:
        label: What is dropped.
        **looks: Of `gr.Image`.
    """
    drop = gr.Image(label=label, sources=["upload"], type="filepath", buttons=[], **looks)
    # Gradio would open the file itself, with other limits and other words
    drop.preprocess = _given
    return drop


def files_drop(label: str, **looks: Any) -> gr.File:
    """Return a place to drop several files on, whose value is a list of `Given`.

    Args:
        label: What is dropped.
        **looks: Of `gr.File`.
    """
    drop = gr.File(label=label, file_count="multiple", **looks)
    drop.preprocess = lambda payload: [
        _given(each) for each in getattr(payload, "root", None) or ([payload] if payload else [])
    ]
    return drop


def _given(payload: FileData | ImageData | None) -> dict[str, str] | None:
    """Return where an upload lies and what it was called; nothing opens it here."""
    if payload is None or payload.path is None:
        return None
    return {"path": payload.path, "name": payload.orig_name or Path(payload.path).name}
