"""Which picture files are read, how large they may be, and how an error speaks of them."""

from mmap import mmap
from typing import Literal, get_args

from impasto.errors import InputError, one_line

FileFormat = Literal["png", "jpeg", "webp", "tiff", "gif", "bmp"]
"""What is read."""

WritableFormat = Literal["png", "jpeg", "webp", "tiff"]
"""What is written."""

FileBytes = bytes | mmap
"""A whole file: in memory, or mapped when only its header is wanted."""

MAX_PIXELS = 16384 * 16384
"""Most pixels read unless asked otherwise: 256 binary megapixels, a gigabyte of 8-bit RGBA. The largest
cameras give 150; what is beyond is a scan to be cut into parts, or a bomb."""

MAX_SIDE = 65535
"""Longest side read: what JPEG and GIF can say in a header, and more than any network paints."""

MAX_FILE_BYTES = 8 * MAX_PIXELS + 2**20
"""Largest file read: the most pixels as uncompressed 16-bit RGBA, and room for metadata."""

_SIGNATURES: dict[bytes, FileFormat] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)


def sniff(head: FileBytes) -> FileFormat | None:
    """Recognise a picture file by its first bytes, whatever it is called.

    Args:
        head: The file, or at least its first 18 bytes.

    Returns:
        The format, or None when it is none of those read.
    """
    for start, file_format in _SIGNATURES.items():
        if head[: len(start)] == start:
            return file_format
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    # Two letters begin many texts, so the size of the second header must fit as well.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    return None


def check_file_size(size: int, name: str) -> None:
    """Raise unless a file of `size` bytes may be read.

    Raises:
        InputError: When it is empty or too large.
    """
    if size == 0:
        raise InputError(f"{name} is empty: save or fetch it again")
    if size > MAX_FILE_BYTES:
        raise InputError(
            f"{name} has {size / 2**20:.0f} MB; at most {MAX_FILE_BYTES / 2**20:.0f} are read: make it smaller"
        )


def check_picture_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Raise unless a picture of this size may be read.

    Raises:
        InputError: When it has no pixel, too many, or too long a side.
    """
    if width < 1 or height < 1:
        raise InputError(f"{name} is {width}×{height} pixels; a picture has at least one: save it again")
    if max(width, height) > MAX_SIDE:
        raise InputError(
            f"{name} is {width}×{height} pixels; a side has at most {MAX_SIDE}: cut it or make it smaller"
        )
    if width * height > max_pixels:
        raise InputError(
            f"{name} is {width}×{height}, {_megapixels(width * height)} megapixels;"
            f" at most {_megapixels(max_pixels)} are read: make it smaller"
        )


def unknown_format(name: str) -> InputError:
    """Word the error for a file that is none of the formats read."""
    allowed = ", ".join(get_args(FileFormat)).upper()
    return InputError(f"{name} is not a picture that can be read; allowed are {allowed}: convert it to PNG")


def damaged(name: str, reason: object) -> InputError:
    """Word the error for a file that breaks off or contradicts itself.

    Args:
        name: The file, as `one_line` shows it.
        reason: What the decoder said.
    """
    return InputError(
        f"{name} is damaged, cut short or of a rare kind ({last_line(reason)}): save or fetch it again"
    )


def last_line(reason: object) -> str:
    """Quote the last line of what a library said, for it piles up earlier messages before it."""
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    return one_line(lines[-1])[:120] if lines else "no reason given"


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:.0f}" if pixels >= 10_000_000 else f"{pixels / 1e6:.3g}"
