"""Draw the corpus: `python -m tests.fuzz.corpus`. One small file for each road through the decoders."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from digits.vision.decode import read_picture
from support.drawing import draw, encode, on_paper
from tests.fuzz.mutating import CORPUS

PAGE = Image.fromarray(on_paper(draw("5", size=24, pen=3, margin=6)))
LARGE = PAGE.resize((200, 200))


def drawn() -> Iterator[tuple[str, bytes]]:
    """Name and content of each file."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    told: dict[str, Any] = {"exif": exif.tobytes()}
    rgb, frames = PAGE.convert("RGB"), {"save_all": True, "append_images": [PAGE.rotate(90)]}
    strokes = np.dstack([np.zeros((*np.asarray(PAGE).shape, 3), np.uint8), 255 - np.asarray(PAGE)])
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield f"{mode}.png", encode(PAGE.convert("RGB").convert(mode), "PNG")
    yield "large.png", encode(LARGE, "PNG")
    yield "16.png", encode(Image.fromarray(np.asarray(PAGE).astype(np.uint16) * 257), "PNG")
    yield "transparent.png", encode(PAGE.convert("P"), "PNG", transparency=255)
    yield "exif.png", encode(PAGE, "PNG", **told)
    yield "animated.png", encode(PAGE, "PNG", **frames)
    yield "plain.jpg", encode(PAGE, "JPEG")
    yield "colour.jpg", encode(rgb, "JPEG", **told)
    yield "progressive.jpg", encode(rgb, "JPEG", progressive=True)
    yield "cmyk.jpg", encode(rgb.convert("CMYK"), "JPEG")
    yield "lossy.webp", encode(rgb, "WEBP", **told)
    yield "lossless.webp", encode(strokes, "WEBP", lossless=True)
    yield "animated.webp", encode(PAGE, "WEBP", **frames)
    yield "plain.gif", encode(PAGE, "GIF")
    yield "animated.gif", encode(PAGE, "GIF", transparency=255, **frames)
    for mode in ("1", "P", "RGB"):
        yield f"{mode}.bmp", encode(rgb.convert(mode), "BMP")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield f"{compression}.tif", encode(PAGE, "TIFF", compression=compression, **told)
    yield "group4.tif", encode(PAGE.convert("1"), "TIFF", compression="group4")
    yield "tiles.tif", encode(PAGE, "TIFF", compression="tiff_lzw", tile=(16, 16))
    yield "float.tif", encode(PAGE.convert("F"), "TIFF")
    yield "plain.avif", encode(rgb, "AVIF", **told)
    yield "transparent.avif", encode(strokes, "AVIF")
    yield "plain.heic", encode(rgb, "HEIF", **told)


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for name, data in drawn():
        read_picture(data, max_pixels=100_000)
        (CORPUS / name).write_bytes(data)
