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
"""Marks below this share of the tallest one's height, both ways, are dust and dots."""
HAIR = 0.15
"""Strokes below this share of the heaviest mark's weight are hairs, scratches and rules."""
BORDER = 0.6
"""A mark that fills this share of an edge of the picture is a frame, a rule or a shadow."""
FRAMED = 0.45
"""What lies inside a mark and has this share of its height was written in a frame, rather than be a blot in a digit."""
DENSE = 0.4
"""Share of its box that a mark fills which is no line or frame."""
FLAT = 0.35
"""A mark below this share of the tallest one's height, and of its own width, is an underline if it is long."""
TOO_LONG = 1.6
"""How many times as high as the next one an upright line must be to be no 1."""
SAME_DIGIT = 0.5
"""Strokes that share this much of the narrower one's width belong to one digit."""
SHORT = 0.4
"""A mark below this share of its line's height is no digit by itself: a stroke of one, or a comma."""
NEAR = 0.25
"""How far, in heights of the line, a short stroke may stand from the rest of its digit."""
LINE_DRIFT = 0.7
"""How much higher or lower, in heights, the next mark of a line may stand."""
NO_DIGIT = "There is no digit in this picture. Write one inside it, clear of the edges."
MAX_MARKS = 100
"""More are a texture or a page of text, and would take long to read."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One digit: its box in the grey picture, its line of writing from 0, and its grid."""

    box: Box
    line: int
    grid: Grid


@dataclass(frozen=True, slots=True)
class Mark:
    """Connected ink, or several pieces of it that make one digit; labels are those of the components."""

    box: Box
    labels: tuple[int, ...]

    def joined(self, other: "Mark") -> "Mark":
        return Mark(self.box.joined(other.box), self.labels + other.labels)


@dataclass(frozen=True, slots=True)
class Writing:
    """Ink, which pixels of it belong together, and its lines of marks, from left to right."""

    ink: Ink
    labels: npt.NDArray[np.int32]
    """int32 (h, w): 0 is paper and the soft edges of strokes."""
    lines: list[list[Mark]]
    stray: float
    """Share of the ink that was left out, though it is no line."""

    def glyph(self, mark: Mark, line: int) -> Glyph:
        return Glyph(mark.box, line, to_grid(self.cut(mark)))

    def cut(self, mark: Mark) -> Ink:
        """The mark's own ink within its box, soft edges included, without that of its neighbours."""
        others = (self.labels[mark.box.window] != 0) & ~self.own(mark)
        return np.where(others, np.uint8(0), self.ink[mark.box.window])

    def own(self, mark: Mark) -> npt.NDArray[np.bool_]:
        """Which pixels of its box the mark covers."""
        labels = self.labels[mark.box.window]
        return labels == mark.labels[0] if len(mark.labels) == 1 else np.isin(labels, mark.labels)


def find_glyphs(grey: Grey) -> list[Glyph]:
    """uint8 (h, w) -> its digits in reading order, at least one. Raises NoInk for an empty picture."""
    if (grid := as_grid(grey)) is not None:
        return [grid]
    writing = find_writing(find_ink(grey))
    return [writing.glyph(mark, number) for number, line in enumerate(writing.lines) for mark in digits_of(line)]


def as_grid(grey: Grey) -> Glyph | None:
    """A picture that was already made as MNIST's were, black on white or white on black."""
    for picture in (grey, 255 - grey):
        if is_grid(picture):
            return Glyph(Box(*cv2.boundingRect(picture)), 0, picture)
    return None


def find_writing(ink: Ink) -> Writing:
    """Ink -> its marks in lines, at least one. Raises NoInk where there is none, or far too many."""
    solid = (ink > 127).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(solid, 8, cv2.CV_32S, cv2.CCL_BBDT)
    marks = _without_long_lines(_without_frames(_marks(labels, stats)), ink.shape)
    if not marks:
        raise NoInk(NO_DIGIT)
    return Writing(ink, labels, _lines(marks), _stray(stats, marks))


def _marks(labels: npt.NDArray[np.int32], stats: npt.NDArray[np.int32]) -> list[Mark]:
    """OpenCV's labels and statistics of connected components -> those that can be part of a digit."""
    size = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    size[0] = 0  # The paper.
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        size[np.flatnonzero(np.bincount(edge, minlength=len(size)) >= BORDER * len(edge))] = 0
    # A stroke's weight is its width, and a digit's two or three times that.
    tallest = stats[size > 0, cv2.CC_STAT_HEIGHT].max(initial=0)
    weight = np.where(size > SPECK * tallest, stats[:, cv2.CC_STAT_AREA] / np.maximum(1, size), 0)
    found = np.flatnonzero(weight > HAIR * weight.max())
    if not len(found):
        raise NoInk(NO_DIGIT)
    if len(found) > MAX_MARKS:
        raise NoInk(f"This picture shows {len(found)} marks; writing of at most {MAX_MARKS} is read. Cut it smaller.")
    return [Mark(Box(*stats[label, : cv2.CC_STAT_AREA].tolist()), (label,)) for label in found.tolist()]


def _stray(stats: npt.NDArray[np.int32], marks: list[Mark]) -> float:
    """The share of all ink that was left out and is no line: sheets, shadows, and what else is dense."""
    _, _, width, height, area = stats.T
    dense = area > DENSE * width * height
    dense[[0, *(label for mark in marks for label in mark.labels)]] = False
    return float(area[dense].sum() / max(1, area[1:].sum()))


def _without_frames(marks: list[Mark]) -> list[Mark]:
    """Leaves out the boxes and circles that are drawn around writing."""
    return [mark for mark in marks if not any(_frames(mark.box, other.box) for other in marks)]


def _frames(outer: Box, inner: Box) -> bool:
    is_inside = outer.x < inner.x and inner.right < outer.right and outer.y < inner.y and inner.bottom < outer.bottom
    return is_inside and inner.height >= FRAMED * outer.height


def _without_long_lines(marks: list[Mark], shape: tuple[int, ...]) -> list[Mark]:
    """Leaves out underlines, and upright lines that cross the picture or are much longer than anything written.

    Of a picture of one such line that is all there is, it is a 1 only where it fills much of the width.
    """
    height, width = shape
    tall = max(mark.box.height for mark in marks)
    rest = sorted(mark.box.height for mark in marks if mark.box.height < height)[-2:]

    def is_rule(box: Box) -> bool:
        if box.width > box.height:
            return box.width >= tall and box.height <= FLAT * min(tall, box.width)
        is_long = box.height == height or (box.height == rest[-1] and box.height >= TOO_LONG * rest[0])
        return is_long and box.width <= FLAT * box.height

    written = [mark for mark in marks if not is_rule(mark.box)]
    return written or [mark for mark in marks if mark.box.height < height or mark.box.width > width / 3]


def _lines(marks: list[Mark]) -> list[list[Mark]]:
    """Follows each line of writing from left to right, as it rises or falls; lines from top to bottom."""
    lines: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.box.x):
        beside = [line for line in lines if any(_is_beside(last.box, mark.box) for last in (line[-1], _end(line)))]
        if beside:
            min(beside, key=lambda line: _drift(_end(line).box, mark.box)).append(mark)
        else:
            lines.append([mark])
    return sorted(lines, key=lambda line: sum(mark.box.middle for mark in line) / len(line))


def _end(line: list[Mark]) -> Mark:
    """The last mark that is no comma, nor a part of an equals sign: the next one stands level with it."""
    tall = max(mark.box.height for mark in line)
    return next(mark for mark in reversed(line) if mark.box.height >= SHORT * tall)


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


def digits_of(line: list[Mark]) -> list[Mark]:
    """A line's marks, the strokes of one digit joined, without full stops and the like."""
    tall = max(mark.box.height for mark in line)
    digits: list[Mark] = []
    for mark in line:
        if digits and _is_one_digit(digits[-1].box, mark.box, tall):
            digits[-1] = digits[-1].joined(mark)
        else:
            digits.append(mark)
    return [digit for digit in digits if digit.box.height >= SHORT * tall]


def _is_one_digit(left: Box, right: Box, tall: int) -> bool:
    """Whether two neighbours are strokes of one digit, on a line whose tallest mark has `tall` pixels."""
    if _overlap(left, right) >= SAME_DIGIT:
        return True
    # A stroke too short to be a digit of its own, such as the bar of a 5, belongs to what is near.
    return min(left.height, right.height) < SHORT * tall and right.x - left.right < NEAR * tall
