"""Make negative examples: letters, signs, scribbles, figures, parts and pairs of digits, blots and textures.

Each is ink, floats (h, w) in [0, 1], cropped.
"""

from collections.abc import Callable

import cv2
import numpy as np

from digits.grids import Grid, Grids
from digits.training.augmentation.photographs import Sheet
from digits.training.scenes.figures import FIGURES, SIZE, Stroke, around, cut_to_ink, drawn, smooth
from digits.training.verifier import letters

STROKE = 0.4
"""Largest ratio of width to length at which a part of a digit is a mere stroke, and so looks like a 1."""


def negative(grids: Grids, rng: np.random.Generator) -> Sheet:
    """Return a random example of FAMILIES, never empty. Some take parts from the grids, three digits or more."""
    makers, shares = zip(*FAMILIES, strict=True)
    while True:
        sheet = makers[rng.choice(len(makers), p=shares)](grids, rng)
        if min(sheet.shape) > 2 and sheet.max() > 0.5:
            return sheet


def letter(_: Grids, rng: np.random.Generator) -> Sheet:
    """A letter or sign of a font, distorted like handwriting."""
    return letters.printed(rng)


def stroked_letter(_: Grids, rng: np.random.Generator) -> Sheet:
    """A letter or sign drawn with pen strokes."""
    return letters.stroked(rng)


def scribble(_: Grids, rng: np.random.Generator) -> Sheet:
    """A scribble, rounded or angular, too long to be a digit."""
    points = rng.uniform(6, SIZE - 6, (int(rng.integers(6, 16)), 2))
    return drawn([smooth(points) if rng.random() < 0.7 else points], rng)


def shape(_: Grids, rng: np.random.Generator) -> Sheet:
    """One to four simple figures, one over another."""
    strokes: list[Stroke] = []
    for _figure in range(int(rng.integers(1, 5))):
        figure = FIGURES[rng.integers(len(FIGURES))](rng)
        scale, place = rng.uniform(0.35, 1), rng.uniform(-0.4, 0.4, 2)
        strokes += [(stroke * scale + place * (1 - scale) + 1) * (SIZE / 2) for stroke in figure]
    return drawn(strokes, rng)


def part(grids: Grids, rng: np.random.Generator) -> Sheet:
    """The smaller part of a digit that a line cuts in two; empty if the digit is a 1, or the part looks like one."""
    digit = _large(grids[0])
    kept = cut_to_ink(_cut_off(digit, rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.8)))
    return kept[:0] if _is_stroke(digit) or _is_stroke(kept) else kept


def pair(grids: Grids, rng: np.random.Generator) -> Sheet:
    """Two or three digits beside each other, touching or almost."""
    ink = cut_to_ink(_large(grids[0]))
    for other in grids[1 : int(rng.integers(2, 4))]:
        ink = _beside(ink, cut_to_ink(_large(other)), rng)
    return ink


def neighbour(grids: Grids, rng: np.random.Generator) -> Sheet:
    """A digit and a large part of its neighbour, as if cut out at the wrong place."""
    digit, other = cut_to_ink(_large(grids[0])), cut_to_ink(_large(grids[1]))
    kept = max(4, int(rng.uniform(0.35, 0.75) * other.shape[1]))
    if rng.random() < 0.5:
        return _beside(digit, other[:, :kept], rng)
    return _beside(other[:, -kept:], digit, rng)


def blot(_: Grids, rng: np.random.Generator) -> Sheet:
    """A filled outline, plain or shaded, like clothes, leaves, stains or the corner of a desk."""
    corners = int(rng.integers(3, 14))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(0.25, 1, corners) * SIZE / 2
    outline = around(angles) * radii[:, np.newaxis] * rng.uniform(0.35, 1, 2) + SIZE / 2
    if rng.random() < 0.5:
        outline = smooth(np.concatenate([outline, outline[:1]]))
    if rng.random() < 0.4:
        outline = np.concatenate([outline, [SIZE, 0] + outline * [-1, 1]])  # Mirrored, since many things are symmetric.
    filled = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(filled, [np.rint(outline).astype(np.int32)], 255, cv2.LINE_AA)
    shading = 1 if rng.random() < 0.4 else _cloud(SIZE, SIZE, rng)
    return cut_to_ink(filled / np.float32(255) * shading)


def texture(_: Grids, rng: np.random.Generator) -> Sheet:
    """Stripes or clouds, with soft or hard edges."""
    height, width = (int(side) for side in rng.integers(SIZE // 3, SIZE + 1, 2))
    pattern = _stripes(height, width, rng) if rng.random() < 0.3 else _cloud(height, width, rng)
    level = rng.uniform(0.3, 0.7)
    return cut_to_ink(np.clip((pattern - level) * rng.choice([1.5, 4, 20]) + 0.2, 0, 1))


FAMILIES: tuple[tuple[Callable[[Grids, np.random.Generator], Sheet], float], ...] = (
    (letter, 0.26),
    (stroked_letter, 0.12),
    (scribble, 0.08),
    (shape, 0.14),
    (part, 0.1),
    (pair, 0.1),
    (neighbour, 0.06),
    (blot, 0.08),
    (texture, 0.06),
)
"""Ways to make negative examples, and the share of each."""


def _large(grid: Grid) -> Sheet:
    """Return a grid enlarged to SIZE, floats in about [0, 1]."""
    return cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255


def _is_stroke(sheet: Sheet) -> bool:
    """Whether the ink is a mere stroke, by its smallest rectangle at any angle."""
    inked = np.argwhere(sheet > 0.5).astype(np.float32)
    sides = cv2.minAreaRect(inked)[1] if len(inked) else (0, 1)
    return min(sides) <= STROKE * max(sides)


def _cut_off(sheet: Sheet, angle: float, share: float) -> Sheet:
    """Return the picture without this share of its ink, cut off by a line."""
    y, x = np.mgrid[: sheet.shape[0], : sheet.shape[1]]
    side = np.cos(angle) * x + np.sin(angle) * y
    inked = side[sheet > 0.5]
    return sheet * (side > np.quantile(inked, share)) if len(inked) else sheet


def _beside(left: Sheet, right: Sheet, rng: np.random.Generator) -> Sheet:
    """Put two side by side, overlapping a little or almost touching, the second perhaps higher or lower."""
    overlap = int(rng.uniform(-0.15, 0.2) * min(left.shape[1], right.shape[1]))
    drop = int(rng.uniform(-0.2, 0.2) * SIZE)
    height = 2 * SIZE + max(left.shape[0], right.shape[0])
    both = np.zeros((height, left.shape[1] + right.shape[1] + SIZE), np.float32)
    for ink, top, start in ((left, SIZE, 0), (right, SIZE + drop, max(0, left.shape[1] - overlap))):
        window = both[top : top + ink.shape[0], start : start + ink.shape[1]]
        np.maximum(window, ink, out=window)
    return cut_to_ink(both)


def _cloud(height: int, width: int, rng: np.random.Generator) -> Sheet:
    """Smooth noise in [0, 1]."""
    cells = tuple(int(side) for side in rng.integers(2, 12, 2))
    cloud = cv2.resize(rng.random(cells, np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(cloud, 0, 1)


def _stripes(height: int, width: int, rng: np.random.Generator) -> Sheet:
    """Sine waves in [0, 1] in a random direction, 4 to 40 pixels apart."""
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
    return 0.5 + 0.5 * np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / period)
