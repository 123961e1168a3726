"""What a picture file says of itself, read and judged before a pixel is decoded."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import pyvips

from impasto.errors import InputError
from impasto.image import containers
from impasto.image.formats import FileBytes, FileFormat, check_picture_size, damaged, sniff, unknown_format

if TYPE_CHECKING:
    import PIL.Image


class Header(NamedTuple):
    """What a file says of itself before a pixel is decoded.

    Attributes:
        file_format: Its format.
        width: Pixels from left to right as stored, before any turn.
        height: Pixels from top to bottom.
        frames: Pictures in the file; its own thumbnails do not count.
        page: Which of a TIFF's pages is the picture.
    """

    file_format: FileFormat
    width: int
    height: int
    frames: int = 1
    page: int = 0


def read_header(data: FileBytes, name: str, max_pixels: int) -> Header:
    """Read and judge a file's header.

    Args:
        data: The whole file.
        name: Its name for errors.
        max_pixels: Most pixels allowed.

    Raises:
        InputError: When the file is no picture that may be decoded.
    """
    file_format = sniff(data)
    if file_format is None:
        raise unknown_format(name)
    readers: dict[str, Callable[[FileBytes, str], Header]] = {
        "png": _png_header,
        "tiff": _tiff_header,
        "bmp": _bmp_header,
    }
    read = readers.get(file_format)
    header = read(data, name) if read else _vips_header(data, file_format, name)
    check_picture_size(header.width, header.height, name, max_pixels)
    if header.frames != 1:
        raise InputError(f"{name} holds {header.frames} frames; one picture is allowed: extract a frame first")
    return header


def open_with_vips(data: FileBytes, file_format: FileFormat, name: str, page: int = 0) -> pyvips.Image:
    """Open a file whose pixels are decoded later.

    Args:
        data: The whole file. It must outlive the image, which does not hold on to it.
        file_format: What it was recognised as; no other decoder is tried.
        name: Its name for errors.
        page: Which page of a TIFF.

    Raises:
        InputError: When libvips finds no such picture in it.
    """
    options = {"page": page} if page else {}
    try:
        return pyvips.Operation.call(
            f"{file_format}load_source",
            pyvips.Source.new_from_memory(data),
            access="sequential",
            # A tile or scan that breaks off is a mere warning to libtiff and libjpeg, and a grey patch to us.
            fail_on="warning",
            **options,
        )
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise damaged(name, error) from None


def open_bmp(data: FileBytes, name: str) -> "PIL.Image.Image":
    """Open a BMP whose pixels are decoded later.

    Raises:
        InputError: When Pillow finds no BMP in it.
    """
    # Pillow takes a tenth of a second to import and few pictures are BMP.
    from PIL.BmpImagePlugin import BmpImageFile  # noqa: PLC0415

    try:
        # Not Image.open: it would warn by its own, process-wide limit.
        return BmpImageFile(BytesIO(data))
    except Exception as error:
        raise damaged(name, error) from None


def _vips_header(data: FileBytes, file_format: FileFormat, name: str) -> Header:
    image = open_with_vips(data, file_format, name)
    frames = image.get("n-pages") if image.get_typeof("n-pages") else 1
    return Header(file_format, image.width, image.height, frames)


def _png_header(data: FileBytes, name: str) -> Header:
    width = height = 0
    frames = 1
    for chunk in containers.png_chunks(data, name):
        if chunk.kind == b"IHDR":
            width, height = (int.from_bytes(chunk.content(data)[at : at + 4], "big") for at in (0, 4))
        elif chunk.kind == b"acTL":
            frames = max(1, int.from_bytes(chunk.content(data)[:4], "big"))
        elif chunk.kind in (b"IDAT", b"IEND"):
            break
    return Header("png", width, height, frames)


def _tiff_header(data: FileBytes, name: str) -> Header:
    pages = containers.tiff_pages(data, name)
    # Bit 0 marks a smaller copy, bit 2 a mask of another page.
    pictures = [index for index, page in enumerate(pages) if page[containers.SUBFILE_TYPE] & 0b101 == 0]
    if not pictures:
        raise InputError(f"{name} holds only a preview, as camera raw files do: develop it to PNG or JPEG first")
    page = pages[pictures[0]]
    if len(pictures) == 1:
        _check_tiff_samples(page, name)
    return Header("tiff", page[containers.WIDTH], page[containers.HEIGHT], len(pictures), pictures[0])


def _check_tiff_samples(page: dict[int, int], name: str) -> None:
    bits, kind = page[containers.BITS], page[containers.SAMPLE_FORMAT]
    kinds = {1: "unsigned", 2: "signed", 3: "float", 4: "undefined"}
    is_number = (kind in (1, 4) and bits in (1, 2, 4, 8, 16)) or (kind == 3 and bits in (16, 32))
    if not is_number:
        raise InputError(
            f"{name} holds {bits}-bit {kinds.get(kind, 'complex')} samples; allowed are 8- and 16-bit"
            " unsigned and 16- and 32-bit float: convert it"
        )
    colours, compression = page[containers.PHOTOMETRIC], page[containers.COMPRESSION]
    # libvips inverts whole numbers where zero is white, not floats, and turns YCbCr to RGB only inside JPEG.
    is_known = colours in (1, 2, 3, 5) or (colours == 0 and kind != 3) or (colours == 6 and compression == 7)
    if not is_known:
        named = {0: "inverted float", 4: "mask", 6: "YCbCr", 8: "CIELAB", 32803: "raw"}
        raise InputError(
            f"{name} has {named.get(colours, f'unknown ({colours})')} colours; allowed are grey, RGB,"
            " palette, CMYK, and YCbCr inside JPEG: convert it to RGB"
        )


def _bmp_header(data: FileBytes, name: str) -> Header:
    width, height = open_bmp(data, name).size
    return Header("bmp", width, height)
