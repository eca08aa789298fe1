"""A sheet of the pictures that were read wrong, to see why."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench.scores import Answer
from digits.errors import Refused
from digits.vision.decode import read_picture

MOST = 60
COLUMNS = 6

# Pixels.
_CELL = 220, 230
_PICTURE = 204, 170
_MARGIN = 8
_LINE = 18

_CAPTION = ImageFont.load_default(13)
_DIGIT = ImageFont.load_default(18)
_RED = (204, 0, 0)


def worst_mistakes(answers: Sequence[Answer]) -> list[Answer]:
    """What was read wrong, the most confident first; refused files have nothing to show."""
    wrong = [answer for answer in answers if not answer.right and not answer.reading.refusal]
    return sorted(wrong, key=lambda answer: -answer.reading.confidence)[:MOST]


def write_sheet(path: Path, mistakes: Sequence[Answer], max_pixels: int) -> None:
    """Writes a PNG: each picture as the model sees it, what was read and where, and its caption."""
    columns = min(COLUMNS, len(mistakes))
    sheet = Image.new("RGB", (columns * _CELL[0], -(-len(mistakes) // columns) * _CELL[1]), "white")
    for index, mistake in enumerate(mistakes):
        row, column = divmod(index, columns)
        sheet.paste(_cell(mistake, max_pixels), (column * _CELL[0], row * _CELL[1]))
    sheet.save(path, "PNG")


def caption(mistake: Answer) -> tuple[str, str]:
    """What is written, read, and how surely; and the file's name."""
    label, reading = mistake.picture.label, mistake.reading
    read = f"{_on_one_line(reading.number)}, {reading.confidence:.1%}" if reading.number else "nothing"
    return f"{_on_one_line(label) or 'no number'} read as {read}", mistake.picture.name


def _cell(mistake: Answer, max_pixels: int) -> Image.Image:
    cell = Image.new("RGB", _CELL, "white")
    draw = ImageDraw.Draw(cell)
    try:
        picture = read_picture(mistake.picture.path.read_bytes(), max_pixels)
    except Refused:  # Here, where a server of other settings took it.
        pass
    else:
        scale = min(_PICTURE[0] / picture.width, _PICTURE[1] / picture.height)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        cell.paste(Image.fromarray(picture.grey).resize(size), (_MARGIN, _MARGIN))
        draw.rectangle((_MARGIN - 1, _MARGIN - 1, _MARGIN + size[0], _MARGIN + size[1]), outline="silver")
        for digit, box in mistake.reading.digits:
            corners = [round(_MARGIN + side * scale) for side in (box.x, box.y, box.right, box.bottom)]
            draw.rectangle(corners, outline=_RED)
            draw.text((corners[0], max(0, corners[1] - _LINE)), str(digit), _RED, _DIGIT)
    for number, line in enumerate(caption(mistake)):
        draw.text((_MARGIN, _PICTURE[1] + 2 * _MARGIN + number * _LINE), _shortened(line), "black", _CAPTION)
    return cell


def _on_one_line(number: str) -> str:
    return number.replace("\n", " / ")


def _shortened(line: str) -> str:
    """As much of its end as the cell is wide."""
    shown = line
    while _CAPTION.getlength(shown) > _PICTURE[0]:
        shown = f"...{shown[4:]}"
    return shown
