"""Small random changes of shape and pen, new for every picture in every epoch."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import SIDE, Grid

ROTATION_DEGREES = 15.0
"""Largest rotation to either side."""
SCALE = 0.12
"""Largest change of the width, and of the height, as a share of it."""
SHEAR = 0.15
"""Largest horizontal shear to either side, as a share of the height."""
SHIFT_PIXELS = 2.0
"""Largest shift in each direction."""
PEN_SHARE = 0.3
"""Share of the pictures whose strokes become thicker or thinner."""

_PEN = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def augment(grid: Grid, rng: np.random.Generator, strength: float = 1) -> Grid:
    """Return the digit, uint8 (28, 28), after a random affine change, and sometimes with thicker or thinner strokes.

    A `strength` of 0.5 halves the affine change.
    """
    if rng.random() < PEN_SHARE:
        other_pen = (cv2.dilate if rng.random() < 0.5 else cv2.erode)(grid, _PEN)
        share = rng.uniform(0.2, 0.8)
        grid = cv2.addWeighted(grid, 1 - share, other_pen, share, 0)
    moved: Grid = cv2.warpAffine(grid, _affine(rng, strength), (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return moved


def _affine(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float64]:
    """Random affine matrix, float64 (2, 3): rotation, scale and shear about the centre of the grid, then a shift."""
    angle = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES) * strength)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.uniform(-SHEAR, SHEAR) * strength], [0, 1]])
    linear = rotation @ shear @ np.diag(1 + rng.uniform(-SCALE, SCALE, 2) * strength)
    centre = np.full(2, (SIDE - 1) / 2)
    shift = centre - linear @ centre + rng.uniform(-SHIFT_PIXELS, SHIFT_PIXELS, 2) * strength
    return np.column_stack([linear, shift])
