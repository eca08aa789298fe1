"""Pictures as the finder and the segmenter take them: fitted into a shape, and standardised."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import Grey
from digits.inference.interpreter import Floats

MARGIN = 0.04
"""Share of a picture's side that its edge pixels are repeated for, on each side.

A digit that touches the edge is then seen as if there were more paper. The finder is trained with it.
"""
LEAST_DEVIATION = 2.0
"""Grey levels. A picture with a smaller standard deviation is empty, and its noise must not look as strong as ink."""

Shape = tuple[int, int]
"""Rows and columns of a network's input; for the finder multiples of 32, its coarsest stride."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture lies in a network's input, and how it was scaled."""

    left: int
    top: int
    across: float
    """Horizontal scale factor."""
    down: float
    """Vertical scale factor; it differs from `across` by rounding alone."""

    def in_network(self, boxes: Floats) -> Floats:
        """Boxes (n, 4), left, top, right and bottom: from pixels of the picture to pixels of the input."""
        enlarged = boxes * [self.across, self.down, self.across, self.down] + self._corner
        return np.asarray(enlarged, np.float32)

    def in_picture(self, boxes: Floats) -> list[list[float]]:
        """Boxes (n, 4), left, top, right and bottom: from pixels of the input to pixels of the picture."""
        edges: list[list[float]] = ((boxes - self._corner) / [self.across, self.down, self.across, self.down]).tolist()
        return edges

    @property
    def _corner(self) -> npt.NDArray[np.int64]:
        return np.array([self.left, self.top, self.left, self.top])


def letterboxed(grey: Grey, shapes: Sequence[Shape]) -> tuple[Grey, Letterbox]:
    """Scale a picture into the shape in which it is largest, keeping its proportions. Its edge pixels are repeated."""
    height, width = grey.shape
    rows, columns = _best_shape(height, width, tuple(shapes))
    scale = _scale(height, width, (rows, columns))
    down, across = max(1, round(height * scale)), max(1, round(width * scale))
    small = scaled(grey, across, down)
    top, left = (rows - down) // 2, (columns - across) // 2
    edges = (top, rows - down - top, left, columns - across - left)
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE), Letterbox(left, top, across / width, down / height)


def scaled(grey: Grey, across: int, down: int) -> Grey:
    """Scale a picture to so many pixels. Halving, done as often as it can be, is 30 times as fast as other factors."""
    height, width = grey.shape
    while height >= 2 * down and width >= 2 * across:
        height, width = height // 2, width // 2
        grey = cv2.resize(grey[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    method = cv2.INTER_AREA if across < width else cv2.INTER_LINEAR
    return cv2.resize(grey, (across, down), interpolation=method)


def standardised(pictures: npt.NDArray[np.uint8]) -> Floats:
    """uint8 (n, h, w) -> float32 (n, h, w, 1), each picture with mean 0 and, unless it is empty, deviation 1."""
    values = np.empty((*pictures.shape, 1), np.float32)
    for place, picture in enumerate(pictures):
        mean, deviation = (np.float32(each[0, 0]) for each in cv2.meanStdDev(picture))  # In a tenth of NumPy's time.
        values[place, ..., 0] = (picture - mean) / max(deviation, np.float32(LEAST_DEVIATION))
    return values


@functools.lru_cache(maxsize=1024)
def _best_shape(height: int, width: int, shapes: tuple[Shape, ...]) -> Shape:
    """The shape in which the picture is largest; of several, the smallest."""
    return max(shapes, key=lambda shape: (_scale(height, width, shape), -shape[0] * shape[1]))


def _scale(height: int, width: int, shape: Shape) -> float:
    rows, columns = shape
    return min(rows / height, columns / width) / (1 + 2 * MARGIN)
