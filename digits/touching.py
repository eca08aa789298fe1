"""Where digits that touch can be cut apart."""

from bisect import bisect

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.glyphs import Mark, Writing
from digits.ink import Ink

HEIGHT = 64
"""Pixels that writing is reduced to: enough to see strokes of 2."""
MAX_WIDTH = 12 * HEIGHT
SIDEWAYS = 0.7
"""What a step to the side costs, in pixels of full ink."""
MAX_INK = 20.0
"""Pixels of full ink that a cut may pass."""
APART = 3
"""Pixels between one cut and the next."""
APART_ON_AVERAGE = 8
LEAST_HILL = 0.3
"""Pixels of full ink that part one cut from the next."""
_STEEP = 1e9


def cut_apart(writing: Writing, mark: Mark) -> list[Mark]:
    """The pieces of a mark, from left to right; their labels take the place of its own."""
    box = mark.box
    ink = writing.cut(mark)
    left = np.arange(box.width)
    part = np.sum([left >= way[:, np.newaxis] for way in cuts(ink)], axis=0)
    if np.isscalar(part):
        return [mark]
    window = writing.labels[box.y : box.bottom, box.x : box.right]
    own = np.isin(window, mark.labels)
    first = int(writing.labels.max()) + 1
    window[own] = first + part[own]
    pieces = []
    for label in range(first, first + int(part.max()) + 1):
        x, y, width, height = cv2.boundingRect((window == label).astype(np.uint8))
        if width:
            pieces.append(Mark(Box(box.x + x, box.y + y, width, height), (label,)))
    return pieces


def cuts(ink: Ink) -> list[npt.NDArray[np.int32]]:
    """Ink (h, w) of one mark -> ways from top to bottom that pass little ink, from left to right.

    Each is int32 (h,): the column that every row is cut at. The least ink from the top and from the bottom to each
    pixel by dynamic programming, as in seam carving (Avidan & Shamir 2007).
    """
    height, width = ink.shape
    scale = min(HEIGHT / height, MAX_WIDTH / width)
    rows, columns = max(3, round(height * scale)), max(3, round(width * scale))
    cost = cv2.resize(ink, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    above, down = _least(cost)
    below, up = _least(cost[::-1])
    middle = rows // 2
    total = above[middle] + below[rows - 1 - middle] - cost[middle]
    found = []
    for start in _valleys(total):
        way = np.empty(rows, np.int32)
        way[middle] = start
        for row in range(middle, 0, -1):
            way[row - 1] = way[row] + down[row, way[row]]
        for row in range(rows - 1 - middle, 0, -1):
            here = rows - 1 - row
            way[here + 1] = way[here] + up[row, way[here]]
        at = (np.arange(height) * rows) // height
        found.append(((way[at] + 0.5) * width / columns).astype(np.int32))
    return found


def _least(cost: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """The least ink on a way from the first row to each pixel, and where it came from: -1, 0 or 1 to the side."""
    least, came = cost.copy(), np.zeros(cost.shape, np.int8)
    padded = np.full(cost.shape[1] + 2, _STEEP, np.float32)
    for row in range(1, len(cost)):
        padded[1:-1] = least[row - 1]
        ways = np.stack([padded[1:-1], padded[:-2] + SIDEWAYS, padded[2:] + SIDEWAYS])
        best = ways.argmin(axis=0)
        came[row] = _SIDE[best]
        least[row] += ways[best, np.arange(len(best))]
    return least, came


_SIDE = np.array([0, -1, 1], np.int8)


def _valleys(total: npt.NDArray[np.float32]) -> list[int]:
    """The columns of least ink, none close to another, to the ends, or on the flat ground around another."""
    chosen: list[int] = []
    for column in np.argsort(total, kind="stable").tolist():
        if total[column] > MAX_INK or len(chosen) == 2 + len(total) // APART_ON_AVERAGE:
            break
        place = bisect(chosen, column)
        # What stands between it and the next ones stands between it and those beyond, and none of them has more ink.
        beside = chosen[max(0, place - 1) : place + 1]
        if APART <= column < len(total) - APART and all(_hill(total, column, other) for other in beside):
            chosen.insert(place, column)
    return chosen


def _hill(total: npt.NDArray[np.float32], one: int, other: int) -> bool:
    """Whether a stroke stands between two columns."""
    between = total[min(one, other) : max(one, other) + 1]
    return len(between) > APART and float(between.max()) > max(total[one], total[other]) + LEAST_HILL
