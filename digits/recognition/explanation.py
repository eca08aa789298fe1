"""Which ink decided: hide each part of a digit from the model, and see what becomes of its answer.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2014).
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.grids import SIDE, Grid
from digits.inference.calibration import IMPOSSIBLE
from digits.inference.recogniser import Prediction, Recogniser
from digits.recognition.pipeline import Glyph, read_digits
from digits.vision.decode import read_picture

PATCH, STRIDE = 6, 2
"""Pixels of the grid: broader than a stroke, and nine patches over each pixel that is not at the edge."""
FULL_COLOUR = 2.0
"""Powers of ten. Most digits are read with odds of thousands to one, so that losing these makes them doubtful."""
MIN_SIDE = 280
"""Pixels of the longer side; smaller pictures are enlarged by a whole factor."""

INK = np.array([0, 70, 255])
"""Orange, as blue, green, red: seen on white, on black and on grey, and so is the blue of the frames."""
FRAME = (235, 105, 15)
GAP = 3
"""Pixels between a digit's box and the frame drawn around it."""
MIN_LETTER = 7
"""Pixels. Where the digit on a frame would be lower, it could not be read and is left out."""

_FACE = cv2.FONT_HERSHEY_SIMPLEX
_STARTS = range(0, SIDE - PATCH + 1, STRIDE)
_PATCHES = [np.s_[y : y + PATCH, x : x + PATCH] for y in _STARTS for x in _STARTS]

Canvas = npt.NDArray[np.uint8]
"""uint8 (h, w, 3): blue, green, red."""
Heat = npt.NDArray[np.float64]
"""float64 (28, 28): by how many powers of ten the odds of the answer fall without what is there; at least 0."""


def explain(data: bytes, recogniser: Recogniser, max_pixels: int) -> bytes:
    """Bytes of a picture -> a PNG of it in grey, each digit framed and its ink coloured by what it decided.

    Ink keeps its grey where hiding it changed nothing or helped. It is the more orange the more powers of ten the odds
    of the answer lost, and wholly so where they fell to a hundredth or less: one scale, so that pictures compare. All
    is read anew with the given model, up to 145 times for each digit: 100 digits take it under a second.
    Raises what read_picture and read_digits raise.
    """
    grey = read_picture(data, max_pixels).grey
    reading = read_digits(grey, recogniser)
    factor = math.ceil(MIN_SIDE / max(grey.shape))
    larger = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    canvas = cv2.cvtColor(larger, cv2.COLOR_GRAY2BGR)
    for glyph, prediction in zip(reading.glyphs, reading.predictions, strict=True):
        box = glyph.box.scaled(factor, factor)
        _colour(canvas, box, glyph, heat_of(glyph.grid, prediction.digit, recogniser))
        _frame(canvas, box, str(prediction.digit))
    return cv2.imencode(".png", canvas)[1].tobytes()


def heat_of(grid: Grid, digit: int, recogniser: Recogniser) -> Heat:
    """What each pixel's ink did for this digit: the mean over all patches that hide it, times its share of ink.

    Odds and not probabilities, since those of a sure digit stay near 1 whatever is hidden.
    """
    patches = [patch for patch in _PATCHES if grid[patch].any()]
    whole, *hidden = recogniser.predict([grid, *(_without(grid, patch) for patch in patches)])
    falls, times = np.zeros(grid.shape), np.zeros(grid.shape)
    for patch, prediction in zip(patches, hidden, strict=True):
        falls[patch] += _log_odds(whole, digit) - _log_odds(prediction, digit)
        times[patch] += 1
    return np.maximum(falls, 0) / np.maximum(times, 1) * (grid / 255)


def _without(grid: Grid, patch: tuple[slice, slice]) -> Grid:
    """The grid, with paper over the patch."""
    hidden = grid.copy()
    hidden[patch] = 0
    return hidden


def _log_odds(prediction: Prediction, digit: int) -> float:
    """Of a digit against all others, to base 10."""
    others = sum(prediction.probabilities) - prediction.probabilities[digit]
    return math.log10(max(prediction.probabilities[digit], IMPOSSIBLE) / max(others, IMPOSSIBLE))


def _colour(canvas: Canvas, box: Box, glyph: Glyph, heat: Heat) -> None:
    """Lays the heat over the digit: the ink of its grid fills the box as it does in the picture."""
    x, y, width, height = cv2.boundingRect(glyph.grid)
    window = canvas[box.window]
    share = np.minimum(heat[y : y + height, x : x + width] / FULL_COLOUR, 1)
    share = np.ascontiguousarray(np.rot90(share, -glyph.turns))
    share = cv2.resize(share, window.shape[1::-1])[..., np.newaxis]
    window[:] = (1 - share) * window + share * INK


def _frame(canvas: Canvas, box: Box, letter: str) -> None:
    """A frame around the box, with the digit above its corner, or in the corner where the picture ends."""
    left, top = box.x - GAP, box.y - GAP
    cv2.rectangle(canvas, (left, top), (box.right + GAP - 1, box.bottom + GAP - 1), FRAME, 1)
    tall = min(max(canvas.shape) // 30, box.height // 6)
    if tall < MIN_LETTER:
        return
    scale = cv2.getFontScaleFromHeight(_FACE, tall)
    (wide, tall), _ = cv2.getTextSize(letter, _FACE, scale, 1)
    rim = tall // 3
    left, top = max(left, 0), max(top - tall - 2 * rim, 0)
    cv2.rectangle(canvas, (left, top), (left + wide + 2 * rim, top + tall + 2 * rim), FRAME, cv2.FILLED)
    cv2.putText(canvas, letter, (left + rim, top + rim + tall), _FACE, scale, (255, 255, 255), 1, cv2.LINE_AA)
