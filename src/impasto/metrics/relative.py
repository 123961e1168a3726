"""How much nearer a translation is to the truth than what was translated, where the truth is known."""

from typing import NamedTuple

from impasto._typing import Picture

DIFFERS = 2 / 255
"""Pixels differ in which a colour does by more than this."""


class Error(NamedTuple):
    """Mean absolute differences from the truth on the pixels that have to change.

    Attributes:
        found: Of the translation.
        source: Of what was translated.
        share: How many of all pixels these are.
    """

    found: float
    source: float
    share: float


def changed_error(found: Picture, source: Picture, wanted: Picture) -> Error | None:
    """Return how far a translation and its source are from the truth, on the pixels where the latter two differ.

    Args:
        found: The translation, `(1, 3, height, width)` in [0, 1].
        source: What was translated.
        wanted: What it should become.

    Returns:
        None if nothing has to change.
    """
    differs = ((source - wanted).abs().amax(dim=1, keepdim=True) > DIFFERS).expand_as(source)
    if not bool(differs.any()):
        return None
    apart = [float((picture - wanted).abs()[differs].mean()) for picture in (found, source)]
    return Error(apart[0], apart[1], float(differs.float().mean()))
