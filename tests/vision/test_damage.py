"""Damage to the pixels of the first frame is refused; damage to anything else is not the picture's fault."""

import zlib

import numpy as np
import pytest
from PIL import Image

from digits.errors import NotAPicture
from digits.grids import Grey
from digits.vision.decode import FORMATS, read_picture
from support.drawing import draw, encode, photograph

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")  # As read_picture has it outside of tests.

PIXELS = 25_000_000
PAGE = Image.fromarray(photograph(draw("5", size=60, pen=6, margin=20))).convert("RGB")
SMALL, LARGE = Image.new("L", (60, 40), 200), PAGE.resize((400, 400))
"""A PNG of the one is decompressed by Pillow, of the other before it."""


def grey(data: bytes) -> Grey:
    return read_picture(data, PIXELS).grey


def same(data: bytes, other: bytes) -> bool:
    return np.array_equal(grey(data), grey(other))


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_file_that_breaks_off_before_its_last_pixel_is_refused(image_format: str) -> None:
    data = encode(PAGE, image_format)
    for length in np.linspace(len(data) // 20, len(data) - 30, 12).astype(int):
        with pytest.raises(NotAPicture):
            grey(data[:length])


@pytest.mark.parametrize("image_format", ["PNG", "GIF", "WEBP"])
def test_an_animation_that_breaks_off_after_its_first_frame_is_read(image_format: str) -> None:
    data = encode(PAGE, image_format, save_all=True, append_images=[PAGE.transpose(Image.Transpose.ROTATE_90)])
    assert same(data[: len(data) * 3 // 4], data)


@pytest.mark.parametrize("image_format", FORMATS)
def test_what_follows_a_picture_does_no_harm(image_format: str) -> None:
    data = encode(PAGE, image_format)
    assert same(data + b"garbage" * 99, data)
    assert same(data + data[8:], data)


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_pixels_of_a_png_that_do_not_match_their_checksum_are_refused(image: Image.Image) -> None:
    data = encode(image)
    start, end = data.index(b"IDAT"), data.index(b"IEND") - 8
    for place in (start + 4, (start + end) // 2, end, end + 3):
        with pytest.raises(NotAPicture, match="damaged"):
            grey(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_a_png_whose_packed_pixels_are_damaged_before_the_checksum_was_made_is_refused(image: Image.Image) -> None:
    data = encode(image)
    start, end = data.index(b"IDAT"), data.index(b"IEND") - 8
    chunk = data[start : end - 1] + bytes([data[end - 1] ^ 1])
    with pytest.raises(NotAPicture, match="damaged"):
        grey(data[:start] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + data[end + 4 :])


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "AVIF", "HEIF"])
def test_damaged_exif_is_not_looked_at(image_format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    data, plain = (encode(PAGE, image_format, **options) for options in ({"exif": exif.tobytes()}, {}))
    start = data.index(b"a description") - 26
    assert data[start:].startswith((b"MM\0*", b"II*\0"))
    for garbage in (b"XX", b"MM\0*\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"):
        assert same(data[:start] + garbage + data[start + len(garbage) :], plain)


@pytest.mark.parametrize("name", [b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"gAMA", b"pHYs", b"sRGB", b"acTL"])
def test_damaged_chunks_of_a_png_beside_its_pixels_are_not_looked_at(name: bytes) -> None:
    data = encode(PAGE)
    for checksum in (zlib.crc32(name + b"garbage"), 0):
        garbage = b"\0\0\0\7" + name + b"garbage" + checksum.to_bytes(4, "big")
        end = data.index(b"IEND") - 4
        assert same(data[:33] + garbage + data[33:], data)
        assert same(data[:end] + garbage + data[end:], data)


@pytest.mark.parametrize("kind", range(0xE0, 0xF0))
def test_damaged_metadata_of_a_jpeg_is_not_looked_at(kind: int) -> None:
    data = encode(PAGE, "JPEG")
    for garbage in (b"Exif\0\0", b"MPF\0garbage", b"ICC_PROFILE\0\0\0", b"Photoshop 3.0\x008BIM", b"Adobe", b""):
        segment = bytes([0xFF, kind]) + (2 + len(garbage)).to_bytes(2, "big") + garbage
        assert same(data[:2] + segment + data[2:], data)


def test_metadata_that_a_webp_breaks_off_in_is_not_looked_at() -> None:
    data = encode(PAGE, "WEBP", exif=b"Exif\0\0" + b"x" * 200, xmp=b"x" * 200)
    assert same(data[:-300], data)
