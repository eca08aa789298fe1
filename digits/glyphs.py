"""Picture to the digits in it: boxes in reading order, and a grid for each."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.errors import NoInk
from digits.grids import Grid, is_grid, to_grid
from digits.ink import Ink, find_ink
from digits.picture import Grey

SPECK = 0.2
"""Marks below this share of the tallest mark's size, both ways, are dust and dots."""
BORDER = 0.9
"""A mark along the picture's edge that spans this share of it is a frame, a rule or a shadow."""
FRAMED = 0.45
"""What lies inside a mark and has this share of its height was written in a frame, rather than be a blot in a digit."""
SAME_DIGIT = 0.5
"""Strokes that share this much of the narrower one's width belong to one digit."""
SHORT = 0.5
"""A mark below this share of its line's height is no digit by itself."""
NEAR = 0.25
"""How far, in heights of the line, a short stroke may stand from the rest of its digit."""
LINE_DRIFT = 0.7
"""How much higher or lower, in heights, the next mark of a line may stand."""
MAX_MARKS = 100
"""More are a texture or a page of text, and would take long to read."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One digit: its box in the grey picture, its line of writing from 0, and its grid."""

    box: Box
    line: int
    grid: Grid


@dataclass(frozen=True, slots=True)
class _Mark:
    """Connected ink, or several pieces of it that make one digit; labels are those of the components."""

    box: Box
    labels: tuple[int, ...]

    def joined(self, other: "_Mark") -> "_Mark":
        return _Mark(self.box.joined(other.box), self.labels + other.labels)


def find_glyphs(grey: Grey) -> list[Glyph]:
    """uint8 (h, w) -> its digits in reading order, at least one. Raises NoInk for an empty picture."""
    for picture in (grey, 255 - grey):
        if is_grid(picture):
            return [Glyph(Box(*cv2.boundingRect(picture)), 0, picture)]
    ink = find_ink(grey)
    solid = (ink > 127).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(solid, 8, cv2.CV_32S, cv2.CCL_BBDT)
    marks = _without_frames(_marks(stats, ink.shape))
    return [
        Glyph(mark.box, line, to_grid(_cut(ink, labels, mark)))
        for line, row in enumerate(_lines(marks))
        for mark in _digits(row)
    ]


def _marks(stats: npt.NDArray[np.int32], shape: tuple[int, ...]) -> list[_Mark]:
    """OpenCV's statistics of connected components -> those that can be part of a digit."""
    height, width = shape
    left, top, across, down = stats[:, : cv2.CC_STAT_AREA].T
    along_side = ((left == 0) | (left + across == width)) & (down >= BORDER * height)
    along_end = ((top == 0) | (top + down == height)) & (across >= BORDER * width)
    size = np.where(along_side | along_end, 0, np.maximum(across, down))
    size[0] = 0  # The paper.
    found = np.flatnonzero(size > SPECK * size.max())
    if not len(found):
        raise NoInk("There is no digit in this picture. Write one inside it, clear of the edges.")
    if len(found) > MAX_MARKS:
        raise NoInk(f"This picture shows {len(found)} marks; writing of at most {MAX_MARKS} is read. Cut it smaller.")
    return [_Mark(Box(*stats[label, : cv2.CC_STAT_AREA].tolist()), (label,)) for label in found.tolist()]


def _without_frames(marks: list[_Mark]) -> list[_Mark]:
    """Leaves out the boxes and circles that are drawn around writing."""
    return [mark for mark in marks if not any(_frames(mark.box, other.box) for other in marks)]


def _frames(outer: Box, inner: Box) -> bool:
    is_inside = outer.x < inner.x and inner.right < outer.right and outer.y < inner.y and inner.bottom < outer.bottom
    return is_inside and inner.height >= FRAMED * outer.height


def _lines(marks: list[_Mark]) -> list[list[_Mark]]:
    """Follows each line of writing from left to right, as it rises or falls; lines from top to bottom."""
    lines: list[list[_Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.box.x):
        beside = [line for line in lines if _is_beside(line[-1].box, mark.box)]
        if beside:
            min(beside, key=lambda line: _drift(line[-1].box, mark.box)).append(mark)
        else:
            lines.append([mark])
    return sorted(lines, key=lambda line: sum(mark.box.middle for mark in line) / len(line))


def _is_beside(left: Box, right: Box) -> bool:
    """Whether a mark stands on the line of the one before it: level with it, or a stroke broken off above or below."""
    apart = max(left.y, right.y) - min(left.bottom, right.bottom)
    near = apart <= NEAR * max(left.height, right.height)
    return _drift(left, right) <= LINE_DRIFT or (near and _overlap(left, right) >= SAME_DIGIT)


def _overlap(left: Box, right: Box) -> float:
    """The share of the narrower one's width that two marks have in common; below 0 if they stand apart."""
    return (min(left.right, right.right) - right.x) / min(left.width, right.width)


def _drift(left: Box, right: Box) -> float:
    """How much higher or lower one mark stands than the next, in heights of the taller."""
    return abs(right.middle - left.middle) / max(left.height, right.height)


def _digits(line: list[_Mark]) -> list[_Mark]:
    """A line's marks, the strokes of one digit joined."""
    tall = max(mark.box.height for mark in line)
    digits: list[_Mark] = []
    for mark in line:
        if digits and _is_one_digit(digits[-1].box, mark.box, tall):
            digits[-1] = digits[-1].joined(mark)
        else:
            digits.append(mark)
    return digits


def _is_one_digit(left: Box, right: Box, tall: int) -> bool:
    """Whether two neighbours are strokes of one digit, on a line whose tallest mark has `tall` pixels."""
    if _overlap(left, right) >= SAME_DIGIT:
        return True
    # A stroke too short to be a digit of its own, such as the bar of a 5, belongs to what is near.
    return min(left.height, right.height) < SHORT * tall and right.x - left.right < NEAR * tall


def _cut(ink: Ink, labels: npt.NDArray[np.int32], mark: _Mark) -> Ink:
    """The mark's own ink within its box, soft edges included, without that of its neighbours."""
    box = mark.box
    window = np.s_[box.y : box.bottom, box.x : box.right]
    others = (labels[window] != 0) & ~np.isin(labels[window], mark.labels)
    return np.where(others, np.uint8(0), ink[window])
