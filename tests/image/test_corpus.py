"""Bad and odd files, each with what must become of it: these very pixels, or one line that names the file."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import PIL.Image
import pytest
import pyvips

from impasto.errors import InputError
from impasto.image import Image, check_image_file, read_image

ROWS, COLUMNS = np.mgrid[:20, :28]
RGB = np.stack([COLUMNS * 9, ROWS * 12, (ROWS + COLUMNS) * 5], axis=2).astype(np.uint8)
GREY = RGB[:, :, 0]
ALPHA = (255 - ROWS * 12).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
WIDE = RGB.astype(np.uint16) * 257 - (ROWS[:, :, None] % 3 == 1) * RGB // 2

ORIENTED = {
    1: RGB,
    2: RGB[:, ::-1],
    3: np.rot90(RGB, 2),
    4: RGB[::-1],
    5: np.rot90(RGB[:, ::-1]),
    6: np.rot90(RGB, -1),
    7: np.rot90(RGB[:, ::-1], -1),
    8: np.rot90(RGB),
}
"""How the picture looks upright, for each number EXIF knows."""


@dataclass(frozen=True)
class Case:
    """A file's bytes, and its pixels (alpha last) or a pattern of its error."""

    name: str
    data: bytes
    expected: np.ndarray | str
    tolerance: int = 0


def samples(image: Image) -> np.ndarray:
    return image.pixels if image.alpha is None else np.dstack([image.pixels, image.alpha])


def axes(array: np.ndarray) -> np.ndarray:
    return array[:, :, None] if array.ndim == 2 else array


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, bits, colours, rows, *, before=b"", after=b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")


def png_of(array: np.ndarray, before=b"", after=b"") -> bytes:
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[axes(array).shape[2]]
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in array)
    return png(array.shape[1], array.shape[0], 8 * array.itemsize, colours, rows, before=before, after=after)


def pillow(array: np.ndarray, file_format: str, mode: str | None = None, **options) -> bytes:
    image = PIL.Image.fromarray(array) if mode != "CMYK" else PIL.Image.fromarray(array, "CMYK")
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, file_format, **options)
    return stream.getvalue()


def frames(file_format: str, count: int, **options) -> bytes:
    pictures = [PIL.Image.fromarray(np.roll(RGB, shift, axis=0)) for shift in range(count)]
    stream = io.BytesIO()
    pictures[0].save(stream, file_format, save_all=True, append_images=pictures[1:], **options)
    return stream.getvalue()


def by_pillow(data: bytes, mode: str) -> np.ndarray:
    return axes(np.asarray(PIL.Image.open(io.BytesIO(data)).convert(mode)))


def exif(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<I", orientation) + b"\0" * 4


def png_cases() -> Iterator[Case]:
    palette = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7])
    colours = np.frombuffer(palette, np.uint8).reshape(4, 3)
    plte = chunk(b"PLTE", palette)
    yield Case("grey", png_of(GREY), axes(GREY))
    yield Case("rgb", png_of(RGB), RGB)
    yield Case("rgba", png_of(RGBA), RGBA)
    yield Case("grey alpha", png_of(RGBA[:, :, 2:]), RGBA[:, :, 2:])
    yield Case("grey 16", png_of(WIDE[:, :, 0]), axes(WIDE[:, :, 0]))
    yield Case("rgb 16", png_of(WIDE), WIDE)
    yield Case("rgba 16", png_of(np.dstack([WIDE, WIDE[:, :, 0]])), np.dstack([WIDE, WIDE[:, :, 0]]))
    yield Case("grey alpha 16", png_of(WIDE[:, :, 1:]), WIDE[:, :, 1:])
    yield Case("1 bit", png(9, 1, 1, 0, b"\0\xa5\x80"), 255 * axes(np.uint8([[1, 0, 1, 0, 0, 1, 0, 1, 1]])))
    yield Case("2 bits", png(4, 1, 2, 0, b"\0\x1b"), axes(np.uint8([[0, 85, 170, 255]])))
    yield Case("4 bits", png(2, 1, 4, 0, b"\0\x1f"), axes(np.uint8([[17, 255]])))
    yield Case("palette", png(4, 1, 2, 3, b"\0\x1b", before=plte), colours[None])
    trns = chunk(b"tRNS", b"\0\x80")
    opacity = np.uint8([[[0], [128], [255], [255]]])
    yield Case("palette tRNS", png(4, 1, 2, 3, b"\0\x1b", before=plte + trns), np.dstack([colours[None], opacity]))
    key = chunk(b"tRNS", b"\0\5")
    yield Case("grey tRNS", png(2, 1, 8, 0, b"\0\5\6", before=key), np.uint8([[[5, 0], [6, 255]]]))
    key = chunk(b"tRNS", b"\0\1\0\2\0\3")
    rows = b"\0\1\2\3\4\5\6"
    yield Case("rgb tRNS", png(2, 1, 8, 2, rows, before=key), np.uint8([[[1, 2, 3, 0], [4, 5, 6, 255]]]))
    yield Case(
        "palette index too high",
        png(4, 1, 2, 3, b"\0\x1b", before=chunk(b"PLTE", palette[:6])),
        colours[None] * np.uint8([[[1], [1], [0], [0]]]),
    )
    yield Case("no palette", png(4, 1, 2, 3, b"\0\x1b"), "damaged")


def odd_png_cases() -> Iterator[Case]:
    interlaced = pyvips.Image.new_from_array(RGBA).pngsave_buffer(interlace=True)
    yield Case("interlaced", interlaced, RGBA)
    yield Case("1x1", png(1, 1, 8, 2, b"\0\1\2\3"), np.uint8([[[1, 2, 3]]]))
    tall, wide = np.arange(5000, dtype=np.uint16)[:, None], np.arange(5000, dtype=np.uint16)[None]
    yield Case("1x5000", png_of(tall), axes(tall))
    yield Case("5000x1", png_of(wide), axes(wide))
    for orientation, upright in ORIENTED.items():
        turned = chunk(b"eXIf", exif(orientation))
        yield Case(f"png orientation {orientation}", png_of(RGB, turned), upright)
    yield Case("png orientation last", png_of(RGB, after=chunk(b"eXIf", exif(6))), ORIENTED[6])
    yield Case("png broken exif", png_of(RGB, chunk(b"eXIf", b"II*\0\xff\xff\xff")), RGB)
    yield Case("png orientation 9", png_of(RGB, chunk(b"eXIf", exif(9))), RGB)
    yield Case("png broken icc", png_of(RGB, chunk(b"iCCP", b"x\0\0junk")), RGB)
    yield Case("apng", png_of(RGB, chunk(b"acTL", struct.pack(">II", 3, 0))), "holds 3 frames")
    yield Case("apng of one", png_of(RGB, chunk(b"acTL", struct.pack(">II", 1, 0))), RGB)


def broken_png_cases() -> Iterator[Case]:
    yield Case("png trailing garbage", png_of(RGB) + b"garbage" * 99, RGB)
    broken = bytearray(png_of(RGB))
    broken[broken.index(b"IDAT") + 20] ^= 1
    yield Case("png wrong pixel CRC", bytes(broken), "damaged")
    broken = bytearray(png_of(RGB))
    broken[30] ^= 1
    yield Case("png wrong header CRC", bytes(broken), "damaged")
    text = bytearray(png_of(RGB, chunk(b"tEXt", b"note\0hello")))
    text[text.index(b"hello")] ^= 1
    yield Case("png wrong text CRC", bytes(text), RGB)
    yield Case("png without pixels", png_of(RGB)[:33] + chunk(b"IEND", b""), "damaged")
    yield Case("png too few rows", png(28, 20, 8, 2, b"\0" * 85 * 10), "damaged")
    yield Case("png 0x5", png(0, 5, 8, 2, b""), "0×5 pixels")
    yield Case("png bad depth", png(4, 4, 3, 2, b"\0" * 40), "damaged")
    yield Case("png unknown critical chunk", png_of(RGB, chunk(b"ABCD", b"x")), "damaged")


def jpeg_cases() -> Iterator[Case]:
    best = {"quality": 98, "subsampling": 0}
    plain = pillow(RGB, "JPEG", quality=95)
    yield Case("jpeg", plain, by_pillow(plain, "RGB"), 3)
    yield Case("jpeg grey", pillow(GREY, "JPEG", quality=95), axes(GREY), 6)
    progressive = pillow(RGB, "JPEG", quality=95, progressive=True)
    yield Case("jpeg progressive", progressive, by_pillow(progressive, "RGB"), 3)
    yield Case("jpeg rgb", pillow(RGB, "JPEG", quality=95, keep_rgb=True), RGB, 6)
    for orientation, upright in ORIENTED.items():
        turned = pillow(RGB, "JPEG", exif=b"Exif\0\0" + exif(orientation), **best)
        yield Case(f"jpeg orientation {orientation}", turned, upright, 9)
    yield Case("mpo", frames("MPO", 2, **best), RGB, 9)
    yield Case("jpeg broken exif", pillow(RGB, "JPEG", exif=b"Exif\0\0junk", **best), RGB, 9)
    yield Case("jpeg broken icc", pillow(RGB, "JPEG", icc_profile=b"junk" * 99, **best), RGB, 9)
    yield Case("jpeg trailing garbage", plain + b"garbage" * 99, by_pillow(plain, "RGB"), 3)
    yield Case("jpeg cut and ended", plain[: len(plain) * 2 // 3] + b"\xff\xd9", "damaged")
    yield Case("jpeg zero tail", plain[: len(plain) * 2 // 3] + bytes(400), "damaged")
    frame = plain.index(b"\xff\xc0")
    yield Case("jpeg 12 bits", plain[: frame + 4] + b"\x0c" + plain[frame + 5 :], "precision 12")
    yield Case("jpeg height 0", plain[: frame + 5] + b"\0\0" + plain[frame + 7 :], "damaged")


def webp_cases() -> Iterator[Case]:
    lossless = {"lossless": True, "exact": True}
    yield Case("webp lossless", pillow(RGB, "WEBP", **lossless), RGB)
    yield Case("webp alpha", pillow(RGBA, "WEBP", **lossless), RGBA)
    lossy = pillow(RGB, "WEBP", quality=90)
    yield Case("webp lossy", lossy, by_pillow(lossy, "RGB"), 3)
    for orientation, upright in ORIENTED.items():
        yield Case(
            f"webp orientation {orientation}",
            pillow(RGB, "WEBP", exif=exif(orientation), **lossless),
            upright,
        )
    yield Case("animated webp", frames("WEBP", 4), "holds 4 frames")
    yield Case("webp huge canvas", webp_of_size(16383, 16383)[:40], "damaged")


def gif_bmp_cases() -> Iterator[Case]:
    yield Case("animated gif", frames("GIF", 5), "holds 5 frames")
    few = RGB // 128 * 255
    yield Case("gif", pillow(few, "GIF"), few)
    yield Case("gif interlaced", pillow(few, "GIF", interlace=1), few)
    indexed = PIL.Image.fromarray(GREY // 64, "P")
    indexed.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    stream = io.BytesIO()
    indexed.save(stream, "GIF", transparency=1)
    shown = np.dstack([np.asarray(indexed.convert("RGB")), np.where(GREY // 64 == 1, 0, 255)]).astype(np.uint8)
    yield Case("gif transparent", stream.getvalue(), shown * (shown[:, :, 3:] > 0))
    yield Case("bmp", pillow(RGB, "BMP"), RGB)
    yield Case("bmp grey", pillow(GREY, "BMP"), axes(GREY))
    yield Case("bmp 1 bit", pillow(GREY, "BMP", "1"), by_pillow(pillow(GREY, "BMP", "1"), "L"))
    yield Case("bmp 32 bits", pillow(RGBA, "BMP"), RGB)
    rows = np.dstack([RGB[:, :, ::-1], ALPHA]).tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    alpha = struct.pack("<IiiHHIIiiII", 108, 28, -20, 1, 32, 3, len(rows), 0, 0, 0, 0) + masks + bytes(52)
    yield Case("bmp alpha", b"BM" + struct.pack("<IHHI", 122 + len(rows), 0, 0, 122) + alpha + rows, RGBA)
    upside = struct.pack("<IiiHHIIiiII", 40, 28, -20, 1, 32, 0, len(rows), 0, 0, 0, 0)
    yield Case("bmp top down", b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + upside + rows, RGB)
    yield Case(
        "bmp huge",
        pillow(RGB, "BMP")[:18] + struct.pack("<ii", 60000, 60000) + pillow(RGB, "BMP")[26:],
        "3600 megapixels",
    )


def webp_of_size(width: int, height: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + b"VP8L" + struct.pack("<I", 100) + bytes(100)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bomb_cases() -> Iterator[Case]:
    zeros = zlib.compress(bytes(100 << 20), 9)
    smaller = zlib.compress(bytes(7 << 20), 9)
    yield Case("bomb declared", png(60000, 60000, 8, 2, b"\0"), "3600 megapixels")
    yield Case("bomb side", png(70000, 1, 8, 0, b"\0"), "at most 65535")
    yield Case("bomb of zeros", png(30000, 30000, 1, 0, bytes(3751 * 30000)), "900 megapixels")
    yield Case("bomb in iCCP", png_of(RGB, chunk(b"iCCP", b"x\0\0" + zeros)), RGB)
    yield Case("bomb in zTXt", png_of(RGB, chunk(b"zTXt", b"x\0\0" + zeros)), RGB)
    yield Case("bomb in iTXt", png_of(RGB, chunk(b"iTXt", b"impasto\0\1\0\0\0" + zeros)), RGB)
    yield Case("many small bombs", png_of(RGB, chunk(b"iTXt", b"x\0\1\0\0\0" + smaller) * 60), RGB)
    yield Case("bomb side gif", b"GIF89a" + b"\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",", "damaged|megapixels")


def not_pictures() -> Iterator[Case]:
    noise = np.random.default_rng(0).integers(0, 256, 4000, np.uint8).tobytes()
    yield Case("zero bytes", b"", "is empty")
    yield Case("one byte", b"\x89", "not a picture")
    yield Case("text", b"A picture of the sea.\n" * 40, "not a picture")
    yield Case("text that begins as BMP", b"BMW and other cars, a long list of them.\n", "not a picture")
    yield Case("html", b"<!DOCTYPE html><html><body>404</body></html>", "not a picture")
    yield Case("svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>', "not a picture")
    yield Case("pdf", b"%PDF-1.7\n1 0 obj\n", "not a picture")
    yield Case("zip", b"PK\3\4" + bytes(60), "not a picture")
    yield Case("heic", b"\0\0\0\x18ftypheic" + bytes(60), "not a picture")
    yield Case("noise", noise, "not a picture")
    for magic in (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\4\0\0\0WEBP",
        b"II*\0\x08\0\0\0",
        b"GIF89a",
        b"MM\0+",
    ):
        yield Case(f"only magic {magic[:4]!r}", magic, "damaged")
        yield Case(f"magic and noise {magic[:4]!r}", magic + noise, r"damaged|×|samples|frames|colours")


CASES = [
    *png_cases(),
    *odd_png_cases(),
    *broken_png_cases(),
    *jpeg_cases(),
    *webp_cases(),
    *gif_bmp_cases(),
    *bomb_cases(),
    *not_pictures(),
]


@pytest.fixture(autouse=True)
def silent(capfd):
    """Nothing a decoder says may reach the terminal."""
    yield
    assert capfd.readouterr() == ("", "")


def refusal(call, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.isprintable() and len(message) < 500
    return message


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_file_is_read_right_or_refused_in_one_line(case, tmp_path):
    path = tmp_path / f"file of {case.name!r}.dat".replace("\\", "-")
    path.write_bytes(case.data)
    if isinstance(case.expected, str):
        message = refusal(read_image, path)
        assert path.name in message and re.search(case.expected, message)
        assert re.search(case.expected, refusal(read_image, case.data))
        return
    check_image_file(path)
    image = read_image(path)
    assert samples(image).shape == case.expected.shape and image.pixels.dtype == case.expected.dtype
    assert np.abs(samples(image).astype(int) - case.expected.astype(int)).max() <= case.tolerance
