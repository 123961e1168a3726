"""Photos and paintings in folders, and trainings small enough to run many."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from torch import Tensor

from impasto.training import chapters, module, run, unpaired


def save(picture: Tensor, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
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
    monkeypatch.setattr(run, "LOGGED_EVERY", 1)
    monkeypatch.setattr(unpaired, "TILES", 2)


@pytest.fixture
def kinds(tmp_path: Path, photo: Tensor, painting: Tensor, other_painting: Tensor) -> Path:
    """Photos of one cup and paintings of two sizes, three and four to train on, two of each held out."""
    for turns in range(3):
        save(photo.rot90(turns, dims=(2, 3)), tmp_path / "kinds/trainA" / f"{turns}.png")
    for number, picture in enumerate((painting, painting.flip(3), other_painting, other_painting.flip(2))):
        save(picture, tmp_path / "kinds/trainB" / f"{number}.png")
    for number, picture in enumerate((photo.flip(3), photo.flip(2))):
        save(picture, tmp_path / "kinds/valA" / f"{number}.png")
    for number, picture in enumerate((painting.flip(2), other_painting.flip(3))):
        save(picture, tmp_path / "kinds/valB" / f"{number}.png")
    return tmp_path / "kinds"
