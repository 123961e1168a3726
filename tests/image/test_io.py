"""Pictures in and out: what comes back is what went in, with its profile and recipe."""

import hashlib
import html
import io
import json
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import FrozenInstanceError
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import torch

from impasto.errors import InputError, SettingError
from impasto.image import Image, encode_image, read_image

FORMATS = ("png", "jpeg", "webp", "tiff")
LOSSLESS = ("png", "tiff")
ROWS, COLUMNS = np.mgrid[:21, :34]
RECIPE = {"method": "gatys", "seed": 7, "style": "große Welle 🌊 <&> ]]> \"'", "weights": [1.5, None, True]}


def picture(bits: int = 8, *, grey: bool = False, alpha: bool = False, **fields) -> Image:
    smooth = np.stack([COLUMNS / 33, ROWS / 20, (ROWS + COLUMNS) / 53], axis=2)[:, :, : 1 if grey else 3]
    pixels = (smooth * (2**bits - 1)).round().astype(f"uint{bits}")
    return Image(pixels, pixels[:, :, 0].copy() if alpha else None, **fields)


def profile(space: bytes) -> bytes:
    """Build a small RGB or grey profile with gamma 1.8, unlike sRGB."""
    white, curve = struct.pack(">3i", 63190, 65536, 54061), b"curv\0\0\0\0\0\0\0\1\1\xcd\0\0"
    primaries = ((46662, 20792, 1246), (16843, 45110, 5299), (9685, 3634, 46834))
    xyz = [b"XYZ \0\0\0\0" + struct.pack(">3i", *values) for values in primaries]
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(78), b"wtpt": b"XYZ \0\0\0\0" + white}
    tags |= {b"kTRC": curve} if space == b"GRAY" else dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags |= {} if space == b"GRAY" else dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    table, body = b"", b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4x", 132 + len(table) + len(body)) + b"\2\x10\0\0mntr" + space + b"XYZ " + bytes(12)
    return (head + b"acsp").ljust(68, b"\0") + white + bytes(48) + struct.pack(">I", len(tags)) + table + body


def same_pixels(ours: Image, theirs: Image) -> bool:
    both = [(ours.pixels, theirs.pixels)]
    if ours.alpha is not None or theirs.alpha is not None:
        both.append((ours.alpha, theirs.alpha))
    return all(a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b) for a, b in both)


@pytest.mark.parametrize("file_format", LOSSLESS)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_and_tiff_keep_everything(bits, grey, alpha, file_format):
    fields = {"icc": profile(b"GRAY" if grey else b"RGB "), "recipe": RECIPE}
    ours = picture(bits, grey=grey, alpha=alpha, **fields)
    back = read_image(encode_image(ours, file_format))
    assert same_pixels(ours, back) and (back.icc, back.recipe) == (ours.icc, RECIPE)
    assert (back.bits, back.grey, back.width, back.height) == (bits, grey, 34, 21)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_jpeg_stays_close_and_shows_transparency_on_white(bits, grey, alpha):
    fields = {"icc": profile(b"GRAY" if grey else b"RGB "), "recipe": RECIPE}
    ours = picture(bits, grey=grey, alpha=alpha, **fields)
    back = read_image(encode_image(ours, "jpeg"))
    opacity = 1.0 if ours.alpha is None else ours.alpha[:, :, None] / (2**bits - 1)
    shown = 255 * (ours.pixels / (2**bits - 1) * opacity + 1 - opacity)
    assert (back.bits, back.grey, back.alpha, back.icc, back.recipe) == (8, grey, None, ours.icc, RECIPE)
    assert np.abs(back.pixels - shown).max() < 7 and np.abs(back.pixels - shown).mean() < 1


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_webp_stays_close_and_keeps_alpha(bits, grey, alpha):
    ours = picture(bits, grey=grey, alpha=alpha, icc=None if grey else profile(b"RGB "), recipe=RECIPE)
    back = read_image(encode_image(ours, "webp"))
    shown = ours.pixels / (2**bits - 1) * 255
    assert (back.bits, back.grey, back.icc, back.recipe) == (8, False, ours.icc, RECIPE)
    assert np.abs(back.pixels - shown).mean() < 3
    if ours.alpha is None:
        assert back.alpha is None
    else:
        assert back.alpha is not None and np.abs(back.alpha - ours.alpha / (2**bits - 1) * 255).max() <= 0.5


def test_grey_with_a_profile_is_converted_for_webp():
    ours = picture(grey=True, icc=profile(b"GRAY"))
    grey = PIL.Image.fromarray(ours.pixels[:, :, 0])
    source, target = PIL.ImageCms.ImageCmsProfile(io.BytesIO(ours.icc)), PIL.ImageCms.createProfile("sRGB")
    shown = np.asarray(PIL.ImageCms.profileToProfile(grey, source, target, outputMode="RGB"))
    back = read_image(encode_image(ours, "webp"))
    assert back.icc is None and np.abs(back.pixels.astype(int) - shown).mean() < 2


def test_16_bits_become_8_by_rounding():
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    opaque = Image(np.full_like(every, 65535), alpha=every[:, :, 0])
    back = read_image(encode_image(opaque, "webp"))
    nearest = [int(Fraction(value * 255, 65535) + Fraction(1, 2)) for value in range(65536)]
    assert back.alpha is not None and back.alpha.ravel().tolist() == nearest


def test_jpeg_keeps_full_colour_resolution_at_quality_95():
    encoded = encode_image(picture(), "jpeg")
    frame = encoded.index(b"\xff\xc0")
    assert [encoded[frame + 11 + 3 * component] for component in range(3)] == [0x11] * 3
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", quality=95)
    theirs = PIL.Image.open(io.BytesIO(stream.getvalue())).quantization
    assert PIL.Image.open(io.BytesIO(encoded)).quantization == theirs


@pytest.mark.parametrize("file_format", FORMATS)
def test_pillow_reads_what_we_write(file_format):
    ours = picture(icc=profile(b"RGB "), recipe=RECIPE)
    theirs = PIL.Image.open(io.BytesIO(encode_image(ours, file_format)))
    assert theirs.info["icc_profile"] == ours.icc
    assert np.abs(np.asarray(theirs.convert("RGB")).astype(int) - ours.pixels).mean() < 3
    if file_format == "png":
        assert json.loads(theirs.text["impasto"]) == RECIPE
        return
    packet = theirs.tag_v2[700] if file_format == "tiff" else theirs.info["xmp"]
    element = ElementTree.fromstring(packet).find(".//{urn:impasto:}recipe")
    assert element is not None and json.loads(element.text) == RECIPE


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("letter", ["x", "é", "漢", "<", '"', "]]>", "\udc80", "\x01", "🌊"])
def test_long_recipes_travel_in_every_format(letter, file_format):
    size = len(json.dumps(letter, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    recipe = {"prompt": letter * (60_000 // (8 if letter == "]]>" else size))}
    assert read_image(encode_image(picture(recipe=recipe), file_format)).recipe == recipe


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("recipe", [{"prompt": "x" * 65_000}, {"loss": float("nan")}, {"model": object()}])
def test_a_recipe_that_cannot_travel_is_refused(recipe, file_format):
    with pytest.raises(InputError, match="recipe"):
        encode_image(picture(recipe=recipe), file_format)


def png_with(kind: bytes, content: bytes) -> bytes:
    encoded = encode_image(picture(), "png")
    made = len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
    return encoded[:33] + made + encoded[33:]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[1]",
        b'"text"',
        b"{",
        b'{"a":}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"a":' * 12_000,
        b'{"a":' + b"9" * 9000 + b"}",
    ],
    ids=lambda text: repr(text[:9]),
)
def test_a_hostile_recipe_is_no_recipe(text):
    assert read_image(png_with(b"iTXt", b"impasto\0\0\0\0\0" + text)).recipe is None
    packed = zlib.compress(text)
    assert read_image(png_with(b"iTXt", b"impasto\0\1\0\0\0" + packed)).recipe is None
    stream = io.BytesIO()
    packet = b"<impasto:recipe><![CDATA[" + text + b"]]></impasto:recipe>"
    PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", xmp=packet)
    assert read_image(stream.getvalue()).recipe is None


@pytest.mark.parametrize(
    "form", ["<impasto:recipe>{}</impasto:recipe>", '<x impasto:recipe="{}"/>', "<x impasto:recipe='{}'/>"]
)
def test_a_recipe_survives_programs_that_rewrite_xmp(form):
    recipe = RECIPE | {"note": "a < b & c > 'd'"}
    stream = io.BytesIO()
    packet = form.format(html.escape(json.dumps(recipe))).encode()
    PIL.Image.new("RGB", (8, 8)).save(stream, "WEBP", xmp=packet)
    assert read_image(stream.getvalue()).recipe == recipe
    packed = b"impasto\0\1\0de\0Rezept\0" + zlib.compress(json.dumps(recipe).encode())
    assert read_image(png_with(b"iTXt", packed)).recipe == recipe


@pytest.mark.parametrize(
    "packet",
    [
        b"<impasto:recipe>",
        b"<impasto:recipe>" + b" " * 60_000,
        b"<impasto:recipe><![CDATA[" * 2_500,
        b"<impasto:recipe><![CDATA[[]" + b"]]>" * 20_000,
        b"<impasto:recipe>&#" + b"9" * 9_000 + b";</impasto:recipe>",
        b"<impasto:recipe>\xff\xff</impasto:recipe>",
        b'<x impasto:recipe="{}',
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><impasto:recipe>&a;</impasto:recipe>',
    ],
    ids=lambda packet: repr(packet[:40]),
)
def test_a_hostile_packet_holds_no_recipe_and_takes_no_time(packet):
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", xmp=packet)
    before = time.process_time()
    assert read_image(stream.getvalue()).recipe is None
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize("icc", [profile(b"GRAY"), profile(b"RGB ")[:-9], b"x" * 200, profile(b"RGB ") + b"x"])
def test_a_profile_of_other_pixels_or_a_broken_one_is_dropped(icc):
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", icc_profile=icc)
    assert read_image(stream.getvalue()).icc is None


@pytest.mark.parametrize("file_format", LOSSLESS)
def test_flipped_and_read_only_pixels_will_do(file_format):
    ours = picture(16, alpha=True)
    flipped = Image(ours.pixels[::-1, ::-1], ours.alpha[::-1, ::-1])
    flipped.pixels.setflags(write=False)
    assert same_pixels(read_image(encode_image(flipped, file_format)), flipped)


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_picture_makes_the_same_bytes(file_format):
    ours = picture(alpha=True, recipe=RECIPE, icc=profile(b"RGB "))
    assert encode_image(ours, file_format) == encode_image(ours, file_format)


def test_quality_and_format_are_checked():
    with pytest.raises(SettingError, match="quality is 0; allowed are values from 1 to 100"):
        encode_image(picture(), "jpeg", quality=0)
    with pytest.raises(SettingError, match="choose one of png, jpeg, webp, tiff"):
        encode_image(picture(), "gif")
    assert len(encode_image(picture(), "jpeg", quality=20)) < len(encode_image(picture(), "jpeg"))


@pytest.mark.parametrize(("file_format", "side"), [("webp", 16384), ("jpeg", 65501)])
def test_a_side_too_long_for_the_format_is_refused(file_format, side):
    with pytest.raises(InputError, match=f"{side}.*write PNG or TIFF"):
        encode_image(Image(np.zeros((1, side, 1), np.uint8)), file_format)


def test_a_file_is_read_from_its_path_its_bytes_or_pillow(tmp_path):
    data = encode_image(picture(alpha=True, icc=profile(b"RGB ")), "png")
    path = tmp_path / "sea.png"
    path.write_bytes(data)
    images = [read_image(source) for source in (str(path), path, data, PIL.Image.open(path))]
    assert all(same_pixels(image, images[0]) and image.icc == images[0].icc for image in images)
    assert [image.name for image in images] == ["sea.png", "sea.png", "picture", "picture"]
    assert [image.sha256 for image in images[:3]] == [hashlib.sha256(data).hexdigest()] * 3
    assert read_image(images[0]) is images[0]


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "float16", "float32", "float64"])
def test_arrays_are_pictures(dtype, channels):
    samples = np.random.default_rng(0).random((5, 7, channels) if channels else (5, 7))
    is_float = np.dtype(dtype).kind == "f"
    array = samples.astype(dtype) if is_float else (samples * np.iinfo(dtype).max).astype(dtype)
    image = read_image(array)
    exact = np.rint(array.astype(np.float64) * 65535) if is_float else array
    exact = exact.reshape(5, 7, max(1, channels))
    assert (image.bits, image.grey) == (8 if dtype == "uint8" else 16, channels < 3)
    assert np.array_equal(image.pixels, exact[:, :, :1] if channels < 3 else exact[:, :, :3])
    assert (image.alpha is None) == (channels not in (2, 4))
    assert image.alpha is None or np.array_equal(image.alpha, exact[:, :, -1])
    array[:] = 0
    assert image.pixels.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("lead", [(), (1,)])
def test_tensors_are_pictures(lead, dtype):
    values = torch.arange(3 * 5 * 7).reshape(3, 5, 7) / 128
    tensor = (values * 255 if dtype == torch.uint8 else values).to(dtype)
    image = read_image(tensor.reshape(*lead, 3, 5, 7).requires_grad_(dtype.is_floating_point))
    scale = 1 if dtype == torch.uint8 else 65535
    assert np.array_equal(image.pixels, (tensor.double() * scale).round().permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        *(
            ("1", "L"),
            ("L", "L"),
            ("LA", "LA"),
            ("P", "RGB"),
            ("PA", "RGBA"),
            ("RGB", "RGB"),
            ("RGBA", "RGBA"),
        ),
        *(("RGBX", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("La", "LA"), ("RGBa", "RGBA")),
    ],
)
def test_pillow_images_are_pictures(mode, expected):
    base = PIL.Image.fromarray(picture().pixels)
    through = {"La": "LA", "RGBa": "RGBA", "PA": "LA"}.get(mode)
    theirs = (base.convert(through) if through else base).convert(mode)
    image = read_image(theirs)
    shown = np.asarray(theirs.convert(expected)).reshape(21, 34, -1)
    ours = image.pixels if image.alpha is None else np.dstack([image.pixels, image.alpha])
    assert np.array_equal(ours, shown)


def test_wide_pillow_images_are_pictures():
    wide = picture(16, grey=True).pixels[:, :, 0]
    assert np.array_equal(read_image(PIL.Image.fromarray(wide)).pixels[:, :, 0], wide)
    assert np.array_equal(read_image(PIL.Image.fromarray(wide.astype(np.int32))).pixels[:, :, 0], wide)
    unit = PIL.Image.fromarray(wide.astype(np.float32) / 65535)
    assert np.array_equal(read_image(unit).pixels[:, :, 0], wide)
    with pytest.raises(InputError, match="int32 values"):
        read_image(PIL.Image.fromarray(wide.astype(np.int32) - 1))


def test_pillow_images_turn_and_lose_their_inks():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    PIL.Image.fromarray(picture().pixels).save(stream, "PNG", exif=exif)
    assert np.array_equal(read_image(PIL.Image.open(stream)).pixels, np.rot90(picture().pixels, -1))
    inks = PIL.Image.new("CMYK", (4, 3), (0, 0, 0, 0))
    assert (read_image(inks).pixels == 255).all()
    keyed = PIL.Image.new("RGB", (4, 3), (1, 2, 3))
    keyed.info["transparency"] = (1, 2, 3)
    assert (read_image(keyed).alpha == 0).all()


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        (np.zeros((4, 4), bool), "bool values"),
        (np.zeros((4, 4), int), "int64 values"),
        (np.full((4, 4), 1.5), "from 1.5 to 1.5"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), 1e300), r"1e\+300"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((4, 4, 5)), r"shape \(4, 4, 5\)"),
        (np.zeros((0, 4)), "4×0 pixels"),
        (np.zeros((1, 65536), np.uint8), "at most 65535"),
        (torch.zeros(2, 3, 4, 4), r"shape \(2, 3, 4, 4\)"),
        (torch.zeros(4, 4), r"shape \(4, 4\)"),
        (PIL.Image.new("LAB", (4, 4)), "mode LAB"),
        (None, "NoneType"),
        (bytearray(b"x"), "bytearray"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused_in_one_line(source, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        read_image(source)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "source", [picture(), picture().pixels, PIL.Image.new("L", (34, 21)), encode_image(picture(), "webp")]
)
def test_the_most_pixels_allowed_can_be_set(source):
    assert read_image(source, max_pixels=34 * 21).width == 34
    with pytest.raises(InputError, match=r"34×21, 0\.000714 megapixels; at most 0\.000713"):
        read_image(source, max_pixels=34 * 21 - 1)


def test_an_image_is_checked_and_frozen():
    assert repr(picture(16, alpha=True)) == "<Image picture: 34×21, 16-bit RGB and alpha>"
    assert read_image(picture()._repr_png_()).width == 34
    with pytest.raises(FrozenInstanceError):
        picture().name = "other"
    with pytest.raises(InputError, match=r"uint8 pixels \(4, 4, 2\)"):
        Image(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(InputError, match=r"uint8 alpha \(4, 5\); it must be uint8 \(4, 4\)"):
        Image(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8))


def test_importing_brings_neither_torch_nor_pillow():
    script = "import sys, impasto.image; print('torch' in sys.modules, 'PIL' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
