"""Photos and paintings in folders, and trainings small enough to run many."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from torch import Tensor

from impasto.training import chapters, module, run


def save(picture: Tensor, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray((picture[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path: Path, photo: Tensor) -> Path:
    for turns in range(3):
        save(photo.rot90(turns, dims=(2, 3)), tmp_path / "photos" / f"{turns}.png")
    return tmp_path / "photos"


@pytest.fixture
def art(tmp_path: Path, painting: Tensor, other_painting: Tensor) -> Path:
    save(painting, tmp_path / "art" / "first.png")
    save(other_painting, tmp_path / "art" / "second.png")
    return tmp_path / "art"


@pytest.fixture(autouse=True)
def short_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapters, "CHAPTER", 2)
    monkeypatch.setattr(module, "CHAPTER", 2)
    monkeypatch.setattr(run, "CHAPTER", 2)
    monkeypatch.setattr(run, "LOGGED_EVERY", 1)
