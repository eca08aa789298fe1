"""Make 28x28 grids as MNIST's were made, and model input of grids; training and serving share both."""

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 28
"""Pixels along each side of a grid, as in MNIST."""
DIGIT_SIDE = 20
"""Pixels. MNIST fits each digit into 20x20, and then puts its centre of mass in the middle of 28x28."""
MIN_STROKE = 2.0
"""Pixels of the grid. Thinner strokes are thickened to this width: most of MNIST's are 2 to 4 pixels wide."""

Grey = npt.NDArray[np.uint8]
"""uint8 (h, w): a picture, or a part of one."""
Grid = npt.NDArray[np.uint8]
"""uint8 (28, 28): white ink (255) on black (0), made as MNIST's pictures were."""
Grids = npt.NDArray[np.uint8]
"""uint8 (n, 28, 28)."""


def to_input(grids: Grids) -> npt.NDArray[np.float32]:
    """Scale grids, uint8 (n, 28, 28), white ink on black, to model input, float32 (n, 28, 28, 1) in [0, 1]."""
    return grids.astype(np.float32)[..., np.newaxis] / np.float32(255)


def to_grid(ink: npt.NDArray[np.uint8]) -> Grid:
    """Make the grid of a digit from its ink: uint8 (h, w), white on black, cropped to its bounding box.

    Strokes that would be thinner than MIN_STROKE are thickened. Then the ink is scaled to fit into 20x20, with its
    aspect ratio kept and anti-aliased, and placed with its centre of mass in the middle of 28x28.
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
    """Whether a picture, uint8 (h, w), white ink on black, is a grid already, made as MNIST's were.

    Then it is 28x28, its ink fits into 20x20, and the centre of mass is within a pixel of the middle.
    """
    if grey.shape != (SIDE, SIDE):
        return False
    _, _, width, height = cv2.boundingRect(grey)
    if not 0 < max(width, height) <= DIGIT_SIDE:
        return False
    moments = cv2.moments(grey)
    # Pixel i covers i to i + 1, so its middle is at i + 0.5.
    return all(abs(moments[axis] / moments["m00"] + 0.5 - SIDE / 2) <= 1 for axis in ("m10", "m01"))


def _broadened(ink: npt.NDArray[np.uint8], width: float) -> npt.NDArray[np.uint8]:
    """The same strokes, thickened to about `width` pixels if they are thinner."""
    solid = (ink > 127).astype(np.uint8)
    area = np.count_nonzero(solid)
    if not area:
        return ink
    # Inside a bar, the mean distance to the edge is a quarter of the bar's width.
    present = 4 * cv2.distanceTransform(_padded(solid, 1), cv2.DIST_L2, 3).sum() / area
    missing = round(width - present)
    if missing < 1:
        return ink
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return cv2.dilate(_padded(ink, (missing + 1) // 2), pen).astype(np.uint8)


def _padded(ink: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    """With so many pixels of paper on each side; np.pad takes ten times as long."""
    return cv2.copyMakeBorder(ink, width, width, width, width, cv2.BORDER_CONSTANT).astype(np.uint8, copy=False)


def _centre(profile: npt.NDArray[np.int64]) -> float:
    """The centre of mass of a profile, in which pixel i covers i to i + 1."""
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())


def _start(profile: npt.NDArray[np.int64]) -> int:
    """Offset that puts a profile's centre of mass in the middle of the grid, limited so that it stays inside."""
    wanted = round(SIDE / 2 - _centre(profile)) if profile.any() else 0
    return min(max(wanted, 0), SIDE - len(profile))
