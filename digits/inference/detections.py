"""The finder's output decoded: the digits and signs that it sees, without duplicates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.inference.calibration import log_odds
from digits.inference.interpreter import Floats

STRIDE = 4
"""Pixels of the network's input for each place of its output."""
UNIT = 16
"""Pixels. The network gives distances to the sides of a box as natural logarithms of multiples of this."""
SIGNS = "-/,.:"
"""Signs between digits or before them. The network gives the place of the middle of each."""

CENTRE, OF_CLASSES, OF_SIDES, OF_SIGNS = 0, slice(1, 11), slice(11, 15), slice(15, 20)
"""Channels of the output: of a digit's centre, of its ten classes, of the sides of its box, of each of SIGNS."""

Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Rows and columns of the network's output."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be a digit."""

    box: Box
    is_digit: float
    """Probability that it is a digit."""
    probabilities: tuple[float, ...]
    """Probabilities of the ten digits, if it is one; they sum to 1."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign between digits or before them."""

    character: str
    """One of SIGNS."""
    x: float
    y: float
    """Its middle, in pixels of the picture."""
    is_sign: float
    """Probability that it is this sign."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the finder sees in a picture."""

    digits: Sequence[Candidate] = ()
    """The likeliest first."""
    signs: Sequence[Sign] = ()
    """The likeliest first."""
    scale: float = 1.0
    """Scale factor from the picture to the network's input."""

    @property
    def likely(self) -> list[Candidate]:
        """Candidates that are more likely a digit than not."""
        return [each for each in self.digits if each.is_digit >= 0.5]

    @property
    def best(self) -> Sequence[Candidate]:
        """The likely candidates; if there are none, the likeliest one."""
        return self.likely or self.digits[:1]

    @property
    def clarity(self) -> float:
        """The mean probability of the candidates; 0 if there are none."""
        return sum(each.is_digit for each in self.digits) / max(1, len(self.digits))


def peaks(logits: Floats, least: float, most: int) -> Places:
    """The places of up to `most` local maxima above `least`, the highest first. Maxima are of 3x3 places."""
    highest = cv2.dilate(logits, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((logits >= highest) & (logits > least))
    order = np.argsort(-logits[rows, columns], kind="stable")[:most]
    return rows[order], columns[order]


def boxes_at(output: Floats, places: Places) -> Floats:
    """Boxes at these places, float32 (n, 4): left, top, right and bottom in pixels of the network's input."""
    rows, columns = places
    distances = UNIT * np.exp(np.clip(output[rows, columns, OF_SIDES], -6, 4))
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    return np.stack([x - distances[:, 0], y - distances[:, 1], x + distances[:, 2], y + distances[:, 3]], axis=1)


def suppressed(boxes: npt.NDArray[np.floating], overlap: float) -> list[int]:
    """Greedy non-maximum suppression of boxes (n, 4), the likeliest first: the indices of those that are kept.

    A box is left, top, right and bottom. Two that are kept share at most `overlap` of the smaller one's area.
    """
    if len(boxes) < 2:
        return list(range(len(boxes)))
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    area = width * height
    left, top, right, bottom = boxes.T
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    down = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    common = np.maximum(across, 0) * np.maximum(down, 0)
    shared = common / np.minimum.outer(area, area)
    apart = shared <= overlap
    remain, kept = np.ones(len(boxes), np.bool_), []
    for place in range(len(boxes)):
        if remain[place]:
            kept.append(place)
            remain &= apart[place]
    return kept


def candidate(box: Box, values: Floats) -> Candidate:
    """A candidate from its box and the values (20,) that the network gives at its place."""
    weights = np.exp(values[OF_CLASSES] - values[OF_CLASSES].max())
    is_digit = 1 / (1 + math.exp(-values[CENTRE]))
    return Candidate(box, is_digit, tuple((weights / weights.sum()).tolist()))


def without_doubles(
    digits: Sequence[Candidate], signs: Sequence[Sign], bonus: float
) -> tuple[list[Candidate], list[Sign]]:
    """Where a digit and a sign, or two signs, are seen in one place, keep the likelier: a slash looks like a 1.

    Digits and signs come likeliest first. `bonus` is added to the log-odds of signs. Two signs are in one place if they
    are within half the median height of the digits.
    """
    reach = median(each.box.height for each in digits) / 2
    kept: list[Sign] = []
    for sign in signs:
        odds = log_odds(sign.is_sign) + bonus
        is_digit = any(log_odds(each.is_digit) >= odds and is_amid(sign, each.box) for each in digits)
        if not is_digit and all(math.hypot(sign.x - other.x, sign.y - other.y) > reach for other in kept):
            kept.append(sign)
    return [each for each in digits if not any(is_amid(sign, each.box) for sign in kept)], kept


def is_amid(sign: Sign, box: Box) -> bool:
    """Whether a sign is in the middle half of a box; a narrow box counts as half as wide as it is high."""
    across, down = abs(sign.x - box.centre_x), abs(sign.y - box.centre_y)
    return 4 * across <= max(box.width, box.height / 2) and 4 * down <= box.height
