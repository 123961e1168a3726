"""What a picture file carries besides pixels: the recipe it was painted by, and its colour profile.

The recipe is a JSON object. PNG has it in an iTXt chunk `impasto`; JPEG, WebP and TIFF have it in an XMP
packet, as the property `impasto:recipe`. Programs that show metadata show both.
"""

import html
import json
import struct
from collections.abc import Mapping
from typing import Any

from impasto.errors import InputError
from impasto.image.containers import PngChunk, inflate
from impasto.image.formats import FileBytes

MAX_RECIPE_BYTES = 64_000
"""Largest recipe written, as UTF-8: with its wrapping it must fit one JPEG segment of 65,533 bytes."""

MAX_ICC_BYTES = 16 * 2**20
"""Largest profile kept: printers' tables have two or three megabytes."""

PNG_KEYWORD = b"impasto"

_MAX_PACKET_BYTES = 2**20
_XMP_START = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:impasto="urn:impasto:"><impasto:recipe><![CDATA['
).encode()
_XMP_END = b']]></impasto:recipe></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'


def recipe_to_json(recipe: Mapping[str, Any]) -> bytes:
    """Write a recipe as UTF-8 JSON on one line.

    Raises:
        InputError: When it holds other things than JSON values, or too many.
    """
    try:
        text = json.dumps(dict(recipe), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the recipe cannot be written as JSON ({error}): use plain values") from None
    # A file name that is not UTF-8 has lone surrogates; their Python escapes are JSON's as well. What ends a
    # CDATA can only be in a JSON string, where its escape means the same.
    encoded = text.encode("utf-8", "backslashreplace").replace(b"]]>", b"]]\\u003e")
    if len(encoded) > MAX_RECIPE_BYTES:
        raise InputError(f"the recipe has {len(encoded)} bytes; a picture carries at most {MAX_RECIPE_BYTES}")
    return encoded


def recipe_from_json(text: bytes) -> dict[str, Any] | None:
    """Read a recipe that anybody may have written.

    Returns:
        The recipe, or None when the text is too long, broken, or no JSON object.
    """
    if len(text) > _MAX_PACKET_BYTES:
        return None
    try:
        recipe = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return recipe if isinstance(recipe, dict) else None


def recipe_to_xmp(recipe: Mapping[str, Any]) -> bytes:
    """Wrap a recipe as an XMP packet."""
    return _XMP_START + recipe_to_json(recipe) + _XMP_END


def recipe_from_xmp(packet: bytes) -> dict[str, Any] | None:
    """Find a recipe in an XMP packet, also when another program has rewritten it."""
    if len(packet) > _MAX_PACKET_BYTES:
        return None
    # No XML parser: the packet is untrusted, and one search for each form takes no time whatever it holds.
    text = _between(packet, b"<impasto:recipe>", b"</impasto:recipe>").strip()
    if text.startswith(b"<![CDATA["):
        return recipe_from_json(_between(text, b"<![CDATA[", b"]]>"))
    quoted = _between(packet, b'impasto:recipe="', b'"') or _between(packet, b"impasto:recipe='", b"'")
    try:
        unescaped = html.unescape((text or quoted).decode())
    except ValueError:
        return None
    return recipe_from_json(unescaped.encode("utf-8", "replace"))


def is_recipe_chunk(data: FileBytes, chunk: PngChunk) -> bool:
    """Tell whether a chunk of a PNG claims to hold a recipe."""
    keyword = PNG_KEYWORD + b"\0"
    return chunk.kind == b"iTXt" and data[chunk.start + 8 : chunk.start + 8 + len(keyword)] == keyword


def recipe_to_itxt(recipe: Mapping[str, Any]) -> bytes:
    """Write a recipe as the content of a PNG iTXt chunk: keyword, not packed, no language, no translation."""
    return PNG_KEYWORD + b"\0\0\0\0\0" + recipe_to_json(recipe)


def recipe_from_itxt(content: bytes) -> dict[str, Any] | None:
    """Read a recipe from the content of a PNG iTXt chunk, packed or not."""
    keyword, _, rest = content.partition(b"\0")
    if keyword != PNG_KEYWORD or len(rest) < 2:
        return None
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    unpacked = inflate(text, _MAX_PACKET_BYTES) if rest[0] else text
    return None if unpacked is None else recipe_from_json(unpacked)


def fitting_icc(profile: bytes | None, channels: int) -> bytes | None:
    """Keep a colour profile if it is sound and speaks of pixels with this many channels.

    Args:
        profile: The ICC profile as the file has it.
        channels: 1 for grey, 3 for RGB.

    Returns:
        The same bytes, or None.
    """
    if profile is None or not 132 <= len(profile) <= MAX_ICC_BYTES:
        return None
    size, space, signature, tags = struct.unpack_from(">I12x4s16x4s88xI", profile)
    if size != len(profile) or signature != b"acsp" or space != {1: b"GRAY", 3: b"RGB "}[channels]:
        return None
    table = profile[132 : 132 + 12 * tags]
    ends = [start + length for _, start, length in struct.iter_unpack(">4sII", table[: len(table) // 12 * 12])]
    is_sound = len(ends) == tags and all(end <= size for end in ends)
    return profile if is_sound else None


def _between(text: bytes, before: bytes, after: bytes) -> bytes:
    """Give what lies between the first `before` and the `after` next to it; nothing without them."""
    _, found, rest = text.partition(before)
    inner, ended, _ = rest.partition(after)
    return inner if found and ended else b""
