"""Small grey PNGs, beside what Pillow makes of the same file."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from PIL import Image, PngImagePlugin

from digits.errors import TooManyPixels
from digits.vision.decode import read_picture
from digits.vision.small_png import MOST_SIDE, small_grey
from support.drawing import Array, draw, encode, png_of
from tests.fuzz.mutating import mutated, with_checksums


def noise(height: int, width: int) -> Array:
    return np.random.default_rng(height).integers(0, 8, (height, width), np.uint8)


def filtered(kind: int) -> bytes:
    """A PNG whose every row has this filter, whether that makes it small or not."""
    height, width = 5, 7
    rows = b"".join(bytes([kind]) + row.tobytes() for row in noise(height, width))
    return png_of(struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), zlib.compress(rows))


def shown(data: bytes) -> Array:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image)


SMALL = [encode(noise(*shape)) for shape in ((28, 28), (1, 1), (1, 128), (40, 3))] + [encode(draw("7", 40, 4, 10))]


@pytest.mark.parametrize("data", [*SMALL, *map(filtered, range(5))])
def test_it_shows_the_same_picture(data: bytes) -> None:
    grey = small_grey(data)
    assert grey is not None
    assert (grey == shown(data)).all()
    assert (read_picture(data, grey.size).grey == grey).all()


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGB", "RGBA", "I;16"])
def test_other_modes_are_left(mode: str) -> None:
    grey = Image.fromarray(noise(28, 28))
    assert small_grey(encode(grey.convert("I;16") if mode == "I;16" else grey.convert(mode))) is None


def test_other_files_are_left_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Seven")
    sound = SMALL[0]
    others = {
        "JPEG": encode(noise(28, 28), "JPEG"),
        "a chunk more": encode(noise(28, 28), pnginfo=text),
        "bytes after the end": sound + b"\0",
        "no end": sound[:-12],
        "a side too long": encode(np.zeros((2, MOST_SIDE + 1), np.uint8)),
        "a file too long": encode(np.random.default_rng(0).integers(0, 256, (100, 100), np.uint8)),
        "an unknown filter": filtered(5),
        "a longer header": with_checksums(sound[:8] + b"\0\0\0\x0eIHDR" + sound[16:29] + bytes(5) + sound[33:]),
        "nothing": b"",
    }
    assert {name for name, data in others.items() if small_grey(data) is not None} == set()
    assert capfd.readouterr().err == ""


def test_a_lower_limit_of_pixels_holds() -> None:
    with pytest.raises(TooManyPixels):
        read_picture(SMALL[0], 28 * 28 - 1)


def test_what_is_damaged_is_left_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    @given(mutated(SMALL))
    def look(data: bytes) -> None:
        grey = small_grey(data)
        assert grey is None or (grey == shown(data)).all()

    look()
    assert capfd.readouterr().err == ""
