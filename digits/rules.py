"""Printed lines: ruled and squared paper, and the frames of form cells."""

import cv2
import numpy as np

from digits.ink import Ink

SPAN = 0.6
"""Share of the picture's width or height that a rule crosses at least."""
RUN = 0.12
"""Share of it that a rule, perhaps a little aslant, goes on within a row of pixels."""
SHORT_RUN, RUN_IN_SMALL = 24, 0.35
"""Pixels that it goes on at least, or this share of the width of small pictures: strokes are as long there."""
THICK = 0.05
"""Share of the picture's smaller side that a rule is broad at most."""


def without_rules(ink: Ink) -> Ink | None:
    """uint8 (h, w) -> the same without its rules, strokes that cross them kept whole; None where it has none."""
    left, thick = ink, max(2, round(THICK * min(ink.shape)))
    for axis in (0, 1):
        along = left if axis == 0 else np.ascontiguousarray(left.T)
        if (cleared := _without_rows(along, thick)) is not None:
            left = cleared if axis == 0 else np.ascontiguousarray(cleared.T)
    return None if left is ink else left


def _without_rows(ink: Ink, thick: int) -> Ink | None:
    width = ink.shape[1]
    solid = (ink > 127).astype(np.uint8)
    run = round(max(RUN * width, min(SHORT_RUN, RUN_IN_SMALL * width)))
    # All sides are odd: OpenCV opens and closes with even ones a pixel off its place.
    runs = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((1, run | 1), np.uint8))
    # The runs of one rule lie a pixel higher or lower than each other, or are parted by noise.
    joined = cv2.dilate(runs, np.ones((3, run // 2 | 1), np.uint8))
    if cv2.boundingRect(joined)[2] < SPAN * width:
        return None  # As in most pictures, and far sooner than after their components are found.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    is_rule = stats[:, cv2.CC_STAT_WIDTH] >= SPAN * width
    is_rule[0] = False
    rules = runs & is_rule[labels].astype(np.uint8)
    # What is broader than a rule is a blot, or a stroke along it.
    rules &= 1 - cv2.morphologyEx(rules, cv2.MORPH_OPEN, np.ones(((thick + 1) | 1, 1), np.uint8))
    if not rules.any():
        return None
    soft = cv2.dilate(rules, np.ones((3, 3), np.uint8))
    left = np.where(soft, np.uint8(0), ink)
    # A stroke that goes on above and below a rule went through it.
    broadest = int(2 * cv2.distanceTransform(rules, cv2.DIST_C, 3).max())
    closed = cv2.morphologyEx(left, cv2.MORPH_CLOSE, np.ones(((broadest + 4) | 1, 1), np.uint8))
    return np.where(soft, np.minimum(closed, ink), left)
