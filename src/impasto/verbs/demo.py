"""`demo`: a bundled photo painted after a bundled painting, to see that everything works."""

from pathlib import Path
from typing import Any

from impasto.errors import InputError
from impasto.methods.gatys import GatysSettings
from impasto.result import OnStep, Result
from impasto.verbs.stylize import stylize

PHOTO, PAINTING = "photos/pagoda.jpg", "paintings/great_wave.jpg"
SIZE = 512


def demo(settings: GatysSettings | None = None, *, on_step: OnStep | None = None, **changes: Any) -> Result:
    """Paint the pagoda after the Great Wave.

    Args:
        settings: How; the usual ones at 512 pixels if not given.
        on_step: Called after every step; raising in it cancels.
        **changes: Single settings, such as `size=256`.

    Raises:
        InputError: If the examples are not there.
    """
    photo, painting = example_pictures()
    return stylize(photo, painting, settings=settings or GatysSettings(size=SIZE), on_step=on_step, **changes)


def example_pictures() -> tuple[Path, Path]:
    """Return the photo and the painting of the demo.

    Raises:
        InputError: If the examples are not there.
    """
    folder = examples_folder()
    return folder / PHOTO, folder / PAINTING


def examples_folder() -> Path:
    """Return where the example pictures lie: in the installed package, or beside the source.

    Raises:
        InputError: If they are in neither place.
    """
    package = Path(__file__).parents[1]
    places = package / "examples", package.parents[1] / "examples"
    for place in places:
        if (place / PHOTO).is_file():
            return place
    raise InputError(f"the example pictures are not in {places[0]} nor in {places[1]}; reinstall impasto")
