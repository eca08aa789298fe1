"""Where digits that touch can be cut apart."""

from bisect import bisect
from itertools import pairwise

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
NARROW = 0.4
"""Marks below this width, in their heights, are not two digits."""
APART = 3
"""Pixels between one cut and the next."""
APART_ON_AVERAGE = 8
"""Pixels: a digit is about 40 wide, so that a true cut has room among false ones."""
LEAST_HILL = 0.3
"""Pixels of full ink that part one cut from the next."""
_OUTSIDE = np.float32(1e9)


def cut_apart(writing: Writing, mark: Mark) -> list[Mark]:
    """The pieces of a mark, from left to right; their labels take the place of its own."""
    box = mark.box
    if box.width < NARROW * box.height:
        return [mark]
    ways = cuts(writing.cut(mark))
    if not ways:
        return [mark]
    columns = np.arange(box.width)
    part = np.sum([columns >= way[:, np.newaxis] for way in ways], axis=0)
    window, own = writing.labels[box.window], writing.own(mark)
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
    from_top, from_bottom = _least(cost), _least(cost[::-1])[::-1]
    middle = rows // 2
    row_of = np.arange(height) * rows // height
    found = []
    for start in _valleys(from_top[middle] + from_bottom[middle] - cost[middle]):
        above, below = _way(from_top[middle::-1], start), _way(from_bottom[middle:], start)
        way = np.array([*above[:0:-1], *below])
        found.append(((way[row_of] + 0.5) * width / columns).astype(np.int32))
    return found


def _least(cost: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The least ink on a way from the first row to each pixel; a step down may go a column to the side."""
    least = np.pad(cost, ((0, 0), (1, 1)), constant_values=_OUTSIDE)
    for before, row in pairwise(least):
        aside = np.minimum(before[:-2], before[2:]) + np.float32(SIDEWAYS)
        row[1:-1] += np.minimum(before[1:-1], aside)
    return least[:, 1:-1]


def _way(least: npt.NDArray[np.float32], start: int) -> list[int]:
    """The columns of the way that leads to a column of the first row, back to the last."""
    way = [start]
    for row in least[1:]:
        column = way[-1]
        costs = [(row[column], column)]
        costs += [(row[side] + SIDEWAYS, side) for side in (column - 1, column + 1) if 0 <= side < len(row)]
        way.append(min(costs)[1])
    return way


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
