"""Draw styles of writing into digits that are rare in MNIST, whose writers were Americans."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import Grid, to_grid

STYLED = 0.15
"""Share of the 0s, 1s and 7s that are changed to another style."""

Stroke = tuple[tuple[float, float], tuple[float, float]]
"""Start and end of a straight stroke: x and y in pixels of the grid."""
_ROOM = 8
"""Pixels by which a stroke may reach beyond the grid."""


def in_another_style(grid: Grid, digit: int, rng: np.random.Generator, share: float = STYLED) -> Grid:
    """Add, to this share of the digits, an upstroke and perhaps a foot to a 1, a bar to a 7, or a slash to a 0.

    Takes and returns a grid, uint8 (28, 28).
    """
    if digit not in (0, 1, 7) or rng.random() > share:
        return grid
    solid = grid > 127
    if np.count_nonzero(solid.any(axis=1)) < 8:
        return grid
    pen = rng.uniform(1.5, 3)
    if digit == 1:
        strokes = _upstroke_and_foot(solid, pen, rng)
    else:
        strokes = [_bar(solid, rng) if digit == 7 else _slash(solid, rng)]
    canvas = np.pad(grid, _ROOM)
    for stroke in strokes:
        canvas = np.maximum(canvas, _drawn(stroke, pen, len(canvas)))
    x, y, width, height = cv2.boundingRect((canvas > 32).astype(np.uint8))
    return to_grid(canvas[y : y + height, x : x + width])


def _upstroke_and_foot(solid: npt.NDArray[np.bool_], pen: float, rng: np.random.Generator) -> list[Stroke]:
    """Strokes for a 1: from its top down to the left, and in three of ten a line at its bottom."""
    top, bottom = _ends(solid, 1)
    x, height = _middle(solid[top]), bottom - top
    angle, length = np.deg2rad(rng.uniform(30, 65)), height * rng.uniform(0.2, 0.9)
    upstroke = ((x, top + pen / 2), (x - length * np.cos(angle), top + length * np.sin(angle)))
    if rng.random() >= 0.3:
        return [upstroke]
    x, half = _middle(solid[bottom]), height * rng.uniform(0.12, 0.3)
    return [upstroke, ((x - half, bottom), (x + half, bottom))]


def _bar(solid: npt.NDArray[np.bool_], rng: np.random.Generator) -> Stroke:
    """A stroke through the middle of a 7."""
    top, bottom = _ends(solid, 1)
    height = bottom - top
    y = top + height * rng.uniform(0.4, 0.65)
    x, half, rise = _middle(solid[int(y)]), height * rng.uniform(0.15, 0.3), rng.uniform(-2, 2)
    return (x - half, y + rise), (x + half, y - rise)


def _slash(solid: npt.NDArray[np.bool_], rng: np.random.Generator) -> Stroke:
    """A stroke through a 0, from the lower left to the upper right."""
    (top, bottom), (left, right) = _ends(solid, 1), _ends(solid, 0)
    across, up = rng.uniform(-3, 2, 2)
    return (left - across, bottom + up), (right + across, top - up)


def _ends(solid: npt.NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """First and last row that has ink (axis 1), or first and last column (axis 0)."""
    places = np.flatnonzero(solid.any(axis=axis))
    return int(places[0]), int(places[-1])


def _middle(row: npt.NDArray[np.bool_]) -> float:
    """Mean column of the ink in a row, or the middle of the row if there is none."""
    return float((np.flatnonzero(row) if row.any() else np.arange(len(row))).mean())


def _drawn(stroke: Stroke, pen: float, side: int) -> npt.NDArray[np.uint8]:
    """Draw a stroke `pen` pixels wide, uint8 (side, side); it is drawn three times as large for smooth edges."""
    ends = np.rint((np.array(stroke) + _ROOM) * 16).astype(np.int32)
    large = np.zeros((3 * side, 3 * side), np.uint8)
    cv2.polylines(large, [ends * 3 + 16], False, 255, round(pen * 3), cv2.LINE_AA, 4)  # 4: in sixteenths.
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
