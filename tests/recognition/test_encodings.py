"""The same picture in every encoding that people send: the models that ship must answer the same."""

import itertools
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from digits.inference.recogniser import LiteRTRecogniser
from digits.uploads.service import recognise_upload
from support.drawing import Array, draw, encode, on_paper, png_of
from tests.vision.test_decode import TURNS

pytestmark = pytest.mark.slow

PIXELS = 25_000_000
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("L", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "AVIF": ("L", "RGB", "RGBA"),
    "HEIF": ("L", "RGB", "RGBA"),
}


def encodings(ink: Array) -> Iterator[tuple[str, bytes]]:
    """Name and file of each."""
    page = Image.fromarray(on_paper(ink))
    for image_format, modes in MODES.items():
        for mode in modes:
            yield f"{image_format} {mode}", encode(_in_mode(page, mode), image_format)
    for entry, dark in itertools.product((0, 255), (True, False)):
        palette = (page if dark else Image.fromarray(ink)).convert("P")
        for image_format in ("PNG", "GIF"):
            named = f"{image_format} P, entry {entry} transparent, {'dark' if dark else 'light'} ink"
            yield named, encode(palette, image_format, transparency=entry)
    for colour in ((0, 0, 0), (255, 255, 255), (200, 30, 30)):
        strokes = np.dstack([np.full((*ink.shape, 3), colour, np.uint8), ink])
        for image_format in ("PNG", "WEBP", "TIFF", "AVIF", "HEIF"):
            yield f"{image_format} strokes in {colour}", encode(strokes, image_format)
    for orientation, turn in TURNS.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        for image_format in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"):
            turned = page.convert("RGB") if turn is None else page.convert("RGB").transpose(turn)
            yield f"{image_format} orientation {orientation}", encode(turned, image_format, exif=exif.tobytes())
    after = [Image.new("L", page.size, 128)]
    for image_format in ("PNG", "GIF", "WEBP"):
        yield f"{image_format} animated", encode(page, image_format, save_all=True, append_images=after)
    yield "PNG interlaced", _interlaced(on_paper(ink))
    yield "GIF interlaced", encode(page, "GIF", interlace=1)
    yield "JPEG progressive", encode(page, "JPEG", progressive=True)


def _in_mode(page: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(page).astype(np.uint16) * 257)
    return page.convert("RGB").convert(mode) if mode in ("CMYK", "RGBA") else page.convert(mode)


def _interlaced(page: Array) -> bytes:
    """A PNG by Adam7, which Pillow reads but does not write."""
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
    parts = [page[top::down, left::across] for top, down, left, across in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    height, width = page.shape
    return png_of(struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1), zlib.compress(rows))


@pytest.mark.parametrize("digit", "0123456789")
def test_every_encoding_gets_the_same_answer(shipped: LiteRTRecogniser, digit: str) -> None:
    read = defaultdict(list)
    for size, pen in ((28, 3), (160, 12)):
        for name, data in encodings(draw(digit, size, pen, margin=size // 3)):
            read[recognise_upload(data, shipped, PIXELS).record.number].append(f"{name}, {size} pixels")
    assert read.keys() == {digit}, dict(sorted(read.items(), key=lambda item: len(item[1]))[:-1])
