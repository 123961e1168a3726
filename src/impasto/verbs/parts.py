"""The painted part of a video that is not finished, in a folder beside it, so that the same command goes on.

The folder has `recipe.json`, one file for each segment that is painted, and the frame after which the next begins.
Every file is written whole or not at all, and the segment's last: whatever stops a run, the segments that are there
and the frame that belongs to the last of them are good.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import InputError, one_line
from impasto.image.flow import Last
from impasto.writing import replace_file

RECIPE = "recipe.json"


class Parts:
    """The segments of a video, kept until it is whole.

    Args:
        target: The video.
        recipe: What decides about its frames.

    Attributes:
        done: How many segments are there.
        renewed: Whether what had been painted by another recipe was thrown away.

    Raises:
        InputError: If the folder cannot be made, or is none of ours.
    """

    def __init__(self, target: Path, recipe: Mapping[str, Any]) -> None:
        self.folder = target.with_name(f"{target.name}.parts")
        written = json.dumps(recipe, sort_keys=True, ensure_ascii=True).encode()
        path = self.folder / RECIPE
        name = one_line(str(self.folder))
        try:
            self.folder.mkdir(exist_ok=True)
            found = path.read_bytes() if path.is_file() else None
            if found is None and any(self.folder.iterdir()):
                raise InputError(f"{name} is in the way, and not from an unfinished video; move it away")
        except OSError as error:
            raise InputError(f"cannot use the folder {name} ({error.strerror}); choose another output") from None
        self.renewed = found not in (None, written)
        if self.renewed:
            self._empty()
        if found != written:
            replace_file(path, written)
        self.done = 0
        while self.segment(self.done).is_file():
            self.done += 1

    def segment(self, index: int) -> Path:
        """Return where a segment lies, from 0."""
        return self.folder / f"{index:06d}.segment"

    def segments(self) -> list[Path]:
        """Return where all segments lie, in order."""
        return [self.segment(index) for index in range(self.done)]

    def last(self) -> Last | None:
        """Return the last frame of the last segment; None before the first."""
        if not self.done:
            return None
        return Last(*np.load(self._last(self.done - 1), allow_pickle=False))

    def add(self, segment: bytes, last: Last) -> None:
        """Keep the next segment.

        Args:
            segment: Its bytes.
            last: The frame it ends with.
        """
        stored = io.BytesIO()
        np.save(stored, np.stack(last), allow_pickle=False)
        replace_file(self._last(self.done), stored.getvalue())
        replace_file(self.segment(self.done), segment)
        if self.done:
            self._last(self.done - 1).unlink(missing_ok=True)
        self.done += 1

    def remove(self) -> None:
        """Take the folder away; what is not ours in it stays, and then the folder."""
        self._empty()
        (self.folder / RECIPE).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _last(self, index: int) -> Path:
        return self.folder / f"{index:06d}.last.npy"

    def _empty(self) -> None:
        for pattern in ("*.segment", "*.last.npy", ".impasto-*.tmp", "joined.*"):
            for path in self.folder.glob(pattern):
                path.unlink()
