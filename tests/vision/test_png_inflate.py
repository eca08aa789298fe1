"""What was unpacked, beside what Pillow makes of the same file."""

import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from digits.errors import Refused
from digits.vision.decode import read_picture
from digits.vision.png_inflate import LEAST_BYTES, unpacked
from support.drawing import draw, encode, on_paper
from tests.fuzz.mutating import with_checksums

PIXELS = 25_000_000
SIDE = 201
"""Odd, so that rows of few bits end within a byte."""


def noisy(mode: str) -> Image.Image:
    """A drawing on paper with grain, so that every filter is used."""
    ink = cv2.resize(draw("8"), (2 * SIDE, 3 * SIDE))
    grain = np.random.default_rng(0).integers(0, 9, (*ink.shape, 4), np.uint8)
    rgba = Image.fromarray(np.minimum(on_paper(ink)[..., np.newaxis], 246) + grain)
    return rgba.convert("L").convert("I;16") if mode == "I;16" else rgba.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_each_mode_shows_the_same_picture(mode: str) -> None:
    data = encode(noisy(mode))
    other = unpacked(data)
    # One bit a pixel makes too few bytes to gain anything.
    assert (other == data) == (mode == "1")
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(other)) as after:
        assert (after.mode, after.size) == (before.mode, before.size)
        assert after.tobytes() == before.tobytes()


def test_what_stands_beside_the_pixels_stays() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("before", "x" * 9)
    text.add(b"tEXt", b"after\0" + b"y" * 9, after_idat=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(noisy("P"), pnginfo=text, exif=exif, transparency=3)
    assert unpacked(data) != data
    for file in (data, unpacked(data)):
        with Image.open(BytesIO(file)) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)
            image.load()
            assert (image.text["before"], image.text["after"]) == ("x" * 9, "y" * 9)
            assert image.info["transparency"] == 3
            assert image.getexif()[0x0112] == 6


@pytest.mark.parametrize("kind", ["small", "JPEG", "interlaced", "nothing", "a signature"])
def test_all_else_stays_as_it_is(kind: str) -> None:
    small = encode(draw("8", size=100, margin=20))
    assert len(Image.open(BytesIO(small)).tobytes()) < LEAST_BYTES
    interlaced = bytearray(encode(noisy("L")))
    interlaced[28] = 1
    data = {
        "small": small,
        "JPEG": encode(noisy("L"), "JPEG"),
        "interlaced": bytes(interlaced),
        "nothing": b"",
        "a signature": b"\x89PNG\r\n\x1a\n",
    }[kind]
    assert unpacked(data) == data


def test_more_pixels_than_it_tells_of_are_never_unpacked() -> None:
    data = encode(noisy("L"))
    start = data.index(b"IDAT") - 4
    bomb = zlib.compress(bytes(50_000_000), 9)
    bombed = data[:start] + len(bomb).to_bytes(4, "big") + b"IDAT" + bomb + bytes(4) + data[-12:]
    assert unpacked(bombed) == bombed


def outcome(data: bytes) -> bytes | type[Exception]:
    try:
        return read_picture(data, PIXELS).grey.tobytes()
    except Refused as error:
        return type(error)


def test_damaged_files_fare_as_they_do_with_pillow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(noisy("L"))
    rng = np.random.default_rng(0)
    damaged = [data[:length] for length in rng.integers(30, len(data), 40)]
    for place in [*range(16, 29), *rng.integers(33, 60, 40), *rng.integers(60, len(data), 100)]:
        file = data[:place] + bytes([data[place] ^ 1 << rng.integers(8)]) + data[place + 1 :]
        damaged += [file, with_checksums(file)]
    ours = [outcome(file) for file in damaged]
    monkeypatch.setattr("digits.vision.decode.unpacked", lambda data: data)
    assert ours == [outcome(file) for file in damaged]
    assert len(set(ours)) > 3
