"""Each visitor has a folder, whose files are called what we call them."""

from pathlib import Path

import pytest

from impasto.errors import InputError
from impasto.studio.visitors import MOST_NAME, Visitors, plain_name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cat.png", "cat.png"),
        ("Füchse im Schnee.JPG", "Füchse im Schnee.JPG"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        (".bashrc", "bashrc"),
        ("..", "picture"),
        ("", "picture"),
        ("a\nb.png", "a\\nb.png"),
    ],
)
def test_a_name_is_the_last_part_of_what_it_was(name: str, kept: str) -> None:
    assert plain_name(name) == kept


def test_a_long_name_is_shortened_and_keeps_its_ending() -> None:
    assert plain_name("x" * 500 + ".png") == "x" * MOST_NAME + ".png"


def test_what_is_given_is_kept_apart_and_goes_with_its_visitor(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    visitors = Visitors(kept)
    one, other = visitors.of("one"), visitors.of("other")
    assert one.folder != other.folder and visitors.of("one") is one
    uploads = [each.keep(str(folder / "cat.png"), "../cat.png")[0] for each in (one, one, other)]
    assert len({upload.path for upload in uploads}) == 3
    assert [upload.read().name for upload in uploads] == ["cat.png"] * 3
    assert uploads[0].path.is_relative_to(one.folder)
    visitors.forget("one")
    assert not one.folder.exists() and uploads[2].path.exists()
    assert visitors.of("one") is not one


def test_what_is_no_picture_is_not_kept_and_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "upload").write_text("a cat")
    visitor = Visitors(tmp_path).of("one")
    with pytest.raises(InputError, match=r"^cat\.png is not a picture"):
        visitor.keep(str(tmp_path / "upload"), "cat.png")
    assert not [path for path in visitor.folder.rglob("*") if path.is_file()]
