"""Reading order: lines from top to bottom, each from left to right, at any slope."""

import math
from collections.abc import Sequence
from statistics import median

from digits.box import Box

STEEPEST = math.tan(math.radians(40))
"""Of the way from one digit to the next of its line: two digits of a short number may stand so unevenly."""
SAME_LINE = 0.6
"""How far the middles of two neighbours in a line are off its direction at most, in heights of a digit.

Lines of writing are at least a height apart, and a digit of a line leaves it by half its own height at most.
"""


def in_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Boxes of digits -> their places in the sequence, line by line."""
    if not boxes:
        return []
    height = median(max(box.height, box.width / 2) for box in boxes)
    slope = _slope(boxes)
    drop = [box.middle - slope * box.centre for box in boxes]
    lines: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=drop.__getitem__):
        if lines and drop[place] - drop[lines[-1][-1]] <= SAME_LINE * height:
            lines[-1].append(place)
        else:
            lines.append([place])
    return [sorted(line, key=lambda place: boxes[place].centre) for line in lines]


def beside(boxes: Sequence[Box], x: float, y: float) -> int | None:
    """The place of the digit next to this point, if the point is in its line."""
    place = min(range(len(boxes)), key=lambda place: _distance(boxes[place], x, y))
    height = max(boxes[place].height, boxes[place].width / 2)
    return place if _distance(boxes[place], x, y) <= height else None


def _distance(box: Box, x: float, y: float) -> float:
    return math.hypot(max(box.x - x, x - box.right, 0), max(box.y - y, y - box.bottom, 0))


def _slope(boxes: Sequence[Box]) -> float:
    """How much lines fall for each pixel to the right: the median from each digit to the nearest one on its right."""
    steps = []
    for box in boxes:
        beside = [
            (other.centre - box.centre, other.middle - box.middle)
            for other in boxes
            if abs(other.middle - box.middle) < STEEPEST * (other.centre - box.centre)
        ]
        if beside:
            across, down = min(beside, key=lambda step: math.hypot(*step))
            steps.append(down / across)
    return median(steps) if steps else 0.0
