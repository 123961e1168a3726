"""Small pictures as files, for the verbs."""

from collections.abc import Iterator
from pathlib import Path

import PIL.Image
import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Paint with one thread, so that tests running beside each other do not wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a photo of 48×36 and two paintings."""
    monkeypatch.chdir(tmp_path)
    for name, source, size in (
        ("cat.png", "photos/cat.jpg", (48, 36)),
        ("wave.png", "paintings/great_wave.jpg", (48, 36)),
        ("poppies.png", "paintings/poppies.jpg", (40, 48)),
    ):
        with PIL.Image.open(EXAMPLES / source) as image:
            image.resize(size).save(tmp_path / name)
    return tmp_path
