"""What cutting and joining makes of digits that touch: some are digits again, and most are not."""

from collections.abc import Iterator
from functools import reduce

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInk
from digits.glyphs import Mark, find_writing
from digits.grids import Grid
from digits.touching import cut_apart

WHOLE, WRONG = 0.88, 0.65
"""Share of the pixels in common, of all, from which a segment is the digit, and up to which it is none."""
MAX_PIECES = 4
LEAST_HEIGHT = 8
"""Pixels of a segment; smaller ones are specks."""
BAR_WIDTH, BAR_INK = 0.5, 0.6
"""A straight bar is at most so broad, by its length, and fills so much of its box: nobody could tell it from a 1."""


def segments(grids: npt.NDArray[np.uint8], rng: np.random.Generator) -> Iterator[tuple[Grid, bool]]:
    """Digits, uint8 (n, 28, 28), written so that they touch -> grids of their segments, and whether each is a digit.

    Left out is what is neither a whole digit nor far from any.
    """
    ink, digits = _written(grids, rng)
    try:
        writing = find_writing(ink)
    except NoInk:
        return
    pieces = sorted(
        (piece for line in writing.lines for mark in line for piece in cut_apart(writing, mark)),
        key=lambda piece: piece.box.centre,
    )
    for start in range(len(pieces)):
        for end in range(start + 1, min(len(pieces), start + MAX_PIECES) + 1):
            mark = reduce(Mark.joined, pieces[start:end])
            if mark.box.height < LEAST_HEIGHT:
                continue
            own = np.isin(writing.labels, mark.labels) & (ink > 127)
            likeness = max(float((own & digit).sum() / (own | digit).sum()) for digit in digits)
            grid = writing.glyph(mark, 0).grid
            if likeness >= WHOLE or (likeness <= WRONG and not _is_bar(grid)):
                yield grid, likeness >= WHOLE


def _is_bar(grid: Grid) -> bool:
    inked = np.argwhere(grid > 127).astype(np.float32)
    short, long = sorted(side + 1 for side in cv2.minAreaRect(inked)[1]) if len(inked) else (1, 1)
    return short <= BAR_WIDTH * long and len(inked) >= BAR_INK * short * long


def _written(
    grids: npt.NDArray[np.uint8], rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], list[npt.NDArray[np.bool_]]]:
    """The digits in a row, touching or almost: ink (h, w), and the pixels of each."""
    size = int(rng.integers(40, 90))
    canvas = np.zeros((3 * size, (len(grids) + 2) * 2 * size), np.uint8)
    digits, x = [], size
    for grid in grids:
        left, top, width, height = cv2.boundingRect((grid > 60).astype(np.uint8))
        scale = size * rng.uniform(0.85, 1.15) / 20
        across, down = max(2, round(width * scale)), max(2, round(height * scale))
        digit = cv2.resize(grid[top : top + height, left : left + width], (across, down), interpolation=cv2.INTER_CUBIC)
        digit = np.clip((digit.astype(np.float32) - 110) * 3 + 127, 0, 255).astype(np.uint8)  # As sharp as a pen.
        y = int(size + rng.uniform(-0.1, 0.1) * size)
        layer = np.zeros_like(canvas)
        layer[y : y + down, x : x + across] = digit
        digits.append(layer > 127)
        canvas = np.maximum(canvas, layer)
        x += across + int(rng.uniform(-0.15, 0.05) * size)
    return canvas, digits
