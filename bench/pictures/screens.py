"""Digits on screens, in scans and in data sets: (rng, text, hand) -> file."""

import cv2
import numpy as np

from bench.pictures.hand import Hand, Ink, Rng
from bench.pictures.papers import written
from bench.pictures.surfaces import (
    PENS,
    File,
    any_pen,
    as_jpeg,
    as_png,
    blended,
    clouds,
    grain,
    on_paper,
    placed,
    scanned,
)


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
        turned = np.rot90(small, int(rng.integers(4)))
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
    height, width = ink.shape
    inside = rng.uniform(0.1, 0.35, 4)
    if rng.random() < 0.35:
        # At its side a 1 would be hidden by the box.
        inside[rng.integers(4) if width > 0.5 * height else rng.choice([1, 3])] = rng.uniform(-0.06, 0.01)
    pen, shade = int(rng.integers(1, 3 + height // 40)), rng.uniform(0.7, 1)
    box = np.rint(inside * height).astype(int)
    outside = rng.uniform(0.06, 0.2, 4) * height + pen
    cut = rng.permutation(4)[: rng.choice([0, 0, 1, 2])]
    outside[cut] = np.maximum(0.04 * height - box, -pen)[cut]  # Ink that crosses the box is not cut off with it.
    left, top, right, bottom = box + outside.astype(int)
    sheet = np.pad(ink, height)
    corners = (height - box[0], height - box[1]), (height + width + box[2], 2 * height + box[3])
    sheet = np.maximum(sheet, cv2.rectangle(np.zeros_like(sheet), *corners, shade, pen))
    return _scan(rng, sheet[height - top : 2 * height + bottom, height - left : height + width + right])


def mid_grey(rng: Rng, text: str, hand: Hand) -> File:
    """Neither black nor white behind it, and lighter or darker ink."""
    ink = placed(rng, written(rng, text, hand, PENS["marker"]), 0.2, 0.7)
    contrast = rng.uniform(0.2, 0.45) * rng.choice([-1, 1])
    sheet = rng.uniform(0.42, 0.58) + 0.03 * clouds(rng, ink.shape, 3) + contrast * ink
    sheet = sheet + rng.uniform(0, 0.03) * grain(rng, ink.shape, 1.3)
    return as_jpeg(rng, sheet) if rng.random() < 0.5 else as_png(sheet)


def half(rng: Rng, text: str, hand: Hand) -> File:
    """One half of the picture inverted, through the digit."""
    ink = placed(rng, hand.write(text, int(rng.integers(100, 300)), rng.uniform(0.07, 0.14)), 0.2, 0.6)
    sheet = rng.uniform(0.9, 1) - rng.uniform(0.75, 0.9) * ink + 0.01 * grain(rng, ink.shape, 1.2)
    turned = np.rot90(sheet, int(rng.integers(4)))
    part = turned[: int(len(turned) * rng.uniform(0.4, 0.6))]
    part[:] = 1 - part
    return as_png(sheet)


def tiles(rng: Rng, text: str, hand: Hand) -> File:
    """Pictures of one digit each side by side, with their own paper, light, and some with their own polarity."""
    side = int(rng.integers(60, 180))
    return as_png(np.concatenate([_tile(rng, digit, hand, side) for digit in text], 1))


def black_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """The screenshot of a white page with a black canvas that is drawn on in white."""
    ink = _squared(hand.write(text, int(rng.integers(100, 260)), rng.uniform(0.06, 0.14)), rng.uniform(1.3, 2))
    page = rng.uniform(0.03, 0.3, (2, 2)) * len(ink) + 4
    picture = np.pad(
        rng.choice([0, 0.05, 0.1]) + 0.9 * ink, np.rint(page).astype(int), constant_values=rng.choice([1, 0.95])
    )
    return as_png(picture)


def _scan(rng: Rng, ink: Ink) -> File:
    turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), rng.normal(0, 1.5), 1)
    turned = cv2.warpAffine(ink, turn, ink.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    specks = rng.random(ink.shape) < rng.choice([0, 0.0008])
    return as_png(scanned(rng, np.maximum(turned, specks).astype(np.float32), bool(rng.random() < 0.5)))


def _tile(rng: Rng, digit: str, hand: Hand, side: int) -> Ink:
    ink = hand.write(digit, int(side * rng.uniform(0.55, 0.75)), rng.uniform(0.06, 0.12))
    ink = cv2.resize(_squared(ink, max(1.15, side / max(ink.shape))), (side, side), interpolation=cv2.INTER_AREA)
    grey = rng.uniform(0.6, 1)
    tile = grey - rng.uniform(0.5, 0.9) * grey * ink + 0.02 * grain(rng, ink.shape, 1.2)
    tile = tile * (1 + 0.1 * clouds(rng, ink.shape, 3))
    return 1 - tile if rng.random() < 0.3 else tile


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
    drawing = hand.write(text, height, rng.uniform(2, 4) / height)
    ink = np.zeros((1500, max(1500, drawing.shape[1] + 20)), np.float32)
    y, x = (int(rng.integers(10, room - 9)) for room in np.subtract(ink.shape, drawing.shape))
    ink[y : y + drawing.shape[0], x : x + drawing.shape[1]] = drawing
    return as_png(1 - ink)


def _corner_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """A digit of 40 pixels in some corner of a large page."""
    ink = hand.write(text, 40, rng.uniform(0.07, 0.12))
    page = np.zeros(rng.integers(500, 900, 2), np.float32)
    y, x = rng.integers(8, 60, 2)
    y, x = (
        int(rng.choice([near, room - near]))
        for near, room in zip((y, x), np.subtract(page.shape, ink.shape), strict=True)
    )
    page[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    return as_png(1 - page if rng.random() < 0.7 else page)


def _gradient_canvas(rng: Rng, text: str, hand: Hand) -> File:
    """Ink at the bright end is brighter than the background at the dark end, so that no one threshold divides them."""
    ink = _squared(hand.write(text, int(rng.integers(120, 260)), rng.uniform(0.07, 0.13)), rng.uniform(1.2, 1.5))
    ramp = np.linspace(0, 0.65, len(ink), dtype=np.float32)[:, None] + np.zeros_like(ink)
    sheet = np.rot90(ramp, int(rng.integers(4))) + rng.uniform(0.22, 0.33) * ink
    return as_png(sheet if rng.random() < 0.5 else 1 - sheet)


def _squared(ink: Ink, scale: float) -> Ink:
    """In the middle of a square so many times its longer side."""
    side = int(max(ink.shape) * scale)
    above, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    return np.pad(ink, ((above, side - ink.shape[0] - above), (left, side - ink.shape[1] - left)))


def _small(rng: Rng, text: str, hand: Hand) -> Ink:
    return hand.write(text, int(rng.integers(30, 80)), rng.uniform(0.06, 0.12))
