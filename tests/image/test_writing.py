"""Writing files: whole or not at all, where and as asked."""

import os
import random
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import InputError
from impasto.image import Image, read_image, write_image

PICTURE = Image(np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3))
MAGIC = {
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8\xff",
    ".JPEG": b"\xff\xd8\xff",
    ".webp": b"RIFF",
    ".tif": b"II*",
    ".TIFF": b"II*",
}


@pytest.mark.parametrize("suffix", MAGIC)
def test_the_suffix_decides_the_format(suffix, tmp_path):
    path = tmp_path / f"sea{suffix}"
    assert write_image(PICTURE, str(path)) == path
    assert path.read_bytes().startswith(MAGIC[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_the_format_can_be_named(tmp_path):
    path = write_image(PICTURE, tmp_path / "sea.part", format="png")
    assert path.read_bytes().startswith(MAGIC[".png"])
    assert PICTURE.save(tmp_path / "sea.jpg", quality=20).stat().st_size < 1200


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("sea", r"must end in \.png, \.jpg, \.jpeg, \.webp, \.tif, \.tiff$"),
        ("sea.gif", "must end in"),
        (".png", "must end in"),
        ("no/such/sea.png", "folder .*such does not exist; create it first"),
        ("file.png/sea.png", "does not exist"),
        ("folder.png", "is a folder; add a file name"),
        ("pipe.png", "is a pipe or device"),
        ("a\0b.png", "cannot write"),
        ("two\nlines.gif", r"two\\nlines\.gif: its name must end in"),
        ("sea" * 200 + ".png", "cannot write"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(name, pattern, tmp_path):
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    write_image(PICTURE, tmp_path / "file.png")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=pattern) as caught:
        write_image(PICTURE, tmp_path / name)
    assert str(caught.value).isprintable()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("closed", ["sea.png", "."])
def test_a_closed_folder_or_file_is_refused(closed, tmp_path, monkeypatch):
    path = write_image(PICTURE, tmp_path / "sea.png")
    # Nothing is closed to root, whom containers run tests as.
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path / closed)
    with pytest.raises(InputError, match="you may not write there"):
        write_image(PICTURE, path)


@pytest.mark.parametrize("step", ["fsync", "open", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = write_image(PICTURE, tmp_path / "sea.png")
    old = path.read_bytes()

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(InputError, match=r"sea\.png \(No space left on device\)"):
        write_image(Image(255 - PICTURE.pixels), path)
    monkeypatch.undo()
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


def test_permissions_are_the_process_s_or_the_old_file_s(tmp_path):
    mask = os.umask(0o027)
    try:
        path = write_image(PICTURE, tmp_path / "sea.png")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write_image(PICTURE, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(mask)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "real" / "sea.png")
    write_image(PICTURE, link)
    write_image(PICTURE, link)
    assert link.is_symlink() and (tmp_path / "real" / "sea.png").is_file()
    assert np.array_equal(read_image(link).pixels, PICTURE.pixels)


def test_a_name_without_a_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(PICTURE, "sea.png")
    assert (tmp_path / "sea.png").is_file()


WRITE_FOR_EVER = """
import sys
import numpy as np
from impasto.image import Image, write_image
noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
pictures = [Image(noise), Image(255 - noise)]
while True:
    for picture in pictures:
        write_image(picture, sys.argv[1])
        print("written", flush=True)
"""


def test_a_killed_writer_never_leaves_half_a_picture(tmp_path):
    path = tmp_path / "sea.tiff"
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    chance = random.Random(0)
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, path], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"written\n"
        time.sleep(chance.uniform(0, 0.05))
        writer.kill()
        writer.communicate()
        pixels = read_image(path).pixels
        assert np.array_equal(pixels, noise) or np.array_equal(pixels, 255 - noise)
    drafts = [found.name for found in tmp_path.iterdir() if found != path]
    assert all(re.fullmatch(r"\.impasto-[0-9a-f]+\.tmp", name) for name in drafts)
