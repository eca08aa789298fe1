"""The pen that draws writing, through any projection."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits.training.scenes.writing import Ink, Writing

_ENLARGED = 4
"""How many times as large MNIST's ink is made before it is projected."""

Matrix = npt.NDArray[np.float64]
"""float64 (3, 3): a projection, such as from a writing's own units to pixels."""


class Layer(NamedTuple):
    """Ink of one writing, cropped, and the column and row of its upper left corner on the canvas."""

    x: int
    y: int
    ink: Ink


@dataclass(frozen=True, slots=True)
class Pen:
    """How strokes look."""

    width: float
    """In heights of the writing."""
    level: int = 110
    """Grey level from which the ink of a picture counts as ink; a lower level makes strokes broader."""


def drawn(writing: Writing, matrix: Matrix, pen: Pen) -> Layer:
    """Draw a writing in a projection, with edges of about a pixel."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    width = max(1, round(pen.width * scale))
    if writing.ink is not None:
        return _warped(writing.ink, matrix @ np.diag([1 / len(writing.ink), 1 / len(writing.ink), 1]), pen.level)
    strokes = [cv2.perspectiveTransform(stroke[np.newaxis], matrix)[0] for stroke in writing.strokes]
    low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.max(axis=0) for stroke in strokes], axis=0)
    x, y = (int(side) - width - 2 for side in np.floor(low))
    columns, rows = (int(side) + width + 3 for side in np.ceil(high) - (x, y))
    ink = np.zeros((rows, columns), np.uint8)
    points = [np.rint((stroke - (x, y)) * 16).astype(np.int32) for stroke in strokes]
    cv2.polylines(ink, points, False, 255, width, cv2.LINE_AA, 4)
    return Layer(x, y, ink)


def _warped(ink: Ink, matrix: Matrix, level: int) -> Layer:
    """Project the ink of a small picture, with edges as sharp as a pen's."""
    rows, columns = ink.shape
    corners = np.array([[[0, 0], [columns, 0], [columns, rows], [0, rows]]], np.float32)
    seen = cv2.perspectiveTransform(corners, matrix)[0]
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    margin = int(scale) + 2
    x, y = (int(side) - margin for side in np.floor(seen.min(axis=0)))
    width, height = (int(side) + margin for side in np.ceil(seen.max(axis=0)) - (x, y))
    padded = np.pad(ink, 2)
    large = cv2.resize(padded, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 0.4 * _ENLARGED)
    back = np.array([[1 / _ENLARGED, 0, 0.5 / _ENLARGED - 2], [0, 1 / _ENLARGED, 0.5 / _ENLARGED - 2], [0, 0, 1]])
    place = np.array([[1, 0, -x - 0.5], [0, 1, -y - 0.5], [0, 0, 1]])
    soft = cv2.warpPerspective(large, place @ matrix @ back, (width, height), flags=cv2.INTER_LINEAR)
    gain = max(1.0, scale)  # An edge is about one pixel of the grid wide, and must become one of the canvas.
    return Layer(x, y, _steep(soft, level, gain))


def _steep(soft: Ink, level: int, gain: float) -> Ink:
    """Multiply the contrast around a grey level by `gain`; paper, 0, stays 0."""
    table = np.clip((np.arange(256) - level) * gain + 127, 0, 255).astype(np.uint8)
    table[0] = 0
    return cv2.LUT(soft, table)
