"""A contestant: a trained network of ours, in its own process.

python -m contest.ours '{"method": "prediction", "model": "FILE or null", "threads": 2}'
"""

import json
import sys

import torch
from torch import Tensor

import impasto
from contest.serving import serve
from impasto.image.io import Image, read_image
from impasto.image.regions import visible_colors
from impasto.image.tensors import from_tensor
from impasto.nn.one_pass import OnePassSettings
from impasto.nn.transform import Painting
from impasto.verbs.one_pass import load_model


class Ours:
    """Paints as `impasto stylize` does, on the CPU."""

    photo: Image
    painted: Image
    row: Tensor

    def __init__(self, method: str, model: str | None) -> None:
        self.painter = load_model(method, OnePassSettings(model=model, device="cpu")).painter

    def about(self) -> dict[str, str]:
        """Return versions."""
        return {"impasto": impasto.__version__, "torch": torch.__version__}

    def prepare(self, style: str) -> None:
        """Compute a painting's row, or look a style's up."""
        known = style in self.painter.styles
        self.row = self.painter.rows([style if known else visible_colors(read_image(style))], 1.0)

    def load(self, photo: str) -> None:
        """Decode a photo's file."""
        self.photo = read_image(photo)

    def paint(self) -> None:
        """Paint."""
        painting = Painting(self.row, torch.ones(1, 1, 1, 1))
        self.painted = from_tensor(self.painter.paint(visible_colors(self.photo), painting), self.photo)

    def save(self, path: str) -> None:
        """Write what was painted last."""
        self.painted.save(path)


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    torch.set_num_threads(wanted["threads"])
    serve(Ours(wanted["method"], wanted["model"]))
