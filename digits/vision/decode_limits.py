"""Limits on what decoding may cost, checked before it: a small file can ask for minutes, or for gigabytes."""

import math
import struct
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import BmpImagePlugin, Image, TiffImagePlugin

from digits.errors import TooManyPixels
from digits.vision.metadata import MOST_EXIF_BYTES
from digits.vision.png_inflate import chunks_of

QUICK_CHUNKS = frozenset(b"IHDR PLTE tRNS gAMA cHRM sRGB sBIT bKGD pHYs tIME tEXt IDAT IEND".split())
"""Chunks of a PNG that cost next to nothing; others may hold compressed megabytes."""

_PNG_SIZE, _PNG_SIZE_AT = struct.Struct(">II"), 16
_EXIF = b"Exif\0"
_JPEG = b"\xff\xd8\xff"
_MARKER, _START_OF_SCAN = 0xFF, 0xDA
_RUN_LENGTHS = (1, 2)
_TILE_WIDTH, _TILE_LENGTH = 322, 323

TOO_COSTLY = "The picture is made in a way that is too costly to decode. Save it as PNG, and send that."


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """How large and how costly a picture may be."""

    max_side: int = 800
    """Pixels of the longer side to work with, a little more than the finder's longest look. Larger pictures are reduced
    by a whole factor; a JPEG's decoder does most of that."""
    large_pixels: int = 4_000_000
    """A picture that must be decoded at a larger size waits for others, since each takes hundreds of megabytes."""
    max_jpeg_scans: int = 100
    """A progressive JPEG has about ten. Each costs a pass over all pixels, so thousands are an attack."""
    max_jpeg_markers: int = 200_000
    """Some cameras write one for every few blocks of pixels. Each costs Python a step, so millions are an attack."""
    max_png_chunks: int = 10_000
    """Chunks of 8 kB, as libpng writes them, would be 80 MB. Each costs Python a step."""
    max_exif_bytes: int = MOST_EXIF_BYTES
    """Of other formats; tens of thousands of entries take Pillow a second."""
    quick_pixels: int = 500_000
    """Pixels that are decoded in a few milliseconds."""
    quick_jpeg_bytes: int = 200_000
    """A longer JPEG takes more than a few milliseconds to decode, and to look through it takes one more."""
    quick_markers: int = 2000
    """Bytes of 0xFF in a JPEG that Pillow opens in a millisecond or two."""
    quick_chunks: int = 50
    """Chunks of a PNG that Pillow opens in a millisecond or two."""


NOTHING_QUICK = DecodeConfig(quick_pixels=0, quick_jpeg_bytes=0, quick_markers=0, quick_chunks=0)
"""With which no picture is decoded here if it can be decoded elsewhere."""


def refuse_costly_bytes(data: bytes, config: DecodeConfig) -> None:
    """Refuse a JPEG with too many markers or scans, or a PNG with too many chunks: opening it steps through all.

    Raises:
        TooManyPixels: there are too many.
    """
    if sum(1 for _ in islice(chunks_of(data), config.max_png_chunks + 1)) > config.max_png_chunks:
        raise TooManyPixels(TOO_COSTLY)
    if not data.startswith(_JPEG):
        return
    values = np.frombuffer(data, np.uint8)
    after = values[1:][values[:-1] == _MARKER]
    if (
        np.count_nonzero(after) > config.max_jpeg_markers
        or np.count_nonzero(after == _START_OF_SCAN) > config.max_jpeg_scans
    ):
        raise TooManyPixels(TOO_COSTLY)


def refuse_costly_header(image: Image.Image, max_pixels: int, config: DecodeConfig) -> None:
    """Refuse an opened picture that is too large, or that costs far more to decode than its size suggests.

    Raises:
        TooManyPixels: it is one of these.
    """
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {max_pixels:,} are accepted. Make it smaller."
        )
    if (
        len(image.info.get("exif") or b"") > config.max_exif_bytes
        or (isinstance(image, TiffImagePlugin.TiffImageFile) and _pixels_of_tiles(image) > max_pixels)
        # Pillow decodes run lengths in Python, which is slow.
        or (isinstance(image, BmpImagePlugin.BmpImageFile) and image.info.get("compression") in _RUN_LENGTHS)
    ):
        raise TooManyPixels(TOO_COSTLY)


def opens_quickly(data: bytes, config: DecodeConfig) -> bool:
    """Whether a picture opens in a millisecond or two; other formats, chunks and metadata can ask for megabytes."""
    if data.startswith(_JPEG):
        is_short = len(data) <= config.quick_jpeg_bytes
        return is_short and data.count(b"\xff") <= config.quick_markers and _EXIF not in data
    names = [name for name, _, _ in islice(chunks_of(data), config.quick_chunks + 1)]
    few = 0 < len(names) <= config.quick_chunks and QUICK_CHUNKS.issuperset(names)
    return few and names[0] == b"IHDR" and math.prod(_PNG_SIZE.unpack_from(data, _PNG_SIZE_AT)) <= config.quick_pixels


def decodes_quickly(image: Image.Image, config: DecodeConfig) -> bool:
    """Whether an opened PNG or JPEG is decoded in a few milliseconds, whatever is in it."""
    return image.width * image.height <= config.quick_pixels and not image.info.get("progressive")


def _pixels_of_tiles(image: TiffImagePlugin.TiffImageFile) -> int:
    """Number of pixels in a TIFF's tiles: they are decoded whole, even if the picture shows little of them."""
    width, height = image.size
    across, down = (int(image.tag_v2.get(tag, 0)) or 1 for tag in (_TILE_WIDTH, _TILE_LENGTH))
    return math.ceil(width / across) * across * math.ceil(height / down) * down
