"""Take all out of a picture's file but the pixels of its first frame: the rest may be damaged, costly or private."""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from PIL import ExifTags, Image
from zlib_ng import zlib_ng

from digits.vision.png_inflate import SIGNATURE, chunks_of, is_sound

MOST_EXIF_BYTES = 65_536
"""As much as a JPEG can hold. The orientation of longer EXIF is ignored: reading it could take a second."""
MOST_CHUNKS = 10_000
"""Of a WebP. Each costs Python a step, and metadata is all that may follow so many."""

_JPEG, _RIFF = b"\xff\xd8", b"RIFF"
_PNG_PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
_EXIF = b"Exif\0\0"
_TURNED = range(2, 9)

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_END, _SCAN, _COMMENT = 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_ADOBE = 12
"""Bytes of the segment that says how colours are stored."""
_WITHOUT_CONTENT = (0x01, *range(0xD0, 0xD8))
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
"""Without its thumbnail."""

_WEBP_PIXELS = (b"ALPH", b"VP8 ", b"VP8L")
_HAS_ALPHA, _IS_ANIMATED, _HAS_EXIF = 0x10, 0x02, 0x08
_FRAME_HEADER = 16

_EXIF_ITEM = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)
"""The entry of EXIF in the list of items, ISO/IEC 14496-12, 8.11.6."""


def readable(data: bytes) -> bytes:
    """Return a picture's file without metadata that its decoder could fail at.

    Raises:
        ValueError: the pixels of a PNG do not match their checksum.
    """
    if data[4:8] == b"ftyp":
        return _EXIF_ITEM.sub(rb"\1free", data)  # HEIC and AVIF tell the orientation beside it.
    return without_metadata(data) or data


def without_metadata(data: bytes) -> bytes | None:
    """Return a PNG, JPEG or WebP with its first frame and orientation alone; the pixels are not encoded anew.

    A colour profile goes too, since it may name a device. None if the file is of another format, or has odd parts.

    Raises:
        ValueError: the pixels of a PNG do not match their checksum.
    """
    if data.startswith(SIGNATURE):
        return _bare_png(data)
    if data.startswith(_JPEG):
        return _bare_jpeg(data)
    if data.startswith(_RIFF) and data[8:12] == b"WEBP":
        return _bare_webp(data)
    return None


def _bare_png(data: bytes) -> bytes | None:
    view, parts, names = memoryview(data), [memoryview(SIGNATURE)], set()
    for name, start, end in chunks_of(data):
        if name in _PNG_PIXELS:
            if not is_sound(view, start, end):
                raise ValueError("wrong checksum")
            names.add(name)
            parts.append(view[start:end])
        elif name == b"eXIf" and is_sound(view, start, end) and (exif := _turned(data[start + 8 : end - 4])):
            parts.append(memoryview(_png_chunk(name, exif)))
        elif name == b"IEND":
            break
    return b"".join((*parts, _png_chunk(b"IEND", b""))) if b"IDAT" in names else None


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib_ng.crc32(name + content))


def _bare_jpeg(data: bytes) -> bytes | None:
    parts, place = [_JPEG], len(_JPEG)
    while marker := _MARKER.match(data, place):
        kind, start = marker[1][0], marker.end()
        if kind == _END:
            return b"".join((*parts, b"\xff\xd9"))
        place = start if kind in _WITHOUT_CONTENT else start + int.from_bytes(data[start : start + 2], "big")
        content = data[start + 2 : place]
        if kind == _SCAN and (end := _END_OF_SCAN.search(data, place)):
            place = end.start()
        if kind == _APP0 and content.startswith(b"JFIF\0"):
            parts.append(_JFIF)
        elif kind == _APP1 and content.startswith(_EXIF) and (exif := _turned(content)):
            parts.append(b"\xff\xe1" + struct.pack(">H", 2 + len(_EXIF + exif)) + _EXIF + exif)
        elif (kind == _APP14 and content.startswith(b"Adobe") and len(content) == _ADOBE) or not (
            _APP0 <= kind <= _APP15 or kind == _COMMENT
        ):
            parts.append(data[start - 2 : place])
    return None


def _bare_webp(data: bytes) -> bytes | None:
    parts: dict[bytes, bytes] = {}
    for name, content in _riff_chunks(data[12:]):
        parts.setdefault(name, content)
    if frame := parts.get(b"ANMF"):
        inner = [_riff_chunk(*each) for each in _riff_chunks(frame[_FRAME_HEADER:]) if each[0] in _WEBP_PIXELS]
        parts[b"ANMF"] = frame[:_FRAME_HEADER] + b"".join(inner)
    header = bytearray(parts.pop(b"VP8X", b""))
    exif = _turned(parts.pop(b"EXIF", b"")) if header else b""
    kept = [_riff_chunk(name, parts[name]) for name in (b"ANIM", b"ANMF", *_WEBP_PIXELS) if name in parts]
    if header:
        header[0] = header[0] & (_HAS_ALPHA | _IS_ANIMATED) | (_HAS_EXIF if exif else 0)
        kept.insert(0, _riff_chunk(b"VP8X", bytes(header)))
    if exif:
        kept.append(_riff_chunk(b"EXIF", exif))
    has_pixels = not parts.keys().isdisjoint((b"ANMF", *_WEBP_PIXELS))
    return _riff_chunk(_RIFF, b"WEBP" + b"".join(kept)) if has_pixels else None


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and content of each complete chunk, up to MOST_CHUNKS."""
    place, chunks = 0, 0
    while place + 8 <= len(data) and (chunks := chunks + 1) <= MOST_CHUNKS:
        name, size = struct.unpack_from("<4sI", data, place)
        start, place = place + 8, place + 8 + size + size % 2
        if start + size <= len(data):
            yield name, data[start : start + size]


def _riff_chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _turned(exif: bytes) -> bytes:
    """Return EXIF with the same orientation and nothing else; empty if the picture is upright, or its EXIF damaged."""
    read, made = Image.Exif(), Image.Exif()
    with suppress(Exception):  # Damaged EXIF raises errors of any kind.
        read.load(exif[:MOST_EXIF_BYTES])
        orientation = read.get(ExifTags.Base.Orientation)
        if orientation in _TURNED:
            made[ExifTags.Base.Orientation] = orientation
            return made.tobytes().removeprefix(_EXIF)
    return b""
