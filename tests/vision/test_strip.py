"""A stripped picture shows the same, and tells nothing else."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from digits.vision.decode import FORMATS, read_picture
from digits.vision.strip import strip
from support.drawing import draw, encode, on_paper, photograph

PIXELS = 25_000_000
SECRET = "Rosa Luxemburg"
PAGE = Image.fromarray(photograph(draw("7"))).convert("RGB")
QUARTER = 6
"""The EXIF orientation of a picture that must be turned by a quarter."""


def told() -> dict[str, Any]:
    """What a camera or a program may write, with the secret in each."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = QUARTER, SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 36.0), 29: SECRET})
    return {"exif": exif.tobytes(), "icc_profile": SECRET.encode() * 20, "xmp": f"<x>{SECRET}</x>".encode()}


def secret_file(image_format: str) -> bytes:
    if image_format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", SECRET)
        texts.add_text("Author", SECRET, zip=True)
        texts.add(b"prVt", SECRET.encode(), after_idat=True)
        return encode(PAGE, "PNG", pnginfo=texts, **told()) + SECRET.encode()
    if image_format == "JPEG":
        data = encode(PAGE, "JPEG", comment=SECRET.encode(), **told())
        thumbnail = encode(PAGE.resize((40, 40)), "JPEG", comment=SECRET.encode())
        in_app0 = b"JFXX\0\x10" + thumbnail
        return data[:2] + b"\xff\xe0" + (2 + len(in_app0)).to_bytes(2, "big") + in_app0 + data[2:] + thumbnail
    if image_format in ("GIF", "BMP", "TIFF"):
        return encode(PAGE, image_format, comment=SECRET.encode(), description=SECRET) + SECRET.encode()
    return encode(PAGE, image_format, **told())


@pytest.mark.parametrize("image_format", FORMATS)
def test_nothing_but_the_picture_is_left(image_format: str) -> None:
    data = secret_file(image_format)
    assert SECRET.encode() in data
    kept, is_png = strip(data, PIXELS)
    assert SECRET.encode() not in kept
    assert is_png == (image_format not in ("PNG", "JPEG", "WEBP"))
    with Image.open(BytesIO(kept)) as image:
        image.load()
        assert image.format == ("PNG" if is_png else image_format)
        assert set(image.getexif()) <= {0x0112}
        assert not image.info.keys() & {"comment", "Author", "icc_profile", "xmp", "photoshop"}
    assert strip(kept, PIXELS) == (kept, False)


@pytest.mark.parametrize("image_format", FORMATS)
def test_it_shows_the_same_upright(image_format: str) -> None:
    data = secret_file(image_format)
    before, after = read_picture(data, PIXELS), read_picture(strip(data, PIXELS)[0], PIXELS)
    assert np.array_equal(before.grey, after.grey)
    assert (before.width, before.height) == (after.width, after.height)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_pixels_are_not_encoded_anew(image_format: str) -> None:
    plain = encode(PAGE, image_format)
    packed = {"PNG": b"IDAT", "JPEG": b"\xff\xda", "WEBP": b"VP8 "}[image_format]
    pixels = plain[plain.index(packed) :][:-12]
    assert pixels in strip(secret_file(image_format), PIXELS)[0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
def test_a_tiff_of_any_mode_shows_the_same_as_png(mode: str) -> None:
    page = Image.fromarray(on_paper(draw("7")))
    image = {"LAB": Image.merge("LAB", [page] * 3), "I;16": page.convert("I").convert("I;16")}.get(mode)
    data = encode(image or page.convert("RGB").convert("L" if mode in "IF" else mode).convert(mode), "TIFF")
    kept, is_png = strip(data, PIXELS)
    assert is_png
    before, after = (read_picture(file, PIXELS).grey.astype(int) for file in (data, kept))
    assert np.abs(before - after).max() <= 1


def test_only_the_first_frame_is_kept() -> None:
    frames = {"save_all": True, "append_images": [PAGE.transpose(Image.Transpose.ROTATE_180)]}
    for image_format in ("PNG", "WEBP", "GIF"):
        kept, _ = strip(encode(PAGE, image_format, **frames), PIXELS)
        with Image.open(BytesIO(kept)) as image:
            assert getattr(image, "n_frames", 1) == 1


def test_a_jpeg_of_odd_parts_becomes_a_png() -> None:
    data = secret_file("JPEG")
    tables = data.index(b"\xff\xdb")
    kept, is_png = strip(data[:tables] + b"\0" + data[tables:], PIXELS)
    assert is_png
    assert SECRET.encode() not in kept


def test_a_heic_of_damaged_exif_becomes_a_png_too() -> None:
    data = secret_file("HEIF")
    damaged = data.replace(b"MM\0*", b"XX\0*")
    assert damaged != data
    kept, is_png = strip(damaged, PIXELS)
    assert is_png
    assert SECRET.encode() not in kept
