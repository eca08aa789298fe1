"""Draw what was read into its picture."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from digits.uploads.service import Upload
from digits.vision.decode import FORMATS, read_picture

COLOUR = (235, 105, 15)
"""Red, green, blue: an orange that is visible on white, black and grey."""
SMALLEST = 12
"""Pixels of a digit's height; smaller ones cannot be read."""


def draw_boxes(upload: Upload, max_pixels: int, place: Path) -> None:
    """Write the upright picture as PNG, with a frame around each digit and the digit that was read above it.

    Raises:
        OSError: it cannot be written.
    """
    image = _upright(upload.data, max_pixels)
    canvas = ImageDraw.Draw(image)
    line = max(1, max(image.size) // 400)
    for digit in upload.record.digits:
        box = digit.box
        canvas.rectangle((box.x - line, box.y - line, box.right + line - 1, box.bottom + line - 1), None, COLOUR, line)
        font = ImageFont.load_default(max(SMALLEST, box.height // 4))
        letter = str(digit.digit)
        left, top, right, bottom = canvas.textbbox((0, 0), letter, font, stroke_width=line)
        x, y = max(0, box.x - line), max(0, box.y - 2 * line - (bottom - top))
        canvas.rectangle((x, y, x + right - left + 2 * line, y + bottom - top), COLOUR)
        canvas.text((x + line - left, y - top), letter, "white", font)
    place.parent.mkdir(parents=True, exist_ok=True)
    image.save(place, "PNG")


def _upright(data: bytes, max_pixels: int) -> Image.Image:
    """The picture as the eye sees it, in RGB. Deep greys and transparency are shown in grey, as they are read."""
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode[0] in "IF" or image.mode == "LAB" or image.has_transparency_data:
            return Image.fromarray(read_picture(data, max_pixels).grey).convert("RGB").resize(image.size)
        return image.convert("RGB")
