"""Ink and paper: how far each pixel stands out from the paper around it."""

import functools

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInk
from digits.picture import Grey

MIN_CONTRAST = 16
"""Grey levels by which ink must differ from the paper around it."""
NOISE_MARGIN = 5
"""How many times the paper's own roughness ink must stand out by."""

_SQUARES = np.square(np.arange(256.0))
_PAPER_SIDE = 48
_ROUNDS = 6
_SETTLED = 0.5  # Grey levels.
_RIDGE = np.eye(6, dtype=np.float32) * 1e-3

Ink = npt.NDArray[np.uint8]
"""uint8 (h, w): 255 is full ink, 0 is paper."""


def find_ink(grey: Grey) -> Ink:
    """uint8 (h, w), dark on light or light on dark, unevenly lit -> its ink. Raises NoInk for an empty picture."""
    paper = _paper_under(grey)
    grain = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    # 1.05 times the median of such differences is the standard deviation, if the grain is normal noise.
    faintest = max(MIN_CONTRAST, NOISE_MARGIN * 1.05 * _quantile(_histogram(grain), 0.5))
    ink, counts = max(
        ((ink, _strong(ink, faintest)) for ink in (cv2.subtract(paper, grey), cv2.subtract(grey, paper))),
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


def _paper_under(grey: Grey) -> Grey:
    """uint8 (h, w) -> the grey that the paper has at each pixel, uint8 (h, w)."""
    height, width = grey.shape
    shrink = max(1.0, max(height, width) / _PAPER_SIDE)
    rows, columns = max(1, round(height / shrink)), max(1, round(width / shrink))
    small = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)
    paper = np.clip(np.rint(_paper(small.astype(np.float32))), 0, 255).astype(np.uint8)
    return cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)


def _paper(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The light on the paper: the smooth surface that most pixels lie on, ink not being most of them.

    A quadratic in x and y by iteratively reweighted least squares with Cauchy-like weights, in which ink soon
    weighs nothing.
    """
    basis = _quadratic(*small.shape)
    values = small.ravel()
    surface = np.full_like(values, np.median(values))
    for _ in range(_ROUNDS):
        off = np.abs(values - surface)
        weights = (1 + np.square(off / max(1.0, 2 * float(np.median(off))))) ** -2
        weighted = basis * weights
        previous, surface = surface, np.linalg.solve(weighted @ basis.T + _RIDGE, weighted @ values) @ basis
        if np.abs(surface - previous).max() < _SETTLED:
            break
    return surface.reshape(small.shape)


@functools.lru_cache(maxsize=256)
def _quadratic(rows: int, columns: int) -> npt.NDArray[np.float32]:
    """float32 (6, rows * columns): 1, x, y, x^2, xy, y^2 over [-1, 1] each way."""
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1).astype(np.float32)
