"""Which ink is a digit's own: a small network looks at its surroundings and paints the digit alone."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.grids import Grey
from digits.inference.finder import to_input
from digits.inference.interpreter import Interpreters

SEGMENTER = Path(__file__).with_name("segmenter.tflite")
"""The network; `digits.training.finder.segmenter` makes it."""
SIDE = 48
"""Pixels of the surroundings that the network sees."""
DIGIT_SIDE = 32
"""Pixels of them that the larger side of the digit's box takes."""
STRIDE = 2
"""The network gives STRIDE x STRIDE pixels of ink at each place."""
INKED = 64
"""Where the digit is taken to end: a quarter of full ink, as a soft edge."""

Ink = npt.NDArray[np.uint8]
"""uint8 (h, w): 255 is full ink, 0 is paper."""


class Segmenter:
    """Cuts digits out; for many threads."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._networks = Interpreters(flatbuffer)

    def cut(self, grey: Grey, boxes: Sequence[Box]) -> list[tuple[Box, Ink]]:
        """The digits in these boxes of a picture, uint8 (h, w): where each is, more exactly, and its own ink.

        Ink is cut to its box. A box in which no ink is found keeps its place, and gets a single empty pixel.
        """
        return [self._cut(grey, box) for box in boxes]

    def _cut(self, grey: Grey, box: Box) -> tuple[Box, Ink]:
        seen, left, top, scale = surroundings(grey, box)
        ink = to_ink(self._networks.run(to_input(seen[np.newaxis])[0]))
        x, y, width, height = cv2.boundingRect((ink > INKED).astype(np.uint8))
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
    """uint8 (SIDE, SIDE) around the middle of a box, its left and upper edge in the picture, and how much larger."""
    scale = DIGIT_SIDE / max(box.width, box.height)
    reach = SIDE / scale / 2
    left, top = box.centre - reach, box.middle - reach
    size = max(1, round(2 * reach))
    x, y = round(left), round(top)
    rows, columns = grey.shape
    inside = grey[max(0, y) : y + size, max(0, x) : x + size]
    edges = max(0, -y), max(0, y + size - rows), max(0, -x), max(0, x + size - columns)
    if any(edges):
        inside = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE)
    method = cv2.INTER_AREA if size > SIDE else cv2.INTER_LINEAR
    return cv2.resize(inside, (SIDE, SIDE), interpolation=method), x, y, SIDE / size


def to_ink(given: npt.NDArray[np.float32]) -> Ink:
    """What the network gives, log-odds (SIDE / 2, SIDE / 2, 4) -> uint8 (SIDE, SIDE)."""
    places = SIDE // STRIDE
    logits = given.reshape(places, places, STRIDE, STRIDE).transpose(0, 2, 1, 3).reshape(SIDE, SIDE)
    return np.rint(255 / (1 + np.exp(-np.clip(logits, -20, 20)))).astype(np.uint8)


def load_segmenter() -> Segmenter:
    return Segmenter(SEGMENTER.read_bytes())
