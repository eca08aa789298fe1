"""28x28 grids, made as MNIST's were, and the normalisation to model input that training and serving share."""

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 28
"""Pixels along each side of a grid, as in MNIST."""
DIGIT_SIDE = 20
"""MNIST fits each digit into 20x20 pixels and then centres its mass in 28x28."""
MIN_STROKE = 2.0
"""Pixels of the grid. Thinner strokes get a broader pen: most of MNIST's are 2 to 4 wide."""

Grey = npt.NDArray[np.uint8]
"""uint8 (h, w): a picture, or a part of one."""
Grid = npt.NDArray[np.uint8]
"""uint8 (28, 28): white ink (255) on black (0), made as MNIST's pictures were."""
Grids = npt.NDArray[np.uint8]
"""uint8 (n, 28, 28)."""


def to_input(grids: Grids) -> npt.NDArray[np.float32]:
    """uint8 (n, 28, 28), white ink on black -> float32 (n, 28, 28, 1) in [0, 1]."""
    return grids.astype(np.float32)[..., np.newaxis] / np.float32(255)


def to_grid(ink: npt.NDArray[np.uint8]) -> Grid:
    """uint8 (h, w), white ink on black and cut to its box -> the digit as MNIST would show it.

    Fitted into 20x20 keeping its shape, anti-aliased, and placed with its centre of mass in the middle.
    """
    scale = DIGIT_SIDE / max(ink.shape)
    ink = _broadened(ink, MIN_STROKE / scale)
    scale = DIGIT_SIDE / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(ink, (width, height), interpolation=method)
    grid = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (_start(small.sum(axis=axis, dtype=np.int64)) for axis in (1, 0))
    grid[top : top + height, left : left + width] = small
    return grid


def is_grid(grey: npt.NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 (h, w), white on black, was already made as MNIST's were."""
    if grey.shape != (SIDE, SIDE):
        return False
    _, _, width, height = cv2.boundingRect(grey)
    if not 0 < max(width, height) <= DIGIT_SIDE:
        return False
    moments = cv2.moments(grey)
    # Pixel i reaches from i to i + 1.
    return all(abs(moments[axis] / moments["m00"] + 0.5 - SIDE / 2) <= 1 for axis in ("m10", "m01"))


def _broadened(ink: npt.NDArray[np.uint8], width: float) -> npt.NDArray[np.uint8]:
    """The same strokes, at least about `width` pixels wide."""
    solid = (ink > 127).astype(np.uint8)
    area = np.count_nonzero(solid)
    if not area:
        return ink
    # The mean distance to the edge inside a bar is a quarter of the bar's width.
    present = 4 * cv2.distanceTransform(np.pad(solid, 1), cv2.DIST_L2, 3).sum() / area
    missing = round(width - present)
    if missing < 1:
        return ink
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return cv2.dilate(np.pad(ink, (missing + 1) // 2), pen).astype(np.uint8)


def _centre(profile: npt.NDArray[np.int64]) -> float:
    """The centre of mass of a profile, with pixel i reaching from i to i + 1."""
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())


def _start(profile: npt.NDArray[np.int64]) -> int:
    """Where a profile must start for its centre of mass to stand in the middle, kept inside the grid."""
    wanted = round(SIDE / 2 - _centre(profile)) if profile.any() else 0
    return min(max(wanted, 0), SIDE - len(profile))
