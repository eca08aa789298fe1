"""Reading order: lines from top to bottom, each from left to right, at any slope."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from digits.box import Box


@dataclass(frozen=True, slots=True)
class ReadingOrderConfig:
    """Which digits make a line. `python -m bench.choices` compares each value with others."""

    steepest: float = 40.0
    """Degrees that the way from a digit to the next of its line may rise or fall, as in a short uneven number."""
    same_line: float = 0.6
    """Heights of a digit that the middles of two neighbours may be apart, measured across the line.

    Lines are at least a height apart, and a digit leaves its line by half its own height at most.
    """


def in_lines(boxes: Sequence[Box], config: ReadingOrderConfig = ReadingOrderConfig()) -> list[list[int]]:
    """Boxes of digits -> their indices, line by line."""
    if not boxes:
        return []
    height = median(max(box.height, box.width / 2) for box in boxes)
    slope = _slope(boxes, math.tan(math.radians(config.steepest)))
    drop = [box.centre_y - slope * box.centre_x for box in boxes]
    lines: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=drop.__getitem__):
        if lines and drop[place] - drop[lines[-1][-1]] <= config.same_line * height:
            lines[-1].append(place)
        else:
            lines.append([place])
    return [sorted(line, key=lambda place: boxes[place].centre_x) for line in lines]


def beside(boxes: Sequence[Box], x: float, y: float) -> int | None:
    """The index of the digit nearest to a point; None if the point is more than that digit's height away."""
    place = min(range(len(boxes)), key=lambda place: _distance(boxes[place], x, y))
    height = max(boxes[place].height, boxes[place].width / 2)
    return place if _distance(boxes[place], x, y) <= height else None


def _distance(box: Box, x: float, y: float) -> float:
    return math.hypot(max(box.x - x, x - box.right, 0), max(box.y - y, y - box.bottom, 0))


def _slope(boxes: Sequence[Box], steepest: float) -> float:
    """Slope of the lines, pixels down for each to the right: the median over digits and their right neighbours."""
    steps = []
    for box in boxes:
        beside = [
            (other.centre_x - box.centre_x, other.centre_y - box.centre_y)
            for other in boxes
            if abs(other.centre_y - box.centre_y) < steepest * (other.centre_x - box.centre_x)
        ]
        if beside:
            across, down = min(beside, key=lambda step: math.hypot(*step))
            steps.append(down / across)
    return median(steps) if steps else 0.0
