"""`data check`: a data folder looked at before a training does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from impasto.data.doctor import Diagnosis, check_data
from impasto.data.layouts import Kind
from impasto.methods import Method


def examined(
    method: Method, folder: str, settings: Any, on_file: Callable[[int, int], None] | None = None
) -> Diagnosis:
    """Let the doctor look at a folder.

    Args:
        method: Which is to be trained on it.
        folder: Of the data set.
        settings: The method's.
        on_file: Called after every file with how many are done, and how many there are.

    Raises:
        InputError: If there is no such folder, or nothing in it is laid out as the method needs it.
    """
    return check_data(
        Path(folder),
        layout(method),
        crop_size=settings.crop_size,
        classes=getattr(settings, "classes", 0),
        attributes=getattr(settings, "attributes", ""),
        on_file=on_file,
    )


def layout(method: Method) -> Kind:
    """Return how the data folder of a method is laid out."""
    if method.labelled:
        return "labels"
    if method.unpaired:
        return "unpaired"
    if method.named_domains:
        return "domains"
    return "pairs" if method.verb == "translate" else "photos"
