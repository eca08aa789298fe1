"""The ink of one digit: a small network looks at its box with the surroundings, and paints the digit alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.grids import Grey
from digits.inference.interpreter import Interpreters
from digits.inference.network_input import scaled, standardised

SEGMENTER = Path(__file__).with_name("segmenter.tflite")
"""The network; `keras-mnist.py --finder segmenter` trains it."""
SIDE = 48
"""Pixels along each side of the network's input."""
DIGIT_SIDE = 32
"""Pixels of the input that the larger side of the digit's box is scaled to."""
STRIDE = 2
"""The network gives STRIDE x STRIDE pixels of ink for each place of its output."""

Ink = npt.NDArray[np.uint8]
"""uint8 (h, w): 255 is full ink, 0 is paper."""


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    """How digits are cut out. `python -m bench.choices` compares each value with others."""

    ink_level: int = 96
    """Level of ink, of 255, above which a pixel belongs to the digit's box: the best of 32, 64, 96 and 128."""


class Segmenter:
    """Cuts digits out. Many threads may use it."""

    def __init__(self, flatbuffer: bytes, config: SegmenterConfig = SegmenterConfig()) -> None:
        self.config = config
        self._networks = Interpreters(flatbuffer)

    def cut(self, grey: Grey, boxes: Sequence[Box]) -> list[tuple[Box, Ink]]:
        """For each of these boxes of a picture, uint8 (h, w), a closer box of the digit, and its ink cut to that box.

        If no ink is found, the box stays as it is, and its ink is a single empty pixel.
        """
        return [self._cut(grey, box) for box in boxes]

    def _cut(self, grey: Grey, box: Box) -> tuple[Box, Ink]:
        seen, left, top, scale = surroundings(grey, box)
        ink = to_ink(self._networks.run(standardised(seen[np.newaxis])[0]))
        x, y, width, height = cv2.boundingRect((ink > self.config.ink_level).astype(np.uint8))
        if not width:
            return box, np.zeros((1, 1), np.uint8)
        found = Box(x, y, width, height).scaled(1 / scale, 1 / scale)
        rows, columns = grey.shape
        right, bottom = min(columns, left + found.right), min(rows, top + found.bottom)
        x0, y0 = max(0, left + found.x), max(0, top + found.y)
        if x0 >= right or y0 >= bottom:
            return box, np.zeros((1, 1), np.uint8)
        return Box(x0, y0, right - x0, bottom - y0), ink[y : y + height, x : x + width]


def surroundings(grey: Grey, box: Box) -> tuple[Grey, int, int, float]:
    """uint8 (SIDE, SIDE) around the middle of a box; its left and upper edge in the picture, and its scale factor."""
    scale = DIGIT_SIDE / max(box.width, box.height)
    reach = SIDE / scale / 2
    left, top = box.centre_x - reach, box.centre_y - reach
    size = max(1, round(2 * reach))
    x, y = round(left), round(top)
    rows, columns = grey.shape
    inside = grey[max(0, y) : y + size, max(0, x) : x + size]
    edges = max(0, -y), max(0, y + size - rows), max(0, -x), max(0, x + size - columns)
    if any(edges):
        inside = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE)
    return scaled(inside, SIDE, SIDE), x, y, SIDE / size


def to_ink(output: npt.NDArray[np.float32]) -> Ink:
    """The network's output, log-odds of ink (SIDE / 2, SIDE / 2, 4) -> uint8 (SIDE, SIDE)."""
    places = SIDE // STRIDE
    logits = output.reshape(places, places, STRIDE, STRIDE).transpose(0, 2, 1, 3).reshape(SIDE, SIDE)
    return np.rint(255 / (1 + np.exp(-np.clip(logits, -20, 20)))).astype(np.uint8)


def load_segmenter(config: SegmenterConfig = SegmenterConfig()) -> Segmenter:
    """The segmenter that serves."""
    return Segmenter(SEGMENTER.read_bytes(), config)
