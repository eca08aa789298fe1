import struct
from unittest.mock import Mock, create_autospec

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from digits.errors import EmptyFile, NotAPicture, Refused, TooManyPixels
from digits.grids import Grey
from digits.stepwise import finished
from digits.vision.decode import Picture, decoding, read_picture
from digits.vision.decode_limits import NOTHING_QUICK, DecodeConfig
from support.drawing import draw, encode, enormous_png, on_paper
from support.stepwise import at_once, takes_long
from tests.fakes import NearDecoders

PIXELS = 25_000_000
CONFIG = DecodeConfig()
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes each EXIF orientation has turned the pixels."""


def mark(width: int = 60, height: int = 40) -> Image.Image:
    """White, with a black block in the upper left quarter."""
    array = np.full((height, width), 255, np.uint8)
    array[: height // 2, : width // 2] = 0
    return Image.fromarray(array)


def shows_mark(grey: Grey) -> bool:
    height, width = grey.shape
    return bool(
        grey[height // 4, width // 4] < 30 and min(grey[height // 4, -3], grey[-3, width // 4], grey[-3, -3]) > 225
    )


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_each_format_is_read(image_format: str) -> None:
    picture = read_picture(encode(mark().convert("RGB"), image_format), PIXELS)
    assert (picture.width, picture.height) == (60, 40)
    assert picture.format == ("HEIC" if image_format == "HEIF" else image_format)
    assert shows_mark(picture.grey)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_small_pictures_of_usual_formats_are_read_quickly(image_format: str) -> None:
    data = encode(mark().convert("RGB"), image_format)
    assert np.array_equal(at_once(decoding(data, PIXELS)).grey, read_picture(data, PIXELS).grey)


def test_only_what_may_take_long_is_decoded_elsewhere() -> None:
    elsewhere = NearDecoders()
    progressive = encode(mark().convert("RGB"), "JPEG", progressive=True)
    slow = [encode(mark(), "GIF"), progressive, encode(np.zeros((2000, 2000), np.uint8))]
    for data in slow:
        assert takes_long(decoding(data, PIXELS, elsewhere=elsewhere))
        finished(decoding(data, PIXELS, elsewhere=elsewhere))
    at_once(decoding(encode(mark()), PIXELS, elsewhere=elsewhere))
    assert elsewhere.read == slow


def test_where_nothing_is_quick_the_smallest_picture_is_decoded_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Picture(np.zeros((1, 1), np.uint8), 1, 1, "PNG")
    elsewhere = create_autospec(NearDecoders, instance=True)
    elsewhere.read_picture.return_value = far
    monkeypatch.setattr("digits.vision.decode.small_grey", Mock(side_effect=AssertionError))
    assert finished(decoding(encode(mark()), PIXELS, NOTHING_QUICK, elsewhere)) is far


def test_a_picture_that_needs_more_memory_than_there_is_is_too_costly(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Image.Image) -> None:
        raise MemoryError

    colours = encode(mark().convert("RGB"))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    with pytest.raises(TooManyPixels, match="too costly to decode"):
        read_picture(colours, PIXELS)


def packed_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("much", "x" * 1_000_000, zip=True)
    return encode(mark(), pnginfo=text)


def many_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    for number in range(100):
        texts.add_text(str(number), "")
    return encode(mark(), pnginfo=texts)


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x010E] = "x"
    return made


@pytest.mark.parametrize(
    "data",
    [
        encode(mark(), "WEBP"),
        encode(mark().convert("RGB"), "AVIF"),
        encode(mark(), "GIF"),
        encode(mark(), "JPEG", progressive=True),
        encode(mark(1000, 501)),
        encode(np.zeros((4000, 4000), np.uint8)),
        packed_text(),
        many_texts(),
        encode(mark(), icc_profile=b"x" * 200),
        encode(mark(), exif=exif()),
        encode(mark(), "JPEG", exif=exif()),
        encode(mark(), "JPEG", comment=b"\xff" * 5000),
        encode(mark(), "TIFF"),
    ],
    ids=[
        "WebP",
        "AVIF",
        "GIF",
        "progressive",
        "many pixels",
        "millions of pixels",
        "packed text",
        "many texts",
        "a profile",
        "EXIF in a PNG",
        "EXIF",
        "many markers",
        "TIFF",
    ],
)
def test_nothing_that_can_take_long_is_begun_without_a_stop(data: bytes) -> None:
    assert takes_long(decoding(data, PIXELS))
    read_picture(data, PIXELS)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"])
def test_each_colour_mode_is_read(mode: str) -> None:
    for image_format in ("PNG", "TIFF", "JPEG", "GIF"):
        source = mark().convert("RGB").convert(mode) if mode != "LAB" else Image.merge("LAB", [mark()] * 3)
        try:
            data = encode(source, image_format)
        except (OSError, ValueError):
            continue  # The format has no such mode.
        assert shows_mark(read_picture(data, PIXELS).grey), image_format


@pytest.mark.parametrize(("white", "dtype"), [(65535, np.uint16), (4095, np.uint16), (2**31 - 1, np.int32), (1, "f4")])
def test_deep_greys_are_rescaled_and_not_clipped(white: int, dtype: npt.DTypeLike) -> None:
    ramp = np.tile(np.linspace(0, white, 64), (8, 1)).astype(dtype)
    grey = read_picture(encode(Image.fromarray(ramp), "TIFF"), PIXELS).grey
    # A ramp in 31 bits ends half-way up the scale of 32 bits: what counts is that it stays a ramp.
    assert (np.diff(grey[0].astype(int)) >= 0).all()
    assert len(np.unique(grey[0])) > 60


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO"])
def test_exif_orientation_is_obeyed(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS[orientation]
    stored = mark() if turn is None else mark().transpose(turn)
    picture = read_picture(encode(stored.convert("RGB"), image_format, exif=exif.tobytes()), PIXELS)
    assert (picture.width, picture.height) == (60, 40)
    assert shows_mark(picture.grey)


@pytest.mark.parametrize(("colour", "paper"), [((0, 0, 0), 255), ((255, 255, 255), 0), ((200, 30, 30), 255)])
def test_strokes_on_a_transparent_canvas_are_in_contrast_with_it(colour: tuple[int, int, int], paper: int) -> None:
    ink = draw("7")
    rgba = np.dstack([np.full((*ink.shape, 3), colour, np.uint8), ink])
    grey = read_picture(encode(rgba), PIXELS).grey
    pen = int(np.asarray(Image.new("RGB", (1, 1), colour).convert("L"))[0, 0])
    assert np.abs(grey.astype(int) - on_paper(ink, paper, pen)).max() <= 1


def test_a_page_with_a_transparent_margin_keeps_its_own_ink() -> None:
    page = on_paper(draw("7"), paper=240, pen=20)
    alpha = np.zeros_like(page)
    alpha[20:-20, 20:-20] = 255
    grey = read_picture(encode(np.dstack([page, page, page, alpha])), PIXELS).grey
    assert np.array_equal(grey[20:-20, 20:-20], page[20:-20, 20:-20])


def test_a_filled_canvas_is_shown_as_it_is() -> None:
    page = on_paper(draw("7"), paper=30, pen=220)
    filled = np.dstack([page, page, page, np.full_like(page, 255)])
    assert np.array_equal(read_picture(encode(filled), PIXELS).grey, page)


def test_a_wholly_transparent_picture_is_blank() -> None:
    assert (read_picture(encode(np.zeros((30, 30, 4), np.uint8)), PIXELS).grey == 255).all()


def test_a_palette_with_a_transparent_colour_is_read() -> None:
    image = Image.fromarray((draw("7") > 127).astype(np.uint8)).convert("P")
    image.putpalette([10, 10, 10, 12, 12, 12])
    grey = read_picture(encode(image, "PNG", transparency=0), PIXELS).grey
    assert set(np.unique(grey)) == {12, 255}


def test_the_first_frame_of_an_animation_is_read() -> None:
    data = encode(mark(), "GIF", save_all=True, append_images=[Image.new("L", (60, 40), 128)])
    assert shows_mark(read_picture(data, PIXELS).grey)


def test_a_config_decides_how_large_a_picture_stays() -> None:
    assert read_picture(encode(mark(200, 100)), PIXELS, DecodeConfig(max_side=50)).grey.shape == (25, 50)
    assert takes_long(decoding(encode(mark(200, 100)), PIXELS, DecodeConfig(quick_pixels=100)))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_large_pictures_are_reduced_but_keep_their_measures(image_format: str) -> None:
    picture = read_picture(encode(mark(3001, 2000), image_format), PIXELS)
    assert (picture.width, picture.height) == (3001, 2000)
    assert CONFIG.max_side / 2 < max(picture.grey.shape) <= CONFIG.max_side
    assert shows_mark(picture.grey)


def test_an_empty_file_is_told_as_such() -> None:
    with pytest.raises(EmptyFile, match="empty"):
        read_picture(b"", PIXELS)


@pytest.mark.parametrize("data", [b"Seven", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x00" * 99])
def test_other_files_are_refused_whatever_their_name(data: bytes) -> None:
    with pytest.raises(NotAPicture, match="Send PNG, JPEG"):
        read_picture(data, PIXELS)


def test_formats_off_the_list_are_refused() -> None:
    for image_format in ("PPM", "ICO", "TGA", "PCX", "EPS"):
        with pytest.raises(NotAPicture):
            read_picture(encode(mark().convert("RGB"), image_format), PIXELS)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_truncated_pictures_are_refused(image_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    data = encode(noise, image_format)
    with pytest.raises(NotAPicture):
        read_picture(data[: len(data) // 2], PIXELS)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_damage_anywhere_is_refused_or_read_but_nothing_else(image_format: str) -> None:
    rng = np.random.default_rng(0)
    original = encode(mark().convert("RGB"), image_format)
    for _ in range(150):
        damaged = bytearray(original)
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = rng.integers(256)
        try:
            read_picture(bytes(damaged), max_pixels=1_000_000)
        except Refused:
            continue


def test_an_enormous_picture_is_refused_by_its_header() -> None:
    with pytest.raises(TooManyPixels, match="100000 x 100000 pixels; at most 25,000,000"):
        read_picture(enormous_png(), PIXELS)


def tiled_tiff(width: int, height: int, side: int) -> bytes:
    """A TIFF that shows width x height pixels of tiles that are side x side, all at one place."""
    tiles = -(-width // side) * -(-height // side)
    content = b"".join(
        struct.pack("<HHI4s", tag, kind, count, struct.pack("<I", value))
        for tag, kind, count, value in (
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, 8),
            (262, 3, 1, 1),
            (277, 3, 1, 1),
            (322, 4, 1, side),
            (323, 4, 1, side),
            (324, 4, tiles, 200),
            (325, 4, tiles, 200),
        )
    )
    return b"II*\0" + struct.pack("<IH", 8, 10) + content + bytes(4) + bytes(1_000)


@pytest.mark.parametrize(("width", "height", "side"), [(64, 64, 32_768), (96_000, 1, 8_000)])
def test_a_tiff_of_far_larger_tiles_is_refused(width: int, height: int, side: int) -> None:
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(tiled_tiff(width, height, side), PIXELS)


def test_a_tiff_of_ordinary_tiles_is_read() -> None:
    assert shows_mark(read_picture(encode(mark(), "TIFF", compression="tiff_lzw", tile=(16, 16)), PIXELS).grey)


def test_endless_metadata_is_refused_or_not_looked_at() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + bytes(CONFIG.max_exif_bytes)
    assert shows_mark(read_picture(encode(mark(), "PNG", exif=exif), PIXELS).grey)
    data, half = encode(mark(), "JPEG"), exif[: len(exif) // 2 + 9]
    segment = b"\xff\xe1" + (2 + len(half)).to_bytes(2, "big") + half
    assert shows_mark(read_picture(data[:2] + 2 * segment + data[2:], PIXELS).grey)
    odd = b"\0"
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(data[:2] + 2 * segment + odd + data[2:], PIXELS)


def test_a_png_of_endless_chunks_is_refused() -> None:
    data = encode(mark())
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(data[:33] + b"\0\0\0\0zzzzcrc." * CONFIG.max_png_chunks + data[33:], PIXELS)


def test_a_bmp_of_run_lengths_is_refused() -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 60, 40, 1, 8, 1, 0, 0, 0, 256, 0)
    start = 14 + len(header) + 4 * 256
    data = b"BM" + struct.pack("<IHHI", start + 2, 0, 0, start) + header + bytes(4 * 256) + b"\0\1"
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(data, PIXELS)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    progressive = encode(mark(), "JPEG", progressive=True)
    assert shows_mark(read_picture(progressive, PIXELS).grey)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(progressive[:2] + b"\xff" * 2 * CONFIG.max_jpeg_markers + progressive[2:], PIXELS)
    with pytest.raises(TooManyPixels, match="too costly"):
        read_picture(progressive[:-2] + scan * CONFIG.max_jpeg_scans + progressive[-2:], PIXELS)
