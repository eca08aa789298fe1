"""Pictures of digits, of the kinds that people upload: (rng, text, hand) -> file."""

from collections.abc import Callable

import cv2
import numpy as np

from bench.hand import Hand, Ink
from bench.surfaces import (
    PENS,
    File,
    Pen,
    Sheet,
    any_paper,
    any_pen,
    as_jpeg,
    as_png,
    blended,
    clouds,
    grain,
    inked,
    lit,
    on_paper,
    paper,
    photographed,
    placed,
    scanned,
    shadowed,
)

Rng = np.random.Generator
Draw = Callable[[Rng, str, Hand], File]

WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
SPACED = (0.12, 0.45)


def photo(rng: Rng, text: str, hand: Hand) -> File:
    """Pen, pencil or marker on white, grey or brown paper, in shadows and uneven light."""
    pen = any_pen(rng)
    ink = placed(rng, _written(rng, text, hand, pen), 0.2, 0.9)
    return as_jpeg(rng, on_paper(rng, ink, pen))


def shrunk(rng: Rng, text: str, hand: Hand) -> File:
    """Such a photograph shrunk to 28 pixels as MNIST has; most inverted, many dim, with a bright band at an edge."""
    pen = PENS["marker"]._replace(colour=any_pen(rng).colour)
    ink = _squared(hand.write(text, 200, rng.uniform(0.09, 0.14)), rng.uniform(1.2, 1.6))
    small = cv2.resize(on_paper(rng, ink, pen), (28, 28), interpolation=cv2.INTER_AREA).mean(2)
    if rng.random() < 0.75:
        small = 1 - small
    if rng.random() < 0.6:
        small = small * rng.uniform(0.35, 0.8)
    if rng.random() < 0.5:
        turned = np.rot90(small, rng.integers(4))
        turned[: rng.integers(1, 3)] += rng.uniform(0.3, 0.7)
    return as_png(small)


def canvas(rng: Rng, text: str, hand: Hand) -> File:
    """Drawn with a mouse or finger, on the canvas of some page or app."""
    kinds = (_plain_canvas, _transparent_canvas, _gridded_canvas, _hairline_canvas, _corner_canvas, _gradient_canvas)
    return kinds[rng.integers(len(kinds))](rng, text, hand)


def cell(rng: Rng, text: str, hand: Hand) -> File:
    """A cell of a scanned form, 40 to 120 pixels high, in black and white or grey, a bit rotated, with specks."""
    return _scan(rng, placed(rng, _small(rng, text, hand), 0.12, 0.4))


def bordered(rng: Rng, text: str, hand: Hand) -> File:
    """A cell with its printed box, which the digit may touch and the picture's edge may cut off."""
    ink = _small(rng, text, hand)
    touching = rng.random() < 0.35
    room = rng.uniform(-0.04, 0.02, 4) if touching else rng.uniform(0.1, 0.35, 4)
    ink = np.pad(ink, len(ink))
    size = len(ink) // 3
    left, top, right, bottom = np.rint(
        [size - room[0] * size, size - room[1] * size, ink.shape[1] - size + room[2] * size, 2 * size + room[3] * size]
    ).astype(int)
    width, shade = int(rng.integers(1, 4)), rng.uniform(0.5, 1)
    box = cv2.rectangle(np.zeros_like(ink), (left, top), (right, bottom), shade, width)
    sides = np.where(rng.random(4) < 0.3, -np.ceil(width / 2), rng.uniform(0.06, 0.2, 4) * size + width)
    x, y, x_end, y_end = np.rint([left - sides[0], top - sides[1], right + sides[2], bottom + sides[3]]).astype(int)
    if touching:  # Where it crosses the box it is not to be cut off.
        x, y, x_end, y_end = (
            min(x, size - 2),
            min(y, size - 2),
            max(x_end, ink.shape[1] - size + 2),
            max(y_end, 2 * size + 2),
        )
    return _scan(rng, np.maximum(ink, box)[y:y_end, x:x_end])


def mid_grey(rng: Rng, text: str, hand: Hand) -> File:
    """Neither black nor white behind it, and lighter or darker ink."""
    ink = placed(rng, _written(rng, text, hand, PENS["marker"]), 0.2, 0.7)
    contrast = rng.uniform(0.2, 0.45) * rng.choice([-1, 1])
    sheet = rng.uniform(0.42, 0.58) + 0.03 * clouds(rng, ink.shape, 3) + contrast * ink
    sheet = sheet + rng.uniform(0, 0.03) * grain(rng, ink.shape, 1.3)
    return as_jpeg(rng, sheet) if rng.random() < 0.5 else as_png(sheet)


def half(rng: Rng, text: str, hand: Hand) -> File:
    """One half of the picture inverted, through the digit."""
    ink = placed(rng, hand.write(text, int(rng.integers(100, 300)), rng.uniform(0.07, 0.14)), 0.2, 0.6)
    sheet = rng.uniform(0.9, 1) - rng.uniform(0.75, 0.9) * ink + 0.01 * grain(rng, ink.shape, 1.2)
    turned = np.rot90(sheet, rng.integers(4))
    part = turned[: int(len(turned) * rng.uniform(0.4, 0.6))]
    part[:] = 1 - part
    return as_png(sheet)


def anywhere(rng: Rng, text: str, hand: Hand, gap: tuple[float, float] = SPACED) -> File:
    """On paper, scanned, or on a canvas."""
    pen = any_pen(rng)
    ink = placed(rng, _written(rng, text, hand, pen, 140, gap), 0.3, 0.8, 100)
    return _anyhow(rng, ink, pen)


def tiles(rng: Rng, text: str, hand: Hand) -> File:
    """Pictures of one digit each side by side, with their own paper, light, and some with their own polarity."""
    side = int(rng.integers(60, 180))
    return as_png(np.concatenate([_tile(rng, digit, hand, side) for digit in text], 1))


def touching(rng: Rng, text: str, hand: Hand) -> File:
    """A number whose digits meet their neighbours."""
    return anywhere(rng, text, hand, (-0.03, -0.005))


def broken(rng: Rng, text: str, hand: Hand) -> File:
    """Strokes with gaps, as of a pen that skips."""
    ink = hand.write(text, int(rng.integers(100, 300)), rng.uniform(0.05, 0.12))
    height, width = ink.shape
    for _ in range(rng.integers(2, 5)):
        middle, angle = rng.uniform((0.15 * width, 0.1 * height), (0.85 * width, 0.9 * height)), rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * height * rng.uniform(0.15, 0.4)
        ends = np.rint([middle - reach, middle + reach]).astype(int).tolist()
        cv2.line(ink, *ends, 0, max(2, int(height * rng.uniform(0.02, 0.05))), cv2.LINE_AA)
    return _anyhow(rng, placed(rng, ink, 0.25, 0.7), any_pen(rng))


def ruled(rng: Rng, text: str, hand: Hand) -> File:
    """On lined or squared paper, some of it with a margin."""
    pen = any_pen(rng)
    written = hand.write(text, int(rng.integers(100, 220)), max(0.045, rng.uniform(*pen.width)))
    ink = placed(rng, written, 0.4, 1.2)
    step = rng.uniform(0.3, 0.6) * len(written) if rng.random() < 0.5 else rng.uniform(1, 1.5) * len(written)
    lines = _lines(rng, ink.shape, step)
    if step < len(written):
        lines = np.maximum(lines, _lines(rng, ink.shape[::-1], step).T)
    sheet = paper(rng, ink.shape, (0.95, 0.95, 0.93))
    sheet = blended(sheet, lines * rng.uniform(0.3, 0.7), [(0.55, 0.65, 0.85), (0.6, 0.6, 0.6)][rng.integers(2)])
    return as_jpeg(rng, photographed(rng, lit(rng, inked(rng, sheet, ink, pen))))


def desk(rng: Rng, text: str, hand: Hand) -> File:
    """A sheet or a sticky note that lies aslant on a darker desk."""
    pen = any_pen(rng)
    ink = placed(rng, hand.write(text, 160, max(0.05, rng.uniform(*pen.width))), 0.35, 0.8)
    notes = [(0.96, 0.96, 0.95), (0.98, 0.92, 0.5), (0.98, 0.75, 0.8), (0.7, 0.88, 0.95), (0.8, 0.93, 0.65)]
    note = inked(rng, paper(rng, ink.shape, notes[rng.integers(len(notes))]), ink, pen)
    height, width = ink.shape
    room = np.rint(rng.uniform(0.15, 0.45) * np.array([height, width]) + 0.12 * (height + width)).astype(int)
    shape = (height + 2 * room[0], width + 2 * room[1])
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-14, 14), 1)
    turn[:, 2] += room[::-1]
    size = (int(shape[1]), int(shape[0]))
    lying = cv2.warpAffine(note, turn, size)
    cover = cv2.warpAffine(np.ones(ink.shape, np.float32), turn, size)
    shade = cv2.GaussianBlur(np.roll(cover, rng.integers(-8, 9, 2), (0, 1)), (0, 0), 6)
    sheet = _desktop(rng, shape) * (1 - 0.5 * shade[..., None])
    sheet = sheet * (1 - cover[..., None]) + lying * cover[..., None]
    return as_jpeg(rng, photographed(rng, lit(rng, sheet)))


def hard_shadow(rng: Rng, text: str, hand: Hand) -> File:
    """The sharp edge of a shadow across the sheet."""
    pen = any_pen(rng)
    ink = placed(rng, _written(rng, text, hand, pen), 0.3, 0.9)
    sheet = inked(rng, paper(rng, ink.shape, any_paper(rng)), ink, pen)
    return as_jpeg(rng, photographed(rng, shadowed(rng, lit(rng, sheet, 0.2), rng.uniform(0.005, 0.03))))


def black_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """The screenshot of a white page with a black canvas that is drawn on in white."""
    ink = _squared(hand.write(text, int(rng.integers(100, 260)), rng.uniform(0.06, 0.14)), rng.uniform(1.3, 2))
    page = rng.uniform(0.03, 0.3, (2, 2)) * len(ink) + 4
    picture = np.pad(
        rng.choice([0, 0.05, 0.1]) + 0.9 * ink, np.rint(page).astype(int), constant_values=rng.choice([1, 0.95])
    )
    return as_png(picture)


def underlined(rng: Rng, text: str, hand: Hand) -> File:
    """Once or twice, by hand."""
    pen = any_pen(rng)
    height = int(rng.integers(80, 160))
    width = max(0.05, rng.uniform(*pen.width))
    ink = np.pad(hand.write(text, height, width), ((0, int(0.6 * height)), (int(0.2 * height),) * 2))
    lowest = len(ink) - int(0.6 * height)
    for line in range(rng.choice([1, 1, 2])):
        y = lowest + (rng.uniform(0.12, 0.22, 3) + 0.18 * line + width) * height
        x = np.array([rng.uniform(0, 0.15), 0.5, rng.uniform(0.85, 1)]) * (ink.shape[1] - 1)
        points = np.rint(np.stack([x, y], 1)).astype(int)
        cv2.polylines(ink, [points], False, 1, max(1, round(width * height)), cv2.LINE_AA)
    return _anyhow(rng, placed(rng, ink, 0.2, 0.5, height), pen)


def punctuated(rng: Rng, text: str, hand: Hand) -> File:
    """With a comma or a full stop behind."""
    pen = any_pen(rng)
    height = int(rng.integers(80, 160))
    width = max(0.05, rng.uniform(*pen.width))
    ink = np.pad(hand.write(text, height, width), ((0, int(0.3 * height)), (0, int(0.4 * height))))
    x = ink.shape[1] - int((0.4 - rng.uniform(0.12, 0.2)) * height)
    y = len(ink) - int((0.3 + width / 2) * height)
    reach = height * rng.uniform(0.05, 0.16) if rng.random() < 0.5 else 0
    cv2.line(ink, (x, y), (int(x - 0.4 * reach), int(y + reach)), 1, max(2, round(1.3 * width * height)), cv2.LINE_AA)
    return _anyhow(rng, placed(rng, ink, 0.2, 0.5, height), pen)


def tight(rng: Rng, text: str, hand: Hand) -> File:
    """A thick marker, cropped to the edges of the ink."""
    ink = hand.write(text, int(rng.integers(60, 300)), rng.uniform(0.12, 0.19))
    if rng.random() < 0.5:
        return as_jpeg(rng, lit(rng, inked(rng, paper(rng, ink.shape, any_paper(rng)), ink, PENS["marker"]), 0.2))
    return as_png(ink if rng.random() < 0.4 else 1 - ink)


def _written(rng: Rng, text: str, hand: Hand, pen: Pen, most: int = 340, gap: tuple[float, float] = SPACED) -> Ink:
    return hand.write(text, int(rng.integers(70, most)), max(0.04, rng.uniform(*pen.width)), gap)


def _small(rng: Rng, text: str, hand: Hand) -> Ink:
    return hand.write(text, int(rng.integers(30, 80)), rng.uniform(0.06, 0.12))


def _squared(ink: Ink, scale: float) -> Ink:
    """In the middle of a square so many times its longer side."""
    side = int(max(ink.shape) * scale)
    above, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    return np.pad(ink, ((above, side - ink.shape[0] - above), (left, side - ink.shape[1] - left)))


def _anyhow(rng: Rng, ink: Ink, pen: Pen) -> File:
    way = rng.random()
    if way < 0.5:
        return as_jpeg(rng, on_paper(rng, ink, pen))
    if way < 0.7:
        return as_png(scanned(rng, ink, bool(rng.random() < 0.5)))
    return as_png(ink if way < 0.85 else 1 - ink)


def _scan(rng: Rng, ink: Ink) -> File:
    turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), rng.normal(0, 1.5), 1)
    turned = cv2.warpAffine(ink, turn, ink.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    specks = rng.random(ink.shape) < rng.choice([0, 0.0008])
    return as_png(scanned(rng, np.maximum(turned, specks).astype(np.float32), bool(rng.random() < 0.5)))


def _tile(rng: Rng, digit: str, hand: Hand, side: int) -> Ink:
    ink = hand.write(digit, int(side * rng.uniform(0.55, 0.75)), rng.uniform(0.06, 0.12))
    ink = cv2.resize(_squared(ink, side / max(ink.shape)), (side, side), interpolation=cv2.INTER_AREA)
    grey = rng.uniform(0.6, 1)
    tile = grey - rng.uniform(0.5, 0.9) * grey * ink + 0.02 * grain(rng, ink.shape, 1.2)
    tile = tile * (1 + 0.1 * clouds(rng, ink.shape, 3))
    return 1 - tile if rng.random() < 0.3 else tile


def _lines(rng: Rng, shape: tuple[int, ...], step: float) -> Ink:
    lines = np.zeros(shape[:2], np.float32)
    for y in np.arange(rng.uniform(0, step), shape[0], step):
        lines[int(y) : int(y) + 1 + int(shape[0] > 300)] = 1
    return lines


def _desktop(rng: Rng, shape: tuple[int, int]) -> Sheet:
    """Wood, slate or cloth."""
    colours = [(0.35, 0.22, 0.13), (0.5, 0.36, 0.22), (0.2, 0.2, 0.22), (0.2, 0.27, 0.38), (0.42, 0.42, 0.4)]
    fibres = cv2.resize(grain(rng, (shape[0] // 3, 12), 1), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    relief = rng.choice([0.0, 0.03]) * fibres + 0.02 * grain(rng, shape, 2)
    return (np.array(colours[rng.integers(len(colours))], np.float32) + relief[..., None]).astype(np.float32)


def _plain_canvas(rng: Rng, text: str, hand: Hand) -> File:
    ink = _squared(hand.write(text, int(rng.integers(80, 300)), rng.uniform(0.05, 0.14)), rng.uniform(1.2, 2))
    return as_png(ink if rng.random() < 0.5 else 1 - ink)


def _transparent_canvas(rng: Rng, text: str, hand: Hand) -> File:
    ink = _squared(hand.write(text, int(rng.integers(80, 300)), rng.uniform(0.05, 0.14)), rng.uniform(1.2, 2))
    return as_png(np.dstack([np.zeros((*ink.shape, 3)), ink]))


def _gridded_canvas(rng: Rng, text: str, hand: Hand) -> File:
    ink = _squared(hand.write(text, int(rng.integers(150, 300)), rng.uniform(0.06, 0.12)), rng.uniform(1.3, 1.8))
    step = int(rng.integers(14, 40))
    sheet = np.ones((*ink.shape, 3), np.float32)
    sheet[::step], sheet[:, ::step] = 0.88, 0.88
    colours = [(0.85, 0.1, 0.1), (0.1, 0.2, 0.8), (0, 0.5, 0.25), (0.5, 0.1, 0.6), (0.95, 0.45, 0)]
    return as_png(blended(sheet, ink, colours[rng.integers(len(colours))]))


def _hairline_canvas(rng: Rng, text: str, hand: Hand) -> File:
    height = int(rng.integers(500, 1200))
    written = hand.write(text, height, rng.uniform(2, 4) / height)
    ink = np.zeros((1500, max(1500, written.shape[1] + 20)), np.float32)
    y, x = (int(rng.integers(10, room - 9)) for room in np.subtract(ink.shape, written.shape))
    ink[y : y + written.shape[0], x : x + written.shape[1]] = written
    return as_png(1 - ink)


def _corner_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """A digit of 40 pixels in some corner of a large page."""
    ink = hand.write(text, 40, rng.uniform(0.07, 0.12))
    page = np.zeros(rng.integers(500, 900, 2), np.float32)
    y, x = rng.integers(8, 60, 2)
    page[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    return as_png(1 - page if rng.random() < 0.7 else page)


def _gradient_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """Ink at the bright end is brighter than the background at the dark end, so that no one threshold divides them."""
    ink = _squared(hand.write(text, int(rng.integers(120, 260)), rng.uniform(0.07, 0.13)), rng.uniform(1.2, 1.5))
    ramp = np.linspace(0, 0.65, len(ink), dtype=np.float32)[:, None] + np.zeros_like(ink)
    sheet = np.rot90(ramp, rng.integers(4)) + rng.uniform(0.22, 0.33) * ink
    return as_png(sheet if rng.random() < 0.5 else 1 - sheet)
