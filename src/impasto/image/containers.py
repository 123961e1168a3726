"""What libvips does not tell of PNG and TIFF: frames, sample types, and chunks that unpack to gigabytes."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from impasto.image.formats import FileBytes, damaged

PNG_SIGNATURE_SIZE = 8
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk of every PNG."""
_MAX_PNG_CHUNKS = 1_000_000
_MAX_TIFF_PAGES = 10_000
_MAX_TIFF_TAGS = 512

SUBFILE_TYPE, WIDTH, HEIGHT, BITS = 254, 256, 257, 258
COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT = 259, 262, 339
_TIFF_DEFAULTS = {SUBFILE_TYPE: 0, WIDTH: 0, HEIGHT: 0, BITS: 1}
_TIFF_DEFAULTS |= {COMPRESSION: 1, PHOTOMETRIC: -1, SAMPLE_FORMAT: 1}
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""TIFF's unsigned types, as `struct` names them."""


class PngChunk(NamedTuple):
    """One chunk of a PNG: its kind, and where it lies in the file with its length and check sum."""

    kind: bytes
    start: int
    end: int

    def content(self, data: FileBytes) -> bytes:
        """Give the chunk's content."""
        return data[self.start + 8 : self.end - 4]

    def is_intact(self, data: FileBytes) -> bool:
        """Tell whether the chunk's check sum is right."""
        (checksum,) = struct.unpack_from(">I", data, self.end - 4)
        return bool(checksum == zlib.crc32(data[self.start + 4 : self.end - 4]))


def png_chunks(data: FileBytes, name: str) -> Iterator[PngChunk]:
    """Walk through a PNG file.

    Args:
        data: The file, its signature already recognised.
        name: Its name for errors.

    Yields:
        The chunks in their order, the last one IEND; what follows it is ignored.

    Raises:
        InputError: When the file breaks off before IEND.
    """
    start = PNG_SIGNATURE_SIZE
    for _ in range(_MAX_PNG_CHUNKS):
        if start + 12 > len(data):
            raise damaged(name, "no end of PNG")
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            raise damaged(name, "PNG chunk breaks off")
        yield PngChunk(kind, start, end)
        if kind == b"IEND":
            return
        start = end
    raise damaged(name, f"more than {_MAX_PNG_CHUNKS} PNG chunks")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Build a chunk of a PNG file."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def inflate(packed: bytes, limit: int) -> bytes | None:
    """Unpack zlib data without trusting it.

    Args:
        packed: The zlib stream.
        limit: Most bytes to unpack.

    Returns:
        The content, or None when it is broken or larger than `limit`.
    """
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, limit)
    except zlib.error:
        return None
    return content if unpacker.eof else None


def tiff_pages(data: FileBytes, name: str) -> list[dict[int, int]]:
    """List the pages of a TIFF, classic or BigTIFF, in either byte order.

    Args:
        data: The file, its signature already recognised.
        name: Its name for errors.

    Returns:
        For each page its tags that matter to us: the first number of each, or the standard's default.

    Raises:
        InputError: When a page lies outside the file or follows itself.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    layout = _TiffLayout(order, "Q", "Q", 8, 20) if is_big else _TiffLayout(order, "I", "H", 4, 12)
    pages: list[dict[int, int]] = []
    seen = {0}
    try:
        (directory,) = struct.unpack_from(order + layout.offset, data, layout.first)
        while directory not in seen and len(pages) < _MAX_TIFF_PAGES:
            seen.add(directory)
            tags, directory = _tiff_page(data, directory, layout, name)
            pages.append(tags)
    except (struct.error, OverflowError):
        raise damaged(name, "TIFF directory breaks off") from None
    if not pages or directory in seen - {0}:
        raise damaged(name, "TIFF directories lead nowhere")
    return pages


class _TiffLayout(NamedTuple):
    """How a kind of TIFF writes offsets and numbers of tags, where its first offset is, how long a tag is."""

    order: str
    offset: str
    tag_count: str
    first: int
    entry_size: int


def _tiff_page(data: FileBytes, directory: int, layout: _TiffLayout, name: str) -> tuple[dict[int, int], int]:
    """Read one directory: its tags, and where the next one is."""
    (count,) = struct.unpack_from(layout.order + layout.tag_count, data, directory)
    if count > _MAX_TIFF_TAGS:
        raise damaged(name, f"{count} tags in a TIFF directory")
    start = directory + struct.calcsize(layout.order + layout.tag_count)
    end = start + count * layout.entry_size
    tags = dict(_TIFF_DEFAULTS)
    for entry in range(start, end, layout.entry_size):
        tag, kind, length = struct.unpack_from(f"{layout.order}HH{layout.offset}", data, entry)
        if tag in tags and kind in _TIFF_NUMBERS:
            number = layout.order + _TIFF_NUMBERS[kind]
            place = entry + 4 + struct.calcsize(layout.order + layout.offset)
            if length * struct.calcsize(number) > struct.calcsize(layout.order + layout.offset):
                (place,) = struct.unpack_from(layout.order + layout.offset, data, place)
            (tags[tag],) = struct.unpack_from(number, data, place)
    (following,) = struct.unpack_from(layout.order + layout.offset, data, end)
    return tags, following
