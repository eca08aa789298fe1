"""Ways to write a digit that MNIST's writers, Americans, hardly used."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import Grid, to_grid

STYLED = 0.15
"""Share of the digits that can be written in another style and are."""


def in_another_style(grid: Grid, digit: int, rng: np.random.Generator, share: float = STYLED) -> Grid:
    """uint8 (28, 28) -> some 1s with an upstroke and perhaps a foot, 7s with a bar, and 0s with a slash."""
    if digit not in (0, 1, 7) or rng.random() > share:
        return grid
    solid = grid > 127
    rows = np.flatnonzero(solid.any(axis=1))
    if len(rows) < 8:
        return grid
    top, bottom = float(rows[0]), float(rows[-1])
    height = bottom - top
    pen = rng.uniform(1.5, 3)
    if digit == 1:
        x = _middle(solid[rows[0]])
        angle, length = np.deg2rad(rng.uniform(30, 65)), height * rng.uniform(0.2, 0.55)
        strokes = [((x, top + pen / 2), (x - length * np.cos(angle), top + length * np.sin(angle)))]
        if rng.random() < 0.3:
            foot, half = _middle(solid[rows[-1]]), height * rng.uniform(0.12, 0.3)
            strokes.append(((foot - half, bottom), (foot + half, bottom)))
    elif digit == 7:
        y = top + height * rng.uniform(0.4, 0.65)
        x, half, rise = _middle(solid[int(y)]), height * rng.uniform(0.15, 0.3), rng.uniform(-2, 2)
        strokes = [((x - half, y + rise), (x + half, y - rise))]
    else:
        columns = np.flatnonzero(solid.any(axis=0))
        beyond, lower = rng.uniform(-3, 2, 2)
        strokes = [((columns[0] - beyond, bottom + lower), (columns[-1] + beyond, top - lower))]
    room = 8
    canvas = np.pad(grid, room)
    for stroke in strokes:
        ends = np.rint((np.array(stroke) + room) * 16).astype(np.int32)
        layer = np.zeros((len(canvas) * 3,) * 2, np.uint8)
        cv2.polylines(layer, [ends * 3 + 16], False, 255, round(pen * 3), cv2.LINE_AA, 4)
        canvas = np.maximum(canvas, cv2.resize(layer, canvas.shape, interpolation=cv2.INTER_AREA))
    x, y, width, height = cv2.boundingRect((canvas > 32).astype(np.uint8))
    return to_grid(canvas[y : y + height, x : x + width])


def _middle(row: npt.NDArray[np.bool_]) -> float:
    """Of the ink in a row; of the grid where there is none."""
    return float((np.flatnonzero(row) if row.any() else np.arange(len(row))).mean())
