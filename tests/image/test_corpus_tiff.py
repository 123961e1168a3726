"""TIFF, which has every sample type and layout, and ink colours: each file with what must become of it."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import pyvips
import tifffile

from impasto.errors import InputError
from impasto.image import check_image_file, read_image

ROWS, COLUMNS = np.mgrid[:20, :28]
RGB = np.stack([COLUMNS * 9, ROWS * 12, (ROWS + COLUMNS) * 5], axis=2).astype(np.uint8)
GREY = RGB[:, :, 0]
ALPHA = (255 - ROWS * 12).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
CMYK = np.dstack([RGB, ALPHA // 4])
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


def axes(array: np.ndarray) -> np.ndarray:
    return array[:, :, None] if array.ndim == 2 else array


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


def tiff(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    colour = axes(array).shape[2] > 2 and options.get("planarconfig") != "separate"
    options.setdefault("photometric", "rgb" if colour else "minisblack")
    tifffile.imwrite(stream, array, metadata=None, **options)
    return stream.getvalue()


def by_pillow(data: bytes, mode: str) -> np.ndarray:
    return axes(np.asarray(PIL.Image.open(io.BytesIO(data)).convert(mode)))


def cmyk_profile() -> bytes:
    """Build an ink profile unlike any printer's: cyan prints red, magenta green, yellow blue."""
    lab = {"white": (255, 128, 128), "c": (136, 208, 195), "m": (224, 42, 211), "y": (82, 207, 20)}
    corners = []
    for index in range(16):
        inks = [ink for bit, ink in zip((8, 4, 2), "cmy", strict=True) if index & bit]
        mixed = np.mean([lab[ink] for ink in inks] or [lab["white"]], axis=0)
        corners.append((mixed[0] * (0.2 if index & 1 else 1), mixed[1], mixed[2]))
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if at % 4 == 0 else 0 for at in range(9)))
    grid = np.array(corners).round().astype(np.uint8).tobytes()
    table = b"mft1\0\0\0\0\4\3\2\0" + identity + ramp * 4 + grid + ramp * 3
    return icc(b"CMYK", b"Lab ", b"prtr", {b"A2B0": table})


def icc(space: bytes, connection: bytes, device: bytes, tags: dict[bytes, bytes]) -> bytes:
    white = struct.pack(">3i", 63190, 65536, 54061)
    description = b"desc\0\0\0\0\0\0\0\5test\0" + b"\0" * 78
    tags = {b"wtpt": b"XYZ \0\0\0\0" + white, b"desc": description, **tags}
    table, body = b"", b""
    for tag, content in tags.items():
        start = 132 + 12 * len(tags) + len(body)
        table += tag + struct.pack(">II", start, len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = 132 + len(table) + len(body)
    head = struct.pack(">I4x", size) + b"\2\x10\0\0" + device + space + connection + b"\0" * 12 + b"acsp"
    return head.ljust(68, b"\0") + white + b"\0" * 48 + struct.pack(">I", len(tags)) + table + body


def printed(inks: np.ndarray, profile: bytes) -> np.ndarray:
    """Convert inks to sRGB with Pillow's colour engine."""
    return np.asarray(
        PIL.ImageCms.profileToProfile(
            PIL.Image.fromarray(inks, "CMYK"),
            PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            PIL.ImageCms.createProfile("sRGB"),
            renderingIntent=PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=PIL.ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    )


def ink_cases() -> Iterator[Case]:
    generic = pyvips.Operation.call("profile_load", "cmyk")
    inks = pillow(CMYK, "JPEG", "CMYK", quality=100)
    yield Case("cmyk jpeg", inks, printed(by_pillow(inks, "CMYK"), generic), 4)
    own = cmyk_profile()
    tagged = pillow(CMYK, "JPEG", "CMYK", quality=100, icc_profile=own)
    yield Case("cmyk jpeg with profile", tagged, printed(by_pillow(tagged, "CMYK"), own), 4)
    marker = inks.index(b"\xff\xee")
    unmarked = inks[:marker] + inks[marker + 16 :]
    yield Case("cmyk jpeg, not Adobe", unmarked, printed(by_pillow(unmarked, "CMYK"), generic), 4)
    ycck = inks[: marker + 15] + b"\2" + inks[marker + 16 :]
    yield Case("ycck jpeg", ycck, printed(by_pillow(ycck, "CMYK"), generic), 4)
    broken = pillow(CMYK, "JPEG", "CMYK", quality=100, icc_profile=b"junk" * 99)
    yield Case("cmyk jpeg with broken profile", broken, printed(by_pillow(broken, "CMYK"), generic), 4)
    yield Case("tiff cmyk", tiff(CMYK, photometric="separated"), printed(CMYK, generic), 4)
    tagged = tiff(CMYK, photometric="separated", iccprofile=own)
    yield Case("tiff cmyk with profile", tagged, printed(CMYK, own), 4)
    twice = printed(CMYK, generic).astype(np.uint16) * 257
    yield Case("tiff cmyk 16", tiff(CMYK.astype(np.uint16) * 257, photometric="separated"), twice, 4 * 257)


def tiff_cases() -> Iterator[Case]:
    yield Case("tiff", tiff(RGB), RGB)
    yield Case("tiff grey", tiff(GREY), axes(GREY))
    yield Case("tiff 16", tiff(WIDE), WIDE)
    yield Case("tiff big endian", tiff(WIDE.astype(">u2"), byteorder=">"), WIDE)
    yield Case("bigtiff", tiff(WIDE, bigtiff=True), WIDE)
    yield Case("bigtiff big endian", tiff(WIDE.astype(">u2"), byteorder=">", bigtiff=True), WIDE)
    yield Case("tiff deflate", tiff(WIDE, compression="zlib", rowsperstrip=3), WIDE)
    yield Case("tiff lzw", pillow(RGB, "TIFF", compression="tiff_lzw"), RGB)
    yield Case("tiff packbits", pillow(RGB, "TIFF", compression="packbits"), RGB)
    yield Case(
        "tiff group 4",
        pillow(GREY, "TIFF", "1", compression="group4"),
        by_pillow(pillow(GREY, "PNG", "1"), "L"),
    )
    inside = pillow(RGB, "TIFF", compression="jpeg", quality=95)
    yield Case("tiff jpeg", inside, by_pillow(inside, "RGB"), 3)
    subsampled = pyvips.Image.new_from_array(RGB).tiffsave_buffer(compression="jpeg", Q=95)
    yield Case("tiff ycbcr jpeg", subsampled, by_pillow(subsampled, "RGB"), 3)
    yield Case("tiff tiled", tiff(RGB, tile=(16, 16)), RGB)
    yield Case(
        "tiff planar",
        tiff(np.ascontiguousarray(RGB.transpose(2, 0, 1)), photometric="rgb", planarconfig="separate"),
        RGB,
    )
    yield Case("tiff white is zero", tiff(GREY, photometric="miniswhite"), axes(255 - GREY))
    yield Case("tiff 1 bit", tiff(GREY > 99), axes((GREY > 99).astype(np.uint8) * 255))
    yield Case("tiff alpha", tiff(RGBA, extrasamples=["unassalpha"]), RGBA)
    soaked = (RGBA[:, :, :3] * (ALPHA[:, :, None] / 255)).round().astype(np.uint8)
    yield Case(
        "tiff premultiplied", tiff(np.dstack([soaked, ALPHA])[:16], extrasamples=["assocalpha"]), RGBA[:16], 5
    )
    yield Case(
        "tiff grey alpha",
        tiff(RGBA[:, :, 2:], photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]),
        RGBA[:, :, 2:],
    )
    colormap = np.arange(768, dtype=np.uint16).reshape(3, 256) * 85
    looked_up = (colormap[:, GREY] // 257).transpose(1, 2, 0).astype(np.uint8)
    yield Case("tiff palette", tiff(GREY, photometric="palette", colormap=colormap), looked_up, 1)


def tiff_number_cases() -> Iterator[Case]:
    unit = WIDE.astype(np.float32) / 65535
    yield Case("tiff float", tiff(unit), WIDE)
    yield Case("tiff half float", tiff(unit.astype(np.float16)), WIDE, 32)
    yield Case(
        "tiff float alpha",
        tiff(np.dstack([unit, unit[:, :, 0]]), extrasamples=["unassalpha"]),
        np.dstack([WIDE, WIDE[:, :, 0]]),
    )
    yield Case("tiff float above 1", tiff(unit * 2), r"values from 0 to 1\.9")
    yield Case("tiff float below 0", tiff(unit - 1), "values from -1 to")
    yield Case("tiff NaN", tiff(np.where(GREY > 99, np.nan, 0.5).astype(np.float32)), "holds NaN")
    yield Case("tiff infinite", tiff(np.where(GREY > 99, np.inf, 0.5).astype(np.float32)), "to inf")
    yield Case("tiff float, white is zero", tiff(unit[:, :, 0], photometric="miniswhite"), "inverted float")
    for kind in ("int8", "int16", "int32", "uint32", "float64", "complex64"):
        bits = np.dtype(kind).itemsize * 8
        yield Case(f"tiff {kind}", tiff(GREY.astype(kind)), f"{bits}-bit (signed|unsigned|float|complex) samples")


def tiff_page_cases() -> Iterator[Case]:
    for orientation, upright in ORIENTED.items():
        turned = tiff(RGB, extratags=[(274, "H", 1, orientation, True)])
        yield Case(f"tiff orientation {orientation}", turned, upright)
    yield Case("tiff pages", frames("TIFF", 3), "holds 3 frames")
    pyramid = io.BytesIO()
    with tifffile.TiffWriter(pyramid) as writer:
        writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None)
    yield Case("tiff with thumbnail", pyramid.getvalue(), RGB)
    yield Case("tiff preview only", tiff(RGB, subfiletype=1), "only a preview")
    yield Case(
        "tiff 5 channels",
        tiff(np.dstack([RGBA, ALPHA]), extrasamples=["unassalpha", "unspecified"]),
        "5 channels",
    )
    yield Case("tiff cielab", tiff(RGB, photometric="cielab"), "CIELAB")
    yield Case("tiff ycbcr", pillow(RGB, "TIFF", "YCbCr"), "YCbCr")
    looped = bytearray(tiff(RGB))
    start = struct.unpack_from("<I", looped, 4)[0]
    tags = struct.unpack_from("<H", looped, start)[0]
    struct.pack_into("<I", looped, start + 2 + 12 * tags, start)
    yield Case("tiff looping", bytes(looped), "nowhere")
    yield Case("tiff trailing garbage", tiff(RGB) + b"garbage" * 99, RGB)
    huge = bytearray(tiff(RGB))
    for tag in range(tags):
        if struct.unpack_from("<H", huge, start + 2 + 12 * tag)[0] in (256, 257):
            struct.pack_into("<HII", huge, start + 4 + 12 * tag, 4, 1, 40000)
    yield Case("tiff huge", bytes(huge), "1600 megapixels")


CASES = [*ink_cases(), *tiff_cases(), *tiff_number_cases(), *tiff_page_cases()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_tiff_is_read_right_or_refused_in_one_line(case, tmp_path, capfd):
    path = tmp_path / f"{case.name}.tif"
    path.write_bytes(case.data)
    if isinstance(case.expected, str):
        with pytest.raises(InputError, match=case.expected) as caught:
            read_image(path)
        assert path.name in str(caught.value) and str(caught.value).isprintable()
    else:
        check_image_file(path)
        image = read_image(path)
        samples = image.pixels if image.alpha is None else np.dstack([image.pixels, image.alpha])
        assert samples.shape == case.expected.shape and samples.dtype == case.expected.dtype
        assert np.abs(samples.astype(int) - case.expected.astype(int)).max() <= case.tolerance
    assert capfd.readouterr() == ("", "")
