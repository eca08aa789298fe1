"""Digits on paper, most of them photographed: (rng, text, hand) -> file."""

import cv2
import numpy as np

from bench.pictures.hand import Hand, Ink, Rng
from bench.pictures.surfaces import (
    PENS,
    File,
    Pen,
    Sheet,
    any_paper,
    any_pen,
    anyhow,
    as_jpeg,
    as_png,
    blended,
    grain,
    inked,
    lit,
    on_paper,
    paper,
    photographed,
    placed,
    shadowed,
)

SPACED = (0.12, 0.45)


def photo(rng: Rng, text: str, hand: Hand) -> File:
    """Pen, pencil or marker on white, grey or brown paper, in shadows and uneven light."""
    pen = any_pen(rng)
    ink = placed(rng, written(rng, text, hand, pen), 0.2, 0.9)
    return as_jpeg(rng, on_paper(rng, ink, pen))


def anywhere(rng: Rng, text: str, hand: Hand, gap: tuple[float, float] = SPACED) -> File:
    """On paper, scanned, or on a canvas."""
    pen = any_pen(rng)
    ink = placed(rng, written(rng, text, hand, pen, 140, gap), 0.3, 0.8, 100)
    return anyhow(rng, ink, pen)


def touching(rng: Rng, text: str, hand: Hand) -> File:
    """A number whose digits meet their neighbours."""
    return anywhere(rng, text, hand, (-0.03, -0.005))


def broken(rng: Rng, text: str, hand: Hand) -> File:
    """Strokes with gaps, as of a pen that skips."""
    ink = hand.write(text, int(rng.integers(100, 300)), rng.uniform(0.05, 0.12))
    height, width = ink.shape
    for _ in range(rng.integers(2, 5)):
        middle, angle = rng.uniform((0.15 * width, 0.1 * height), (0.85 * width, 0.9 * height)), rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * height * rng.uniform(0.08, 0.2)
        start, end = np.rint([middle - reach, middle + reach]).astype(int).tolist()
        cv2.line(ink, start, end, 0, max(2, int(height * rng.uniform(0.025, 0.05))), cv2.LINE_AA)
    return anyhow(rng, placed(rng, ink, 0.25, 0.7), any_pen(rng))


def ruled(rng: Rng, text: str, hand: Hand) -> File:
    """On lined or squared paper, some of it with a margin."""
    pen = any_pen(rng)
    height = int(rng.integers(100, 220))
    ink = placed(rng, hand.write(text, height, max(0.045, rng.uniform(*pen.width))), 0.4, 1.2, height)
    squared = rng.random() < 0.5
    step = height * (rng.uniform(0.3, 0.6) if squared else rng.uniform(1, 1.5))
    lines = _lines(rng, ink.shape, step)
    if squared:
        lines = np.maximum(lines, _lines(rng, ink.shape[::-1], step).T)
    sheet = paper(rng, ink.shape, (0.95, 0.95, 0.93))
    sheet = blended(sheet, lines * rng.uniform(0.3, 0.7), [(0.55, 0.65, 0.85), (0.6, 0.6, 0.6)][rng.integers(2)])
    if rng.random() < 0.3:
        sheet[:, int(rng.uniform(0.05, 0.15) * height) :][:, :2] = (0.85, 0.4, 0.4)
    return as_jpeg(rng, photographed(rng, lit(rng, inked(rng, sheet, ink, pen))))


def desk(rng: Rng, text: str, hand: Hand) -> File:
    """A sheet or a sticky note that lies aslant on a darker desk."""
    pen = any_pen(rng)
    ink = placed(rng, hand.write(text, int(rng.integers(60, 130)), max(0.05, rng.uniform(*pen.width))), 0.35, 0.8)
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
    ink = placed(rng, written(rng, text, hand, pen), 0.3, 0.9)
    sheet = inked(rng, paper(rng, ink.shape, any_paper(rng)), ink, pen)
    return as_jpeg(rng, photographed(rng, shadowed(rng, lit(rng, sheet, 0.2), rng.uniform(0.005, 0.03))))


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
    return anyhow(rng, placed(rng, ink, 0.2, 0.5, height), pen)


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
    return anyhow(rng, placed(rng, ink, 0.2, 0.5, height), pen)


def tight(rng: Rng, text: str, hand: Hand) -> File:
    """A thick marker, cropped to the edges of the ink."""
    ink = hand.write(text, int(rng.integers(60, 300)), rng.uniform(0.12, 0.19))
    # A bar that fills the picture is no longer a digit.
    ink = np.pad(ink, ((0, 0), (max(0, (len(ink) // 2 - ink.shape[1]) // 2),) * 2))
    if rng.random() < 0.5:
        return as_jpeg(rng, lit(rng, inked(rng, paper(rng, ink.shape, any_paper(rng)), ink, PENS["marker"]), 0.2))
    return as_png(ink if rng.random() < 0.4 else 1 - ink)


def written(rng: Rng, text: str, hand: Hand, pen: Pen, most: int = 340, gap: tuple[float, float] = SPACED) -> Ink:
    return hand.write(text, int(rng.integers(70, most)), max(0.04, rng.uniform(*pen.width)), gap)


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
