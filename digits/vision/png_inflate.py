"""Decompress a PNG's pixels in one call: Pillow does it row by row, which takes most of its time."""

import struct
from collections.abc import Iterator
from itertools import islice

from zlib_ng import zlib_ng

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""Of a PNG."""
LEAST_BYTES, MOST_BYTES = 1 << 15, 1 << 24
"""Range of the decompressed size: smaller pictures gain nothing, and larger ones would be in memory twice."""
MOST_CHUNKS = 1000
"""A PNG with more chunks, up to the end of its pixels, is left as it is."""

_HEADER = struct.Struct(">4x4sIIBBxxB")
_CHUNK = struct.Struct(">I4s")
_CHECKSUM = 4
_ZLIB = b"\x78\x01"
_BLOCK, _BLOCK_HEADER = 0xFFFF, struct.Struct("<?HH")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def unpacked(data: bytes) -> bytes:
    """Return a PNG with its pixels uncompressed. All other data, and odd or damaged PNGs, are returned unchanged."""
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
    # The checksum is left zero: Pillow does not check that of pixels.
    return b"".join((data[:start], _CHUNK.pack(length, b"IDAT"), *stored, bytes(_CHECKSUM), data[end:]))


def _stored(pixels: bytes) -> list[bytes | memoryview]:
    """Parts of an uncompressed zlib stream of the pixels (RFC 1950, and 3.2.4 of RFC 1951), without copying them."""
    view = memoryview(pixels)
    parts: list[bytes | memoryview] = [_ZLIB]
    for start in range(0, len(view), _BLOCK):
        block = view[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(view)
        parts += [_BLOCK_HEADER.pack(is_last, len(block), len(block) ^ _BLOCK), block]
    return [*parts, zlib_ng.adler32(pixels).to_bytes(4, "big")]


def _size_of_pixels(data: bytes) -> int:
    """Bytes of all rows with their filter bytes; 0 if the data are no PNG, or an interlaced one."""
    if not data.startswith(SIGNATURE):
        return 0
    name, width, height, depth, colour, interlaced = _HEADER.unpack_from(data, len(SIGNATURE))
    if name != b"IHDR" or interlaced:
        return 0
    row: int = (width * depth * _CHANNELS[colour] + 7) // 8
    return int(height * (1 + row))


def _packed_pixels(data: bytes) -> tuple[int, bytes, int]:
    """Return the start of the first chunk of pixels, the contents of all such chunks, and the end of the last.

    Raises:
        ValueError: no chunk follows them, or too many chunks come before.
    """
    first, parts = 0, []
    for name, start, end in islice(chunks_of(data), MOST_CHUNKS):
        if name == b"IDAT":
            first = first or start
            parts.append(data[start + _CHUNK.size : end - _CHECKSUM])
        elif parts:
            return first, b"".join(parts), start
    raise ValueError("no end, or too many chunks")


def chunks_of(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, start and end of each complete chunk of a PNG, or nothing if the data are no PNG."""
    place = len(SIGNATURE) if data.startswith(SIGNATURE) else len(data)
    while place + _CHUNK.size <= len(data):
        length, name = _CHUNK.unpack_from(data, place)
        start, place = place, place + _CHUNK.size + length + _CHECKSUM
        if place <= len(data):
            yield name, start, place


def is_sound(view: memoryview, start: int, end: int) -> bool:
    """Whether the checksum of a PNG's chunk, from its start to its end, is right."""
    return zlib_ng.crc32(view[start + 4 : end - _CHECKSUM]) == int.from_bytes(view[end - _CHECKSUM : end], "big")
