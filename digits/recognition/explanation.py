"""Show which ink decided, by occlusion: hide each part of a digit from the model, and see how its answer changes.

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
from digits.stepwise import finished
from digits.vision.decode import Decoders, decoding

PATCH, STRIDE = 6, 2
"""Side of a patch that is hidden, and distance between patches, in pixels of the grid.

A patch is broader than a stroke, and nine of them cover each pixel that is not near the edge.
"""
FULL_COLOUR = 2.0
"""Fall of the log10 odds from which ink is fully coloured.

Most digits are read with odds of thousands to one, so that a fall to a hundredth makes them doubtful.
"""
MIN_SIDE = 280
"""Pixels. Pictures whose longer side is shorter are enlarged by a whole factor."""

INK = np.array([0, 70, 255])
"""Orange, in the order blue, green, red. Like the blue of FRAME, it is visible on white, black and grey."""
FRAME = (235, 105, 15)
GAP = 3
"""Pixels between a digit's box and the frame drawn around it."""
MIN_LETTER = 7
"""Height in pixels. If the digit on a frame would be smaller, it would be unreadable and is left out."""

_FACE = cv2.FONT_HERSHEY_SIMPLEX
_STARTS = range(0, SIDE - PATCH + 1, STRIDE)
_PATCHES = [np.s_[y : y + PATCH, x : x + PATCH] for y in _STARTS for x in _STARTS]

Canvas = npt.NDArray[np.uint8]
"""uint8 (h, w, 3): blue, green, red."""
Heat = npt.NDArray[np.float64]
"""float64 (28, 28): how far the log10 odds of the answer fall if the ink there is hidden; at least 0."""


def explain(data: bytes, recogniser: Recogniser, max_pixels: int, elsewhere: Decoders | None = None) -> bytes:
    """Return a PNG of a picture in grey, with each digit framed, and its ink coloured by how much it decided.

    Ink stays grey if hiding it changed nothing or helped. The further the odds of the answer fell, the more orange it
    is; from a fall to a hundredth it is fully orange. The scale is the same for all pictures, so they can be compared.
    The picture is read again with the given model, and each digit up to 145 times: 100 digits take one to two seconds.
    Raises what read_picture and read_digits raise.
    """
    grey = finished(decoding(data, max_pixels, elsewhere=elsewhere)).grey
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
    """How much each pixel's ink speaks for this digit: the mean fall over all patches that hide it, times its ink.

    It is the log-odds that fall, since the probability of a sure digit stays near 1 whatever is hidden.
    """
    patches = [patch for patch in _PATCHES if grid[patch].any()]
    whole, *hidden = recogniser.predict([grid, *(_without(grid, patch) for patch in patches)])
    falls, times = np.zeros(grid.shape), np.zeros(grid.shape)
    for patch, prediction in zip(patches, hidden, strict=True):
        falls[patch] += _log_odds(whole, digit) - _log_odds(prediction, digit)
        times[patch] += 1
    return np.maximum(falls, 0) / np.maximum(times, 1) * (grid / 255)


def _without(grid: Grid, patch: tuple[slice, slice]) -> Grid:
    """A copy of the grid without the ink in the patch."""
    hidden = grid.copy()
    hidden[patch] = 0
    return hidden


def _log_odds(prediction: Prediction, digit: int) -> float:
    """Log10 odds of a digit against all others."""
    others = sum(prediction.probabilities) - prediction.probabilities[digit]
    return math.log10(max(prediction.probabilities[digit], IMPOSSIBLE) / max(others, IMPOSSIBLE))


def _colour(canvas: Canvas, box: Box, glyph: Glyph, heat: Heat) -> None:
    """Colour the digit in the picture: the part of the heat with ink is scaled to the digit's box."""
    x, y, width, height = cv2.boundingRect(glyph.grid)
    window = canvas[box.window]
    share = np.minimum(heat[y : y + height, x : x + width] / FULL_COLOUR, 1)
    share = np.ascontiguousarray(np.rot90(share, -glyph.turns))
    share = cv2.resize(share, window.shape[1::-1])[..., np.newaxis]
    window[:] = (1 - share) * window + share * INK


def _frame(canvas: Canvas, box: Box, letter: str) -> None:
    """Draw a frame around the box, and the digit above its upper left corner, or in it at the picture's edge."""
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
