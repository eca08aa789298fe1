"""Make digits harder to read: with foreign strokes, noise, clouds, inverted regions, or missing ink.

The families are broad, so that the network relies on the whole shape of a digit, not on clean ink and black paper.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import SIDE, Grid

Floats = npt.NDArray[np.float32]


def disturbed(grid: Grid, rng: np.random.Generator) -> Grid:
    """Return the digit, uint8 (28, 28), disturbed in one or two random ways of FAMILIES."""
    picture = grid.astype(np.float32)
    for way in rng.choice(len(FAMILIES), 1 + int(rng.random() < 0.3), replace=False):
        picture = np.clip(FAMILIES[way](picture, rng), 0, 255)
    return np.rint(picture).astype(np.uint8)


def crossed_out(picture: Floats, rng: np.random.Generator) -> Floats:
    """Add one to three foreign strokes: straight, bent or broken, light or dark."""
    crossed = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        corners = rng.uniform(0, SIDE, (int(rng.choice([2, 2, 3, 5])), 2))
        layer, pen = np.zeros((SIDE, SIDE), np.uint8), 1 + int(rng.random() < 0.4)
        cv2.polylines(layer, [np.rint(corners * 8).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 3)
        if rng.random() < 0.3:
            layer[rng.random(layer.shape) < 0.5] = 0
        colour = 255 if rng.random() < 0.8 else 0
        crossed += (colour - crossed) * (layer / np.float32(255)) * np.float32(rng.uniform(0.4, 1))
    return crossed


def partly_inverted(picture: Floats, rng: np.random.Generator) -> Floats:
    """Swap light and dark on one side of a line, inside a band, or outside of one."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    start = rng.uniform(-SIDE / 2, SIDE / 2)
    inside = (along > start) & (along < start + rng.choice([SIDE / 3, SIDE / 2, 2 * SIDE]))
    return np.where(inside ^ (rng.random() < 0.5), 255 - picture, picture)


def outlined(picture: Floats, rng: np.random.Generator) -> Floats:
    """Replace the strokes by their outlines, thin or soft."""
    side = int(rng.integers(1, 4)) * SIDE
    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    solid = (large > rng.uniform(40, 200)).astype(np.float32) * 255
    edge = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((int(rng.integers(2, 4)),) * 2, np.uint8))
    small = cv2.resize(edge, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.minimum(small * np.float32(rng.uniform(1, 3)), 255)


def noisy(picture: Floats, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise, or make random pixels white or black."""
    if rng.random() < 0.5:
        return picture + rng.normal(0, rng.uniform(10, 70), picture.shape).astype(np.float32)
    wrong = rng.random(picture.shape) < rng.uniform(0.01, 0.2)
    white = rng.random(picture.shape) < rng.choice([0.5, 1.0])
    return np.where(wrong, np.where(white, 255, 0), picture).astype(np.float32)


def clouded(picture: Floats, rng: np.random.Generator) -> Floats:
    """Lay grey clouds or blots over the digit."""
    cells = tuple(int(side) for side in rng.integers(2, 10, 2))
    cloud = cv2.resize(rng.random(cells, np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.4:
        cloud = np.clip((cloud - rng.uniform(0.5, 0.8)) * 6, 0, 1)
    share, grey = cloud * np.float32(rng.uniform(0.2, 0.8)), np.float32(rng.uniform(80, 255))
    return picture + (grey - picture) * share if rng.random() < 0.5 else picture + grey * share


def faded(picture: Floats, rng: np.random.Generator) -> Floats:
    """Lower the contrast, and brighten the black background."""
    contrast = rng.uniform(0.2, 1)
    return picture * np.float32(contrast) + np.float32(rng.uniform(0, 255 * (1 - 0.6 * contrast)))


def coarse(picture: Floats, rng: np.random.Generator) -> Floats:
    """Blur the digit, lower its resolution, or move pixels at random by about one."""
    kind = rng.integers(3)
    if kind == 0:
        sigmas = rng.uniform(0.5, 2.2), rng.uniform(0.5, 2.2)
        blurred = cv2.GaussianBlur(picture, (0, 0), *sigmas)
        return blurred * np.float32(255 / max(1.0, float(blurred.max())))
    if kind == 1:
        few = int(rng.integers(9, 18))
        small = cv2.resize(picture, (few, few), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (SIDE, SIDE), interpolation=int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR])))
    shift = rng.normal(0, rng.uniform(0.4, 1.2), (2, SIDE, SIDE)).astype(np.float32)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return cv2.remap(picture, x + shift[0], y + shift[1], cv2.INTER_LINEAR)


def partly_gone(picture: Floats, rng: np.random.Generator) -> Floats:
    """Break the strokes with one to three small gaps."""
    broken = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        start = rng.uniform(6, SIDE - 6, 2)
        ends = np.rint([start, start + rng.uniform(-4, 4, 2)]).astype(np.int32)
        cv2.polylines(broken, [ends], False, 0, int(rng.integers(1, 3)))
    return broken


FAMILIES: tuple[Callable[[Floats, np.random.Generator], Floats], ...] = (
    crossed_out,
    partly_inverted,
    outlined,
    noisy,
    clouded,
    faded,
    coarse,
    partly_gone,
)
"""Ways to disturb a picture, float32 (28, 28), white on black in [0, 255]; each is equally likely."""
