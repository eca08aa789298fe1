"""Writing by hand: digits as ink, drawn from strokes or taken from MNIST, set into numbers and lines."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.training.data.datasets import Labelled, divided, read_npz
from digits.training.recipes import RECIPES
from support.drawing import STROKES

Rng = np.random.Generator

Ink = npt.NDArray[np.float32]
"""(h, w) in [0, 1]: the share of ink at each pixel, cropped to the ink."""

Points = npt.NDArray[np.float64]
"""(n, 2): x and y."""

Strokes = Sequence[Sequence[tuple[float, float]]]
"""Points in a square of 100, as in support/drawing.py."""

Source = Callable[[Rng, str, int, float], Ink]
"""A digit, its height in pixels, and the pen's width as a share of that -> one way to write it."""

_LOOP = [(74, 38), (50, 52), (26, 38), (32, 12), (60, 5), (75, 22)]
_BELLY = [(25, 45), (55, 40), (78, 56), (75, 83), (50, 95), (20, 88)]
STYLES: dict[str, list[Strokes]] = {
    "0": [
        [*STROKES["0"], [(76, 14), (24, 86)]],
        [[(58, 6), (28, 16), (16, 55), (40, 94), (76, 70), (74, 25), (46, 4)]],
    ],
    "1": [
        [[(50, 5), (50, 95)]],
        [[(22, 42), (58, 5), (58, 95)]],
        [[(32, 24), (52, 5), (52, 95)], [(28, 95), (76, 95)]],
    ],
    "2": [
        [
            [
                (20, 25),
                (38, 7),
                (64, 8),
                (74, 28),
                (60, 58),
                (34, 88),
                (20, 93),
                (14, 85),
                (21, 76),
                (34, 78),
                (62, 95),
                (88, 84),
            ]
        ]
    ],
    "3": [[[(22, 6), (76, 6), (44, 42), (70, 50), (80, 72), (58, 95), (18, 86)]]],
    "4": [[[(26, 6), (20, 56), (84, 56)], [(66, 22), (64, 95)]], [[(62, 95), (62, 5), (14, 66), (86, 66)]]],
    "5": [[[(30, 6), *_BELLY], [(28, 6), (80, 5)]]],
    "6": [[[(58, 5), (30, 44), (22, 72), (38, 94), (64, 92), (74, 72), (58, 56), (36, 62), (25, 74)]]],
    "7": [[[(18, 8), (82, 8), (45, 95)], [(32, 52), (78, 50)]], [[(18, 24), (20, 8), (80, 8), (54, 46), (46, 95)]]],
    "8": [
        [
            [(50, 5), (28, 14), (28, 36), (50, 47), (72, 36), (72, 14), (50, 5)],
            [(50, 47), (22, 60), (24, 86), (50, 95), (76, 86), (78, 60), (50, 47)],
        ],
        [[(74, 14), (48, 5), (28, 24), (52, 46), (76, 70), (52, 95), (24, 74), (48, 48), (72, 26), (70, 12)]],
    ],
    "9": [[[*_LOOP, (72, 95)]], [[*_LOOP, (76, 62), (62, 92), (36, 94), (22, 84)]]],
}
"""Other ways to write each digit: slashed, with flag or foot, looped, open, closed, barred, of two rings, curled."""


def from_strokes(rng: Rng, digit: str, height: int, pen: float) -> Ink:
    styles = [STROKES[digit], *STYLES[digit]]
    return drawn(rng, styles[rng.integers(len(styles))], height, pen)


def unlearnt(path: Path) -> Labelled:
    """The digits of MNIST's training set that no model that ships has learnt from."""
    _, held_out = divided(read_npz(path).train, RECIPES["cnn"].held_out)
    return held_out


def from_mnist(path: Path) -> Source:
    """Digits of MNIST that no model has learnt from, in the width of the pen as near as they stay legible."""
    grids, digits = unlearnt(path)
    of = {str(digit): grids[digits == digit] for digit in range(10)}

    def digit_of_mnist(rng: Rng, digit: str, height: int, pen: float) -> Ink:
        grid = cropped(rng.choice(of[digit]).astype(np.float32) / 255)
        scale = height / len(grid)
        room = int(0.1 * height) + 2
        large = cv2.resize(np.pad(grid, 1), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        large = cv2.GaussianBlur(np.pad(large, room), (0, 0), 0.6 * scale)
        inside, outside = (large > 0.35).astype(np.uint8), (large <= 0.35).astype(np.uint8)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(outside, cv2.DIST_L2, 3)
        width = 4 * depth[depth > 0].mean()
        broader = np.clip(pen * height - width, -0.2 * width, 0.03 * height) / 2
        return cropped(np.clip(depth + broader + 0.5, 0, 1).astype(np.float32))

    return digit_of_mnist


def drawn(rng: Rng, strokes: Strokes, height: int, pen: float) -> Ink:
    """Strokes -> ink of about this height: jittered, rounded, narrower or wider, the pen pressed unevenly."""
    scale, room = 2 * height / 100, 2 * int(0.2 * height + pen * height)
    shape = np.diag(rng.uniform((0.7, 0.9), (1.1, 1.05))) @ _turn(rng.normal(0, 0.05))
    sharpest, jitter = rng.uniform(1.4, 1.55), rng.uniform(0, 2)
    canvas = np.zeros((2 * height + 2 * room, 2 * height + 2 * room), np.uint8)
    press = rng.uniform(0, 0.35)
    for stroke in strokes:
        points = _curved(np.array(stroke) + rng.normal(0, jitter, (len(stroke), 2)), sharpest)
        pixels = np.rint((((points - 50) @ shape + 50) * scale + room) * 16).astype(int)
        phase = np.sin(np.linspace(0, rng.uniform(2, 6), len(points)) + rng.uniform(0, 6))
        widths = np.maximum(1, np.rint(2 * pen * height * (1 + press * phase))).astype(int)
        for start, end, width in zip(pixels[:-1].tolist(), pixels[1:].tolist(), widths.tolist(), strict=False):
            cv2.line(canvas, start, end, 255, width, cv2.LINE_AA, 4)
    half = (canvas.shape[1] // 2, canvas.shape[0] // 2)
    return cropped(cv2.resize(canvas, half, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)


def cropped(ink: Ink) -> Ink:
    x, y, width, height = cv2.boundingRect((ink > 0.1).astype(np.uint8))
    return ink[y : y + height, x : x + width]


class Hand:
    """Somebody who writes, with the same slant through a picture."""

    def __init__(self, rng: Rng, source: Source) -> None:
        self.rng, self.source = rng, source
        self.slant = rng.normal(0.05, 0.1)

    def write(self, text: str, height: int, pen: float, gap: tuple[float, float] = (0.12, 0.45)) -> Ink:
        """Digits of about this height in pixels; pen and gap are shares of it. Where a gap is negative, digits meet."""
        lines = [self._line(line, height, pen, gap) for line in text.split("\n")]
        starts = [int(self.rng.uniform(0, 0.4) * height) if len(lines) > 1 else 0 for _ in lines]
        width = max(start + line.shape[1] for start, line in zip(starts, lines, strict=True))
        rows: list[Ink] = []
        for start, line in zip(starts, lines, strict=True):
            below = int(self.rng.uniform(0.35, 0.8) * height) if len(rows) < len(lines) - 1 else 0
            rows.append(np.pad(line, ((0, below), (start, width - start - line.shape[1]))))
        return np.concatenate(rows)

    def _line(self, digits: str, height: int, pen: float, gap: tuple[float, float]) -> Ink:
        rng = self.rng
        canvas = np.zeros((2 * height, int((len(digits) + 1) * (1.4 + gap[1]) * height)), np.float32)
        edge, right, rise = np.full(len(canvas), 0.0), 0, rng.normal(0, 0.02)
        for place, digit in enumerate(digits):
            ink = self._digit(digit, int(height * rng.uniform(0.85, 1.12)), pen)
            top = int(height * (1.5 + rng.normal(0, 0.03) + np.clip(rise * place, -0.2, 0.2))) - len(ink)
            space = rng.uniform(*gap)
            rows = np.flatnonzero((ink > 0.3).any(1))
            before = _reaching(edge, int(max(space, 0) * height))[top + rows]
            x = max(int((before - (ink[rows] > 0.3).argmax(1)).max() + space * height), int(right - 0.12 * height), 0)
            part = canvas[top : top + len(ink), x : x + ink.shape[1]]
            np.maximum(part, ink, out=part)
            edge[top + rows] = np.maximum(edge[top + rows], x + ink.shape[1] - (ink[rows, ::-1] > 0.3).argmax(1))
            right = x + ink.shape[1]
        return cropped(canvas)

    def _digit(self, digit: str, height: int, pen: float) -> Ink:
        ink = self.source(self.rng, digit, height, pen)
        rows, columns = ink.shape
        reach = abs(self.slant) * rows
        shear = np.array([[1, -self.slant, reach / 2 + self.slant * rows / 2], [0, 1, 0]])
        return cropped(cv2.warpAffine(ink, shear, (columns + int(reach) + 1, rows)))


def _curved(points: Points, sharpest: float) -> Points:
    """A smooth curve through points, but for corners that turn by more than `sharpest`."""
    steps = np.diff(points, axis=0)
    corners = np.flatnonzero(_turns(steps[:-1], steps[1:]) > sharpest) + 1
    bounds = [0, *corners.tolist(), len(points) - 1]
    meets = len(points) > 4 and np.hypot(*(points[0] - points[-1])) < 12 and _turns(steps[-1], steps[0]) < sharpest
    closed = bool(meets) and not len(corners)
    return np.concatenate([_spline(points[start : end + 1], closed) for start, end in pairwise(bounds)])


def _spline(points: Points, closed: bool) -> Points:
    """Catmull and Rom's, with 16 points from each point to the next."""
    before, after = (points[-2], points[1]) if closed else (2 * points[0] - points[1], 2 * points[-1] - points[-2])
    a, b, c, d = (np.stack([before, *points, after])[start : len(points) - 1 + start] for start in range(4))
    t = np.linspace(0, 1, 17)[:, None, None]
    curve = b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def _turns(before: Points, after: Points) -> npt.NDArray[np.float64]:
    """By how many radians a stroke turns, 0 to pi."""
    turn = np.arctan2(before[..., 1], before[..., 0]) - np.arctan2(after[..., 1], after[..., 0])
    return np.abs((turn + np.pi) % (2 * np.pi) - np.pi)


def _reaching(edge: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    return cv2.dilate(edge[:, None], np.ones((2 * reach + 1, 1), np.uint8))[:, 0]


def _turn(angle: float) -> npt.NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
