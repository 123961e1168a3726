"""Planes: what a layer gave for a whole picture, kept so that memory does not grow with the picture.

A plane is written and read in strips of whole rows. Small planes lie in memory, large ones in a temporary file that
vanishes with them.
"""

import os
import tempfile
import weakref
from typing import IO

import torch
from jaxtyping import Float
from torch import Tensor

IN_MEMORY = 2**28
"""Bytes above which a plane lies in a file."""


class Plane:
    """Features `(1, channels, height, width)`, row by row with the channels of a place side by side."""

    def __init__(self, channels: int, height: int, width: int, dtype: torch.dtype) -> None:
        self.channels, self.height, self.width, self.dtype = channels, height, width, dtype
        self._bytes_per_row = width * channels * dtype.itemsize
        self._file: IO[bytes] | None = None
        if height * self._bytes_per_row > IN_MEMORY:
            self._file = tempfile.TemporaryFile(prefix="impasto-", buffering=0)  # noqa: SIM115 -- closed below
            weakref.finalize(self, self._file.close)
        else:
            self._rows = torch.empty(0, width, channels, dtype=dtype)

    def write(self, top: int, strip: Float[Tensor, "1 c _h _w"]) -> None:
        """Keep a strip whose first row is `top`; it must be left unchanged from then on."""
        rows = strip[0].permute(1, 2, 0)
        if self._file is None and len(rows) == self.height:
            self._rows = rows
        elif self._file is None:
            if not len(self._rows):
                self._rows = torch.empty(self.height, self.width, self.channels, dtype=self.dtype)
            self._rows[top : top + len(rows)] = rows
        else:
            os.pwrite(self._file.fileno(), _bytes_of(rows.to(self.dtype).contiguous()), top * self._bytes_per_row)

    def read(self, top: int, bottom: int) -> Float[Tensor, "1 c _h _w"]:
        """Return rows `top` to `bottom`, to be left unchanged."""
        if self._file is None:
            rows = self._rows[top:bottom]
        else:
            rows = torch.empty(bottom - top, self.width, self.channels, dtype=self.dtype)
            os.preadv(self._file.fileno(), [_bytes_of(rows)], top * self._bytes_per_row)
        return rows[None].permute(0, 3, 1, 2)  # in this order its strides are those of channels last


def _bytes_of(rows: Tensor) -> memoryview:
    """Return the memory of a contiguous tensor."""
    return memoryview(rows.view(torch.uint8).numpy().reshape(-1).data)
