"""Limits on what decoding may cost, checked before it: a small file can ask for minutes, or for gigabytes."""

import math
import struct
from itertools import islice

import numpy as np
from PIL import BmpImagePlugin, Image, TiffImagePlugin

from digits.errors import TooManyPixels
from digits.vision.png_inflate import chunks_of

MAX_JPEG_SCANS = 100
"""A progressive JPEG has about ten. Each scan is a pass over all pixels, so thousands are an attack."""
MAX_JPEG_MARKERS = 200_000
"""Some cameras write one for every few blocks of pixels. Each takes a step in Python, so millions are an attack."""
MAX_EXIF_BYTES = 65_536
"""As many as a JPEG can hold; tens of thousands of entries take Pillow a second."""

QUICK_PIXELS = 500_000
"""A picture of at most so many is decoded in a few milliseconds."""
QUICK_MARKERS, QUICK_CHUNKS_IN_ALL = 2000, 50
"""A JPEG of at most so many markers, or a PNG of so many chunks, is opened in a millisecond or two."""
QUICK_CHUNKS = frozenset(b"IHDR PLTE tRNS gAMA cHRM sRGB sBIT bKGD pHYs tIME tEXt IDAT IEND".split())
"""Kinds of a PNG's chunks that open quickly: of these, only IDAT is compressed."""

_PNG_SIZE, _PNG_SIZE_AT = struct.Struct(">II"), 16
_EXIF = b"Exif\0"
_JPEG = b"\xff\xd8\xff"
_MARKER, _START_OF_SCAN = 0xFF, 0xDA
_RUN_LENGTHS = (1, 2)
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def refuse_costly_bytes(data: bytes) -> None:
    """Refuse a JPEG with too many markers or scans: Pillow steps through all of them when it opens the file.

    Raises:
        TooManyPixels: there are too many.
    """  # noqa: DOC501, DOC502 - _too_costly() makes the error.
    if not data.startswith(_JPEG):
        return
    values = np.frombuffer(data, np.uint8)
    after = values[1:][values[:-1] == _MARKER]
    if np.count_nonzero(after) > MAX_JPEG_MARKERS or np.count_nonzero(after == _START_OF_SCAN) > MAX_JPEG_SCANS:
        raise _too_costly()


def refuse_costly_header(image: Image.Image, max_pixels: int) -> None:
    """Refuse an opened picture that is too large, or that costs far more to decode than its size suggests.

    Raises:
        TooManyPixels: it is one of these.
    """  # noqa: DOC501 - _too_costly() makes one of the errors.
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {max_pixels:,} are accepted. Make it smaller."
        )
    if (
        len(image.info.get("exif") or b"") > MAX_EXIF_BYTES
        or (isinstance(image, TiffImagePlugin.TiffImageFile) and _pixels_of_tiles(image) > max_pixels)
        # Pillow decodes run lengths in Python, which is slow.
        or (isinstance(image, BmpImagePlugin.BmpImageFile) and image.info.get("compression") in _RUN_LENGTHS)
    ):
        raise _too_costly()


def opens_quickly(data: bytes) -> bool:
    """Whether a picture opens in a millisecond or two; other formats, chunks and metadata can ask for megabytes."""
    if data.startswith(_JPEG):
        return data.count(b"\xff") <= QUICK_MARKERS and _EXIF not in data
    names = [name for name, _, _ in islice(chunks_of(data), QUICK_CHUNKS_IN_ALL + 1)]
    few = 0 < len(names) <= QUICK_CHUNKS_IN_ALL and QUICK_CHUNKS.issuperset(names)
    return few and names[0] == b"IHDR" and math.prod(_PNG_SIZE.unpack_from(data, _PNG_SIZE_AT)) <= QUICK_PIXELS


def decodes_quickly(image: Image.Image) -> bool:
    """Whether an opened PNG or JPEG is decoded in a few milliseconds, whatever is in it."""
    return image.width * image.height <= QUICK_PIXELS and not image.info.get("progressive")


def _pixels_of_tiles(image: TiffImagePlugin.TiffImageFile) -> int:
    """Number of pixels in a TIFF's tiles: they are decoded whole, even if the picture shows little of them."""
    width, height = image.size
    across, down = (int(image.tag_v2.get(tag, 0)) or 1 for tag in (_TILE_WIDTH, _TILE_LENGTH))
    return math.ceil(width / across) * across * math.ceil(height / down) * down


def _too_costly() -> TooManyPixels:
    return TooManyPixels("The picture is made in a way that is too costly to decode. Save it as PNG, and send that.")
