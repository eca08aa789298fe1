"""PNG's pixels unpacked in one go: Pillow unpacks them row by row, which takes it most of the time that it needs."""

import struct
from collections.abc import Iterator
from itertools import islice

from zlib_ng import zlib_ng

LEAST_BYTES, MOST_BYTES = 1 << 15, 1 << 24
"""Of pixels: what is smaller gains nothing, and what is larger would be held in memory twice."""
MOST_CHUNKS = 1000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4x4sIIBBxxB")
_CHUNK = struct.Struct(">I4s")
_CHECKSUM = 4
_ZLIB = b"\x78\x01"
_BLOCK, _BLOCK_HEADER = 0xFFFF, struct.Struct("<?HH")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def unpacked(data: bytes) -> bytes:
    """A PNG -> the same picture with its pixels stored, not deflated; all else, odd and damaged ones too, as it is."""
    try:
        size = _size_of_pixels(data)
        if not LEAST_BYTES <= size <= MOST_BYTES:
            return data
        start, packed, end = _packed_pixels(data)
        inflating = zlib_ng.decompressobj()
        pixels = inflating.decompress(packed, size)
    except (struct.error, KeyError, ValueError, zlib_ng.error):  # type: ignore[misc] # Its stub forgets it is a class.
        return data
    if len(pixels) != size or not (inflating.eof or inflating.decompress(inflating.unconsumed_tail, 1) == b""):
        return data
    stored = _stored(pixels)
    length = sum(map(len, stored))
    # Pillow looks at no checksum of pixels.
    return b"".join((data[:start], _CHUNK.pack(length, b"IDAT"), *stored, bytes(_CHECKSUM), data[end:]))


def _stored(pixels: bytes) -> list[bytes | memoryview]:
    """The parts of what zlib makes of it at level 0 (RFC 1950, and 3.2.4 of RFC 1951), without a copy."""
    view = memoryview(pixels)
    parts: list[bytes | memoryview] = [_ZLIB]
    for start in range(0, len(view), _BLOCK):
        block = view[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(view)
        parts += [_BLOCK_HEADER.pack(is_last, len(block), len(block) ^ _BLOCK), block]
    return [*parts, zlib_ng.adler32(pixels).to_bytes(4, "big")]


def _size_of_pixels(data: bytes) -> int:
    """Bytes of the rows with their filters; 0 for what is no PNG, or an interlaced one."""
    if not data.startswith(_SIGNATURE):
        return 0
    name, width, height, depth, colour, interlaced = _HEADER.unpack_from(data, len(_SIGNATURE))
    if name != b"IHDR" or interlaced:
        return 0
    row: int = (width * depth * _CHANNELS[colour] + 7) // 8
    return int(height * (1 + row))


def _packed_pixels(data: bytes) -> tuple[int, bytes, int]:
    """Where the first chunk of pixels starts, what they all hold, and where the last one ends. Raises ValueError."""
    first, parts = 0, []
    for name, start, end in islice(chunks_of(data), MOST_CHUNKS):
        if name == b"IDAT":
            first = first or start
            parts.append(data[start + _CHUNK.size : end - _CHECKSUM])
        elif parts:
            return first, b"".join(parts), start
    raise ValueError("no end, or too many chunks")


def chunks_of(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each whole chunk of a PNG: its name, and where it starts and ends. Nothing for what is no PNG."""
    place = len(_SIGNATURE) if data.startswith(_SIGNATURE) else len(data)
    while place + _CHUNK.size <= len(data):
        length, name = _CHUNK.unpack_from(data, place)
        start, place = place, place + _CHUNK.size + length + _CHECKSUM
        if place <= len(data):
            yield name, start, place
