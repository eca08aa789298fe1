"""Pictures to test with, all drawn here: nobody's handwriting, and no MNIST."""

import struct
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

STROKES: dict[str, list[list[tuple[int, int]]]] = {
    "0": [[(50, 5), (25, 20), (18, 50), (25, 80), (50, 95), (75, 80), (82, 50), (75, 20), (50, 5)]],
    "1": [[(35, 25), (55, 5), (55, 95)]],
    "2": [[(20, 25), (35, 8), (60, 5), (78, 22), (70, 45), (20, 95), (85, 95)]],
    "3": [[(20, 12), (50, 5), (75, 20), (68, 40), (42, 48), (72, 56), (80, 75), (55, 95), (18, 86)]],
    "4": [[(55, 5), (15, 60), (85, 60)], [(65, 30), (65, 95)]],
    "5": [[(75, 5), (28, 5), (25, 45), (55, 40), (78, 55), (75, 82), (50, 95), (20, 88)]],
    "6": [[(68, 5), (38, 30), (22, 65), (35, 92), (62, 94), (76, 75), (62, 56), (38, 60), (24, 74)]],
    "7": [[(18, 8), (82, 8), (45, 95)]],
    "8": [[(50, 48), (25, 30), (35, 8), (65, 8), (75, 30), (50, 48), (22, 72), (35, 94), (65, 94), (78, 72), (50, 48)]],
    "9": [[(74, 38), (50, 52), (26, 38), (32, 12), (60, 5), (75, 22), (74, 38), (68, 70), (58, 95)]],
}
"""Each digit's strokes, as points in a square of 100."""
SIGNS: dict[str, list[list[tuple[int, int]]]] = {
    ".": [[(12, 89), (18, 95), (12, 95), (18, 89)]],
    ",": [[(18, 90), (8, 112)]],
    ":": [[(12, 89), (18, 95), (12, 95), (18, 89)], [(12, 45), (18, 51), (12, 51), (18, 45)]],
    "-": [[(0, 50), (33, 50)]],
    "/": [[(42, -5), (-8, 105)]],
}
"""Those of what stands between digits, in a third of the width."""

Array = npt.NDArray[np.uint8]


def draw(number: str, size: int = 160, pen: int = 12, margin: int = 60, gap: int = 30) -> Array:
    """uint8 (h, w): white ink on black, the digits `size` pixels high; a line feed starts a new line."""
    lines = number.split("\n")
    width = max(sum(_width(character, size) + gap for character in line) for line in lines) - gap + 2 * margin
    canvas = np.zeros((len(lines) * (size + 2 * gap) - 2 * gap + 2 * margin, width), np.uint8)
    for row, line in enumerate(lines):
        corner = np.array([margin, margin + row * (size + 2 * gap)])
        for character in line:
            for stroke in (STROKES | SIGNS)[character]:
                points = (np.array(stroke) * size / 100 + corner).astype(np.int32)
                cv2.polylines(canvas, [points], False, 255, pen, cv2.LINE_AA)
            corner[0] += _width(character, size) + gap
    return canvas


def _width(character: str, size: int) -> int:
    return size // 3 if character in SIGNS else size


def on_paper(ink: Array, paper: int = 255, pen: int = 0) -> Array:
    """Ink, white on black -> the same in grey `pen` on grey `paper`."""
    share = ink.astype(np.float32) / 255
    return np.rint(paper + (pen - paper) * share).astype(np.uint8)


def photograph(ink: Array, seed: int = 0) -> Array:
    """Ink -> pen on grey paper, unevenly lit, with grain."""
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    light = 110 + 90 * x / width + 40 * y / height
    grain = np.random.default_rng(seed).normal(0, 5, ink.shape)
    return np.clip(light * (1 - 0.65 * ink / 255.0) + grain, 0, 255).astype(np.uint8)


def encode(array: npt.NDArray[Any] | Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def png(number: str = "7", **options: Any) -> bytes:
    """A PNG of a number in black on white."""
    return encode(on_paper(draw(number, **options)))


def png_of(header: bytes, packed: bytes) -> bytes:
    """A PNG of this header, and of these compressed pixels."""
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def enormous_png() -> bytes:
    """A few bytes that claim 100,000 x 100,000 pixels."""
    return png_of(struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0), zlib.compress(bytes(1000)))
