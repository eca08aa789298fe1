"""Ink and paper: how far each pixel stands out from the paper around it."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInk
from digits.papers import MIN_CONTRAST, Look, on_one_sheet
from digits.picture import Grey

NOISE_MARGIN = 5
"""How many times the paper's own roughness ink must stand out by."""

_SQUARES = np.square(np.arange(256.0))

Ink = npt.NDArray[np.uint8]
"""uint8 (h, w): 255 is full ink, 0 is paper."""


def find_ink(grey: Grey, look: Look = on_one_sheet) -> Ink:
    """uint8 (h, w), dark on light or light on dark, unevenly lit -> its ink. Raises NoInk for an empty picture."""
    grain = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    # 1.05 times the median of such differences is the standard deviation, if the grain is normal noise.
    faintest = max(MIN_CONTRAST, NOISE_MARGIN * 1.05 * _quantile(_histogram(grain), 0.5))
    ink, counts = max(
        ((ink, _strong(ink, faintest)) for ink in look(grey)),
        key=lambda side: side[1] @ _SQUARES,
    )
    if not counts.any():
        raise NoInk("There is nothing written in this picture. Write the digit with a darker or broader pen.")
    full = _quantile(counts, 0.75)
    # What is less than a third as dark as the strokes is shadow, smear or the other side of the paper.
    zero = max(faintest, full / 3) / 2
    scale = np.clip((np.arange(256) - zero) * (255 / (full - zero)), 0, 255).astype(np.uint8)
    return cv2.LUT(ink, scale)


def _histogram(values: Grey) -> npt.NDArray[np.float64]:
    """How many pixels have each of the 256 values."""
    return cv2.calcHist([values], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def _strong(ink: Grey, faintest: float) -> npt.NDArray[np.float64]:
    """The histogram of what stands out by more than `faintest`."""
    counts = _histogram(ink)
    counts[: int(faintest) + 1] = 0
    return counts


def _quantile(counts: npt.NDArray[np.float64], share: float) -> float:
    total = np.cumsum(counts)
    return float(np.searchsorted(total, share * total[-1]))
