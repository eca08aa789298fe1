"""Ways to tell what paper a picture shows, and so how far each pixel stands out from it."""

import functools
from collections.abc import Callable
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from digits.picture import Grey

MIN_CONTRAST = 16
"""Grey levels by which ink must differ from the paper around it."""

Look = Callable[[Grey], tuple[Grey, ...]]
"""uint8 (h, w) -> how far each pixel is off its paper, uint8 (h, w), once for each colour that the ink may have."""

Floats = npt.NDArray[np.float32]
Pixels = TypeVar("Pixels", Grey, Floats)

_PAPER_SIDE = 48
_ROUNDS = 6
_SETTLED = 0.5  # Grey levels.
_RIDGE = np.eye(6, dtype=np.float32) * 1e-3

UNEVEN, SHADE = 0.8, 0.3
"""From which share of its most the light is uneven, and below which nothing can be told in the shade."""
SHEETS_SIDE = 160
"""Pixels that a picture is reduced to, to find its sheets."""
SMOOTH = 10
"""Grey levels by which neighbouring pixels of a sheet differ at most."""
BROAD = 0.06
"""Distance from its edges that a sheet has somewhere, in shorter sides of the picture; strokes are narrower."""
GRAIN_MARGIN = 8
"""How many times the grain of its sheet ink must stand out by."""
MOST_INK = 0.4
"""Share of a sheet that ink may cover; more is a texture."""
STRENGTH = 200
"""What the strong ink of every sheet is made to stand out by."""
_ENDS = 20  # The ends of a column are a twentieth of it each.
_SURROUNDINGS = 0.4  # Of the picture's shorter side.


def on_one_sheet(grey: Grey) -> tuple[Grey, ...]:
    """Paper, or a screen, that fills the picture and is lit smoothly."""
    small = _reduced(grey, _PAPER_SIDE)
    paper = np.clip(np.rint(_surface(small.astype(np.float32))), 0, 255).astype(np.uint8)
    lightest, darkest = int(paper.max()), int(paper.min())
    paper = _enlarged(paper, grey)
    dark, light = cv2.subtract(paper, grey), cv2.subtract(grey, paper)
    if darkest < UNEVEN * lightest:
        # Ink takes a share of the light, so that in the shade it stands out by less.
        dark = cv2.divide(dark, cv2.max(paper, SHADE * lightest), scale=lightest)
    return dark, light


def on_sheets(grey: Grey, edge: int = 5) -> tuple[Grey, ...]:
    """A sheet on a desk, a note on a wall, a canvas in a page, a hard shadow, pictures side by side.

    Every broad smooth region is a sheet; its paper is fitted to it alone, and reaches half-way to the next one. The
    edge between them, `edge` of SHEETS_SIDE pixels wide, may be as dark as either. What stands out, dark or light,
    is made as strong on each sheet as on the others.
    """
    small = _reduced(grey, SHEETS_SIDE)
    sheets, count = _smooth_regions(small)
    if count < 2:
        return (np.zeros_like(grey),)
    nearest = _nearest(sheets)
    paper = np.zeros(small.shape, np.float32)
    basis, levels = _quadratic(*small.shape), small.ravel().astype(np.float32)
    for sheet in range(1, count + 1):
        on = (sheets == sheet).ravel()
        there = basis[:, on]
        fitted = np.linalg.solve(there @ there.T + np.eye(6, dtype=np.float32), there @ levels[on]) @ basis
        paper = np.where(nearest == sheet, fitted.reshape(small.shape), paper)
    around = np.ones((edge, edge), np.uint8)
    least, most = (_enlarged(change(paper, around), grey) for change in (cv2.erode, cv2.dilate))
    exact = grey.astype(np.float32)
    off = np.maximum(0, np.maximum(least - exact, exact - most))
    at_edge = cv2.morphologyEx(paper, cv2.MORPH_GRADIENT, around) > MIN_CONTRAST
    return (_evened(off, sheets, nearest, at_edge),)


def on_blurred_sheets(grey: Grey) -> tuple[Grey, ...]:
    """The same with soft edges, as those of shadows."""
    return on_sheets(grey, 15)


def by_columns(grey: Grey) -> tuple[Grey, ...]:
    """Halves or stripes, some of them inverted: paper is what the ends of each column show."""
    few = max(1, len(grey) // _ENDS)
    paper = np.median(np.concatenate([grey[:few], grey[-few:]]), axis=0).astype(np.uint8)
    return (cv2.absdiff(grey, np.tile(paper, (len(grey), 1))),)


def by_rows(grey: Grey) -> tuple[Grey, ...]:
    """The same, lying."""
    return tuple(np.ascontiguousarray(off.T) for off in by_columns(np.ascontiguousarray(grey.T)))


def behind_dark_strokes(grey: Grey) -> tuple[Grey, ...]:
    """Dark ink, however much of it there is: paper is the lightest of the surroundings."""
    return (cv2.subtract(_surroundings(grey, cv2.MORPH_CLOSE), grey),)


def behind_light_strokes(grey: Grey) -> tuple[Grey, ...]:
    """Light ink, however much of it there is: paper is the darkest of the surroundings."""
    return (cv2.subtract(grey, _surroundings(grey, cv2.MORPH_OPEN)),)


LOOKS: tuple[Look, ...] = (
    on_one_sheet,
    on_sheets,
    on_blurred_sheets,
    by_columns,
    by_rows,
    behind_dark_strokes,
    behind_light_strokes,
)
"""The plainest first."""


def _surroundings(grey: Grey, change: int) -> Grey:
    small = _reduced(grey, SHEETS_SIDE)
    side = int(min(small.shape) * _SURROUNDINGS) | 1
    return _enlarged(cv2.morphologyEx(small, change, np.ones((side, side), np.uint8)), grey)


def _smooth_regions(small: Grey) -> tuple[npt.NDArray[np.int32], int]:
    """uint8 (h, w) -> the broad region, from 1, that each pixel lies in, or 0, and their number."""
    steep = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    smooth = (steep < max(SMOOTH, 2.5 * float(np.median(steep)))).astype(np.uint8)
    count, labels = cv2.connectedComponents(smooth, connectivity=4, ltype=cv2.CV_32S)
    inside = cv2.distanceTransform(np.pad(smooth, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    breadth = np.zeros(count, np.float32)
    np.maximum.at(breadth, labels.ravel(), inside.ravel())
    breadth[0] = 0
    broad = np.flatnonzero(breadth >= BROAD * min(small.shape))
    number = np.zeros(count, np.int32)
    number[broad] = np.arange(1, len(broad) + 1)
    return number[labels], len(broad)


def _nearest(sheets: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The sheet that is nearest to each pixel: that which a stroke lies on."""
    on = sheets > 0
    _, places = cv2.distanceTransformWithLabels((~on).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    sheet_at = np.zeros(int(places.max()) + 1, np.int32)
    sheet_at[places[on]] = sheets[on]
    return sheet_at[places]


def _evened(
    off: Floats, sheets: npt.NDArray[np.int32], nearest: npt.NDArray[np.int32], at_edge: npt.NDArray[np.bool_]
) -> Grey:
    """What stands out, with the strong ink of every sheet at STRENGTH, and without grain."""
    sampled = cv2.resize(off, sheets.shape[::-1], interpolation=cv2.INTER_LINEAR)  # Not averaged, since grain counts.
    gain, zero = np.zeros(sheets.shape, np.float32), np.zeros(sheets.shape, np.float32)
    for sheet in range(1, int(sheets.max()) + 1):
        there = nearest == sheet
        grain = float(np.sqrt(np.square(sampled[sheets == sheet]).mean()))
        faintest = max(MIN_CONTRAST, GRAIN_MARGIN * grain)
        strong = sampled[there & ~at_edge & (sampled > faintest)]
        if 0 < len(strong) < MOST_INK * np.count_nonzero(there):
            zero[there] = faintest / 2
            gain[there] = STRENGTH / (max(float(np.quantile(strong, 0.9)), 2 * faintest) - faintest / 2)
    size = off.shape[::-1]
    zero, gain = (cv2.resize(each, size, interpolation=cv2.INTER_NEAREST) for each in (zero, gain))
    return np.clip((off - zero) * gain, 0, 255).astype(np.uint8)


def _reduced(grey: Grey, side: int) -> Grey:
    """Of at most `side` pixels each way."""
    shrink = max(1.0, max(grey.shape) / side)
    rows, columns = (max(1, round(length / shrink)) for length in grey.shape)
    return cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)


def _enlarged(small: Pixels, grey: Grey) -> Pixels:
    """To the size of the picture."""
    return cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _surface(small: Floats) -> Floats:
    """The light on the paper: the smooth surface that most pixels lie on, ink not being most of them.

    A quadratic in x and y by iteratively reweighted least squares with Cauchy-like weights, in which ink soon
    weighs nothing.
    """
    values = small.ravel()
    surface = np.full_like(values, np.median(values))
    if 2 * np.count_nonzero(values == surface) > len(values):
        return surface.reshape(small.shape)  # A screen's.
    basis = _quadratic(*small.shape)
    for _ in range(_ROUNDS):
        off = np.abs(values - surface)
        weights = (1 + np.square(off / max(1.0, 2 * float(np.median(off))))) ** -2
        weighted = basis * weights
        previous, surface = surface, np.linalg.solve(weighted @ basis.T + _RIDGE, weighted @ values) @ basis
        if np.abs(surface - previous).max() < _SETTLED:
            break
    return surface.reshape(small.shape)


@functools.lru_cache(maxsize=256)
def _quadratic(rows: int, columns: int) -> Floats:
    """float32 (6, rows * columns): 1, x, y, x^2, xy, y^2 over [-1, 1] each way."""
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1).astype(np.float32)
