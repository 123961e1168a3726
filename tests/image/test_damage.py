"""Files cut short or with wrong bytes, and paths with no picture behind them: errors that name the file."""

import io
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impasto.errors import InputError
from impasto.image import Image, check_image_file, encode_image, read_image

ROWS, COLUMNS = np.mgrid[:24, :40]
NOISE = np.random.default_rng(1).integers(0, 24, (24, 40, 3))
PIXELS = (np.stack([COLUMNS * 5, ROWS * 9, COLUMNS + ROWS], axis=2) + NOISE).astype(np.uint8)
PICTURE = Image(PIXELS, alpha=PIXELS[:, :, 0], recipe={"method": "gatys", "seed": 1})
OPAQUE = Image(PIXELS, recipe={"method": "gatys", "seed": 1})


def by_pillow(file_format: str, **options) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(stream, file_format, **options)
    return stream.getvalue()


def by_vips(save: str, **options) -> bytes:
    return getattr(pyvips.Image.new_from_array(PIXELS), save)(**options)


FILES = {
    "png": encode_image(PICTURE, "png"),
    "png 16": encode_image(Image(PIXELS.astype(np.uint16) * 257), "png"),
    "png interlaced": by_vips("pngsave_buffer", interlace=True),
    "jpeg": encode_image(OPAQUE, "jpeg"),
    "jpeg progressive": by_pillow("JPEG", progressive=True),
    "webp": encode_image(PICTURE, "webp"),
    "webp lossless": by_pillow("WEBP", lossless=True),
    "tiff": encode_image(PICTURE, "tiff"),
    "tiff strips": by_pillow("TIFF"),
    "tiff tiles": by_vips("tiffsave_buffer", tile=True, tile_width=16, tile_height=16),
    "tiff jpeg": by_vips("tiffsave_buffer", compression="jpeg"),
    "gif": by_pillow("GIF"),
    "bmp": by_pillow("BMP"),
}


def assert_one_line(error: InputError, name: str = "picture") -> None:
    assert name in str(error) and str(error).isprintable()


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_anywhere_is_refused(kind, capfd):
    data = FILES[kind]
    whole = read_image(data)
    for length in range(0, len(data), max(1, len(data) // 400)):
        with pytest.raises(InputError) as caught:
            read_image(data[:length])
        assert_one_line(caught.value)
    # Without its last byte a GIF lacks its trailer and nothing else.
    if kind != "gif":
        with pytest.raises(InputError):
            read_image(data[:-1])
    assert whole.height == 24
    assert capfd.readouterr() == ("", "")


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(sorted(FILES)),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    length=st.floats(0.2, 1.5),
)
def test_wrong_bytes_give_a_picture_or_an_error(kind, places, length):
    damaged = bytearray(FILES[kind])
    for place, value in places:
        damaged[int(place * (len(damaged) - 1))] = value
    # Header bytes count most and are few.
    for place, value in places[:2]:
        damaged[int(place * 60)] = value
    damaged = damaged[: int(length * len(damaged))]
    try:
        image = read_image(bytes(damaged), max_pixels=2**20)
    except InputError as error:
        assert_one_line(error)
    else:
        assert image.width * image.height <= 2**20


READ_ALL = """
import resource, sys, time
from impasto.errors import InputError
from impasto.image import read_image
start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        read_image(path)
    except InputError:
        pass
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(after - before, time.process_time() - start)
"""


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def test_bombs_take_neither_memory_nor_time(tmp_path):
    png, header = FILES["png"], 33
    half_gigabyte = zlib.compress(bytes(512 << 20), 9)
    megabytes = zlib.compress(bytes(3 << 20))
    bombs = {
        "iccp": png[:header] + chunk(b"iCCP", b"x\0\0" + half_gigabyte) + png[header:],
        "itxt": png[:header] + chunk(b"iTXt", b"impasto\0\1\0\0\0" + half_gigabyte) + png[header:],
        "ztxt": png[:header] + chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(7 << 20))) * 60 + png[header:],
        "many": png[:header] + chunk(b"iTXt", b"impasto\0\1\0\0\0" + megabytes) * 3000 + png[header:],
        "profiles": png[:header] + chunk(b"iCCP", b"x\0\0" + megabytes) * 3000 + png[header:],
        "size": png[:16] + (60000).to_bytes(4) * 2 + png[24:],
        "jpeg": re.sub(rb"(\xff\xc0...)....", rb"\1\377\000\377\000", FILES["jpeg"], flags=re.DOTALL),
        "gif": FILES["gif"][:6] + b"\xff\xff\xff\xff" + FILES["gif"][10:],
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in bombs]
    answer = subprocess.run([sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True, check=True)
    kilobytes, seconds = map(float, answer.stdout.split())
    assert kilobytes < 100_000 and seconds < 5 and answer.stderr == ""


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


NO_PICTURES = {
    "missing": (lambda folder: folder / "missing.png", "does not exist"),
    "in no folder": (lambda folder: folder / "no" / "sea.png", "does not exist"),
    "folder": (lambda folder: folder, "is a folder"),
    "pipe": (lambda folder: fifo(folder / "pipe.png"), "is a pipe"),
    "device": (lambda folder: Path(os.devnull), "is a pipe or device"),
    "dangling link": (lambda folder: link(folder / "link.png", folder / "gone.png"), "is a link to a file"),
    "link to itself": (lambda folder: link(folder / "self.png", folder / "self.png"), "cannot be opened"),
    "zero byte in its name": (lambda folder: folder / "a\0b.png", "cannot be opened"),
    "long name": (lambda folder: folder / ("sea" * 200 + ".png"), "cannot be opened"),
    "line break in its name": (lambda folder: folder / "two\nlines.png", r"two\\nlines\.png does not exist"),
    "colour codes in its name": (
        lambda folder: folder / "\x1b[31mred.png",
        r"\\x1b\[31mred\.png does not exist",
    ),
}


@pytest.mark.parametrize("case", NO_PICTURES)
@pytest.mark.parametrize("read", [read_image, check_image_file])
def test_a_path_without_a_picture_is_refused(case, read, tmp_path):
    make, pattern = NO_PICTURES[case]
    with pytest.raises(InputError, match=pattern) as caught:
        read(make(tmp_path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("read", [read_image, check_image_file])
def test_a_file_that_may_not_be_read_is_refused(read, tmp_path, monkeypatch):
    path = tmp_path / "locked.png"
    path.write_bytes(FILES["png"])

    def refuse(self, *arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"locked\.png may not be read"):
        read(path)


@pytest.mark.parametrize("read", [read_image, check_image_file])
def test_a_file_too_large_is_refused_unread(read, tmp_path):
    path = tmp_path / "large.tif"
    with path.open("wb") as file:
        file.write(FILES["tiff"])
        file.truncate(3 << 30)
    with pytest.raises(InputError, match=r"large\.tif has 3072 MB"):
        read(path)


@pytest.mark.parametrize("name", ["two\nlines.png", "Öl auf Leinwand.png", "🎨.png", "page[n=2].png", "a'b\".png"])
def test_any_file_name_will_do(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES["png"])
    check_image_file(path)
    image = read_image(str(path))
    assert image.name.isprintable() and image.name == name.replace("\n", "\\n")
    assert np.array_equal(image.pixels, PIXELS)


@pytest.mark.parametrize(
    ("name", "kind"), [("sea.png", "jpeg"), ("sea.jpg", "png"), ("sea.txt", "webp"), ("sea", "tiff")]
)
def test_the_name_does_not_decide_the_format(name, kind, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[kind])
    check_image_file(path)
    assert read_image(path).width == 40


def test_a_header_is_checked_without_the_pixels(tmp_path):
    path = tmp_path / "sea.jpg"
    path.write_bytes(FILES["jpeg"][:-100])
    check_image_file(path)
    with pytest.raises(InputError, match=r"sea\.jpg is damaged"):
        read_image(path)
