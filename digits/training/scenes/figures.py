"""Simple figures that are not digits, and the pen that draws them.

The points of a figure lie in about [-1, 1].
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digits.training.augmentation.photographs import Sheet

SIZE = 84
"""Pixels of each side of the canvas, three times those of a grid."""

Stroke = npt.NDArray[np.float64]
"""float64 (n, 2): points, x to the right and y down."""


def drawn(strokes: Sequence[Stroke], rng: np.random.Generator) -> Sheet:
    """Draw strokes, in pixels from 0 to SIZE, with a random pen, and crop to the ink. Strokes of few points tremble."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    pen = int(rng.integers(2, 10))
    for stroke in strokes:
        points = stroke + rng.normal(0, 1, stroke.shape) if len(stroke) < 30 else stroke
        cv2.polylines(canvas, [np.rint(points * 8).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 3)
    return cut_to_ink(canvas)


def cut_to_ink(ink: npt.NDArray[np.generic]) -> Sheet:
    """Crop uint8 or floats in [0, 1], (h, w), to the ink, as floats in [0, 1]; (0, 0) if there is none."""
    sheet = ink.astype(np.float32) / (255 if ink.dtype == np.uint8 else 1)
    x, y, width, height = cv2.boundingRect((sheet > 0.3).astype(np.uint8))
    return sheet[y : y + height, x : x + width]


def smooth(points: Stroke) -> Stroke:
    """Return a Catmull-Rom spline through the points."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 10)[:, np.newaxis]
    before, start, end, after = (padded[i : len(padded) - 3 + i, np.newaxis] for i in range(4))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.reshape(-1, 2)


def around(angles: npt.NDArray[np.float64]) -> Stroke:
    """Points on the unit circle at these angles, in radians."""
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def polygon(rng: np.random.Generator) -> list[Stroke]:
    """A regular polygon of 3 to 7 corners, turned, then squeezed along the axes."""
    corners = int(rng.integers(3, 8))
    angles = np.arange(corners + 1) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
    return [around(angles) * rng.uniform(0.5, 1, 2)]


def star(rng: np.random.Generator) -> list[Stroke]:
    """A star of 4 to 7 points, one of them at the top."""
    points = int(rng.integers(4, 8))
    corners = np.arange(2 * points + 1)
    radii = np.where(corners % 2, rng.uniform(0.3, 0.6), 1)
    return [around(corners * np.pi / points - np.pi / 2) * radii[:, np.newaxis]]


def crossed(rng: np.random.Generator) -> list[Stroke]:
    """Two or three straight lines through the middle."""
    angles = np.arange(int(rng.integers(2, 4))) * np.pi / rng.integers(2, 5) + rng.uniform(0, np.pi)
    return [np.stack([end * rng.uniform(0.5, 1), -end * rng.uniform(0.5, 1)]) for end in around(angles)]


def spiral(rng: np.random.Generator) -> list[Stroke]:
    """A spiral of 1.8 to 4 turns."""
    angles = np.linspace(0, 2 * np.pi * rng.uniform(1.8, 4), 50)
    return [around(angles) * (angles / angles[-1])[:, np.newaxis]]


def wave(rng: np.random.Generator) -> list[Stroke]:
    """A wave or a zigzag of 4 to 8 turning points."""
    corners = np.arange(int(rng.integers(4, 9)))
    height = np.where(corners % 2, 1, -1) * rng.uniform(0.2, 0.9)
    zigzag = np.stack([np.linspace(-1, 1, len(corners)), height], 1)
    return [smooth(zigzag) if rng.random() < 0.5 else zigzag]


def net(rng: np.random.Generator) -> list[Stroke]:
    """A lattice of 2 to 4 lines each way."""
    places = np.linspace(-1, 1, int(rng.integers(2, 5)))
    return [np.array([[p, -1], [p, 1]]) for p in places] + [np.array([[-1, p], [1, p]]) for p in places]


def arrow(rng: np.random.Generator) -> list[Stroke]:
    """An arrow in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [np.array([[-1, 0], [1, 0]]) @ turn, np.array([[0.5, 0.5], [1, 0], [0.5, -0.5]]) @ turn]


def face(rng: np.random.Generator) -> list[Stroke]:
    """A ring with two eyes and a mouth that smiles or frowns."""
    ring = around(np.linspace(0, 2 * np.pi, 30))
    mouth = ring[3:13] * 0.5
    return [ring, ring * 0.1 + [-0.35, -0.3], ring * 0.1 + [0.35, -0.3], mouth * [1, rng.choice([-1, 1])]]


def heart(_: np.random.Generator) -> list[Stroke]:
    """A heart, always the same."""
    t = np.linspace(0, 2 * np.pi, 40)
    down = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([16 * np.sin(t) ** 3, -down], 1) / 17]


def house(_: np.random.Generator) -> list[Stroke]:
    """A house with a door, always the same."""
    walls = np.array([[-0.8, 1], [-0.8, -0.1], [0, -1], [0.8, -0.1], [0.8, 1], [-0.8, 1]])
    return [walls, np.array([[-0.2, 1], [-0.2, 0.4], [0.2, 0.4], [0.2, 1]])]


def outline(rng: np.random.Generator) -> list[Stroke]:
    """A closed line with bulges, like a fruit, a cloud or an animal, and perhaps other figures in it or beside it."""
    angles = np.linspace(0, 2 * np.pi, 50)
    radii = np.ones_like(angles)
    for bulges in rng.choice(np.arange(3, 9), 3, replace=False):  # Two bulges would make a 0 or an 8.
        radii += rng.uniform(0.06, 0.3) * np.cos(bulges * angles + rng.uniform(0, 2 * np.pi))
    closed = around(angles) * np.clip(radii, 0.15, 2)[:, np.newaxis] * rng.uniform(0.4, 1, 2)
    size = float(np.abs(closed).max())
    beside = [figure(rng) for figure in (polygon, wave, heart) if rng.random() < 0.25]
    moved = [stroke * rng.uniform(0.1, 0.5) + rng.uniform(-1, 1, 2) for strokes in beside for stroke in strokes]
    return [closed / size, *(np.clip(stroke, -1, 1) for stroke in moved)]


def rings(rng: np.random.Generator) -> list[Stroke]:
    """Three to six circles around a centre, like petals, wheels or bubbles, and perhaps a line."""
    count = int(rng.integers(3, 7))
    centres = around(np.arange(count) * 2 * np.pi / count + rng.uniform(0, 2 * np.pi)) * rng.uniform(0.4, 0.7)
    ring = around(np.linspace(0, 2 * np.pi, 30))
    made = [ring * rng.uniform(0.15, 0.3) + centre for centre in centres]
    return [*made, rng.uniform(-1, 1, (2, 2))] if rng.random() < 0.5 else made


FIGURES: tuple[Callable[[np.random.Generator], list[Stroke]], ...] = (
    polygon,
    star,
    crossed,
    spiral,
    wave,
    net,
    arrow,
    face,
    heart,
    house,
    outline,
    rings,
)
