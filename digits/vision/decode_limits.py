"""What a picture may cost, judged before it is decoded: a small file can ask for minutes, or for gigabytes."""

import math
import struct
from itertools import islice

import numpy as np
from PIL import BmpImagePlugin, Image, TiffImagePlugin

from digits.errors import TooManyPixels
from digits.vision.png_inflate import chunks_of

MAX_JPEG_SCANS = 100
"""A progressive JPEG has about ten. Each costs a pass over all pixels, so thousands are an attack."""
MAX_JPEG_MARKERS = 200_000
"""Some cameras write one for every few blocks of pixels. Each costs Python a step, so millions are an attack."""
MAX_EXIF_BYTES = 65_536
"""As much as a JPEG can hold; tens of thousands of entries take Pillow a second."""

QUICK_PIXELS = 500_000
QUICK_MARKERS, QUICK_CHUNKS_IN_ALL = 2000, 50
QUICK_CHUNKS = frozenset(b"IHDR PLTE tRNS gAMA cHRM sRGB sBIT bKGD pHYs tIME tEXt IDAT IEND".split())

_PNG_SIZE, _PNG_SIZE_AT = struct.Struct(">II"), 16
_EXIF = b"Exif\0"
_JPEG = b"\xff\xd8\xff"
_MARKER, _START_OF_SCAN = 0xFF, 0xDA
_RUN_LENGTHS = (1, 2)
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def refuse_costly_bytes(data: bytes) -> None:
    """Raises TooManyPixels for a JPEG of endless markers or scans; Pillow steps through all when it opens the file."""
    if not data.startswith(_JPEG):
        return
    values = np.frombuffer(data, np.uint8)
    after = values[1:][values[:-1] == _MARKER]
    if np.count_nonzero(after) > MAX_JPEG_MARKERS or np.count_nonzero(after == _START_OF_SCAN) > MAX_JPEG_SCANS:
        raise _too_costly()


def refuse_costly_header(image: Image.Image, max_pixels: int) -> None:
    """Raises TooManyPixels for an opened picture that is too large, or whose form is far costlier than its size."""
    width, height = image.size
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {max_pixels:,} are accepted. Make it smaller."
        )
    if (
        len(image.info.get("exif") or b"") > MAX_EXIF_BYTES
        or (isinstance(image, TiffImagePlugin.TiffImageFile) and _pixels_of_tiles(image) > max_pixels)
        # Pillow decodes run lengths in Python.
        or (isinstance(image, BmpImagePlugin.BmpImageFile) and image.info.get("compression") in _RUN_LENGTHS)
    ):
        raise _too_costly()


def opens_quickly(data: bytes) -> bool:
    """Whether it is opened in a millisecond or two; other formats, chunks and metadata can ask for megabytes."""
    if data.startswith(_JPEG):
        return data.count(b"\xff") <= QUICK_MARKERS and _EXIF not in data
    names = [name for name, _, _ in islice(chunks_of(data), QUICK_CHUNKS_IN_ALL + 1)]
    few = 0 < len(names) <= QUICK_CHUNKS_IN_ALL and QUICK_CHUNKS.issuperset(names)
    return few and names[0] == b"IHDR" and math.prod(_PNG_SIZE.unpack_from(data, _PNG_SIZE_AT)) <= QUICK_PIXELS


def decodes_quickly(image: Image.Image) -> bool:
    """Whether an opened PNG or JPEG takes a few milliseconds, whatever is in it."""
    return image.width * image.height <= QUICK_PIXELS and not image.info.get("progressive")


def _pixels_of_tiles(image: TiffImagePlugin.TiffImageFile) -> int:
    """Tiles are decoded whole, however little of them the picture shows."""
    width, height = image.size
    across, down = (int(image.tag_v2.get(tag, 0)) or 1 for tag in (_TILE_WIDTH, _TILE_LENGTH))
    return math.ceil(width / across) * across * math.ceil(height / down) * down


def _too_costly() -> TooManyPixels:
    return TooManyPixels("The picture is made in a way that is too costly to decode. Save it as PNG, and send that.")
