"""Picture files in folders."""

from pathlib import Path

import pytest

from impasto.errors import InputError
from impasto.image.files import pictures_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "within").mkdir()
    for name in ("b.png", "a.jpeg", "notes.txt", ".hidden.png", "within/c.TIFF"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_pictures_of_a_folder_come_by_name(folder: Path):
    assert pictures_in(folder) == [folder / "a.jpeg", folder / "b.png"]


def test_pictures_of_the_folders_within_too(folder: Path):
    assert pictures_in(folder, within=True) == [folder / "a.jpeg", folder / "b.png", folder / "within" / "c.TIFF"]


def test_no_pictures(folder: Path):
    with pytest.raises(InputError, match=r"within holds no picture; looked for \.png"):
        (folder / "within" / "c.TIFF").unlink()
        pictures_in(folder / "within")
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        pictures_in(folder / "nowhere")
