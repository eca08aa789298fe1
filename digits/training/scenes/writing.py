"""Everything that can be written, such as a digit, letter or word, and the pen that draws it in any projection."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits.inference.detections import SIGNS
from digits.training.augmentation.styles import in_another_style
from digits.training.data.datasets import Labelled, divided
from digits.training.data.hands import Hands, Strokes, read_hands
from digits.training.data.pen_data import PENDIGITS, UNIPEN
from digits.training.recipes import RECIPES
from digits.training.scenes.figures import FIGURES, smooth
from digits.training.verifier.letters import is_no_digit

NO_DIGIT, AMBIGUOUS = -1, -2
"""Labels of writing that is not a digit, and of a digit of which too little is seen to tell."""
OF_HANDS = 0.6
"""Share of the digits that are drawn from pen trajectories, if there are any; the others are MNIST's."""

STYLED = 0.3
"""Share of MNIST's 0s, 1s and 7s, and of other single-line 1s, that are changed to a European style."""
HELD_OUT = RECIPES["cnn"].held_out
"""Share of MNIST's training set that is held out: the same digits for all networks."""
MERE_LINES = 0.06
"""Share of the digits beside others that are replaced by a 1 of a single line, which is the easiest to miss."""
BY_LABEL = 0.5
"""Share of the characters that are chosen by label first, so that rare ones come as often as common ones.

Only labels that look like no digit take part.
"""
_ENLARGED = 4
"""How many times as large MNIST's ink is made before it is projected."""

WITHOUT_HANDS = "HANDS_NPZ is not set: handwritten letters and words will be missing, and all digits are MNIST's."

Ink = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
"""float64 (3, 3): a projection, such as from a writing's own units to pixels."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Something written, as pen strokes or as ink of a picture: y from 0 to 1, x from 0 to `width`."""

    label: int
    """0 to 9, or NO_DIGIT."""
    width: float
    strokes: Strokes = ()
    ink: Ink | None = None
    """uint8 (h, w), white on black, cropped."""
    sign: str = ""
    """One of SIGNS, if it is one."""


class Layer(NamedTuple):
    """Ink of one writing, cropped, and the column and row of its upper left corner on the canvas."""

    x: int
    y: int
    ink: Ink


@dataclass(frozen=True, slots=True)
class Pen:
    """How strokes look."""

    width: float
    """In heights of the writing."""
    level: int = 110
    """Grey level from which the ink of a picture counts as ink; a lower level makes strokes broader."""


def held_out_writers(mnist: Labelled, hands: Path | None) -> tuple["Writers", "Writers"]:
    """Split the writers into those to train on and those held out.

    Prints what is missing if there are no pen trajectories.
    """
    parts = divided(mnist, HELD_OUT)
    if not hands:
        print(WITHOUT_HANDS, flush=True)
        learnt, held_out = (Writers(part, None) for part in parts)
        return learnt, held_out
    learnt, held_out = (Writers(*both) for both in zip(parts, read_hands(hands).divided(), strict=True))
    return learnt, held_out


class Writers:
    """Source of random writing: MNIST's digits, and digits, characters and words from pen trajectories."""

    def __init__(self, mnist: Labelled, hands: Hands | None) -> None:
        self.mnist, self._hands = mnist, hands
        self.sources = ("MNIST", *((UNIPEN, PENDIGITS) if hands else ()))
        self._by_writer: dict[str, npt.NDArray[np.int64]] = {}
        self._by_label: list[npt.NDArray[np.int64]] = []
        if hands:
            characters = hands.of("character")
            labels = hands.labels[characters]
            told_apart = [label for label in np.unique(labels).tolist() if label and is_no_digit(label)]
            self._by_label = [characters[labels == label] for label in told_apart]
            digits = hands.of("digit")
            writers = hands.writers[digits]
            self._by_writer = {str(name): digits[writers == name] for name in np.unique(writers)}
        self.names = list(self._by_writer)
        """Names of the writers of digits, without MNIST's."""

    def digits(self, count: int, rng: np.random.Generator) -> list[Writing]:
        """Return random digits, in most cases by one writer. Beside others, some are replaced: see MERE_LINES."""
        written = self._digits(count, rng)
        return written if count == 1 else [_mere_line(rng) if rng.random() < MERE_LINES else each for each in written]

    def _digits(self, count: int, rng: np.random.Generator) -> list[Writing]:
        if not self._hands or not self._by_writer or rng.random() > OF_HANDS:
            return [self._of_mnist(rng) for _ in range(count)]
        if rng.random() < 0.3:
            chosen = rng.choice(self._hands.of("digit"), count)
        else:  # Each writer is equally likely, however much they wrote.
            chosen = rng.choice(self._by_writer[self.names[rng.integers(len(self.names))]], count)
        return [self._of_hand(int(number), self._hands, rng) for number in chosen]

    def character(self, rng: np.random.Generator) -> Writing:
        """Return a random letter or sign; a figure if there are no pen trajectories."""
        return self._no_digit("character", rng)

    def word(self, rng: np.random.Generator) -> Writing:
        """Return a random word without digits; a figure if there are no pen trajectories."""
        return self._no_digit("word", rng)

    def _no_digit(self, kind: str, rng: np.random.Generator) -> Writing:
        """Return a random sample of a kind whose label has no digit, or a figure if there are no samples."""
        if not self._hands or not len(self._hands.of(kind)):
            return figure(rng)
        numbers = self._hands.of(kind)
        if kind == "character" and self._by_label and rng.random() < BY_LABEL:
            numbers = self._by_label[int(rng.integers(len(self._by_label)))]
        while True:
            number = rng.choice(numbers)
            if not any(letter.isdigit() for letter in str(self._hands.labels[number])):
                return _of_strokes(NO_DIGIT, self._hands.strokes(number))

    def _of_hand(self, number: int, hands: Hands, rng: np.random.Generator) -> Writing:
        """Return a digit from the pen trajectories, by its number."""
        digit, strokes = int(hands.labels[number]), hands.strokes(number)
        if digit == 1 and len(strokes) == 1 and rng.random() < STYLED:
            strokes = (_with_upstroke(strokes[0], rng),)
        return _of_strokes(digit, strokes)

    def _of_mnist(self, rng: np.random.Generator) -> Writing:
        """Return a random digit of MNIST."""
        number = rng.integers(len(self.mnist.digits))
        digit = int(self.mnist.digits[number])
        grid = in_another_style(self.mnist.grids[number], digit, rng, STYLED)
        x, y, width, height = cv2.boundingRect((grid > 60).astype(np.uint8))
        return Writing(digit, width / height, ink=grid[y : y + height, x : x + width])


def figure(rng: np.random.Generator) -> Writing:
    """Return a random figure or scribble."""
    if rng.random() < 0.4:
        points = rng.uniform(0, 1, (int(rng.integers(6, 16)), 2))
        return _of_strokes(NO_DIGIT, (smooth(points) if rng.random() < 0.7 else points,))
    return _of_strokes(NO_DIGIT, FIGURES[rng.integers(len(FIGURES))](rng))


def sign(rng: np.random.Generator, among: str = SIGNS) -> Writing:
    """Return a random sign of those that stand between digits, in the units of the digit beside it: y from 0 to 1."""
    character = among[rng.integers(len(among))]
    if character == "-":
        y, half = rng.uniform(0.4, 0.6), rng.uniform(0.1, 0.25)
        strokes = [[(0, y), (2 * half, y + rng.uniform(-0.05, 0.05))]]
    elif character == "/":
        strokes = [[(rng.uniform(0.35, 0.8), -0.1), (0, 1.1)]]
    else:
        size = rng.uniform(0.02, 0.05)
        if character == ",":
            strokes = [
                [(0, rng.uniform(0.88, 0.98)), (size, 0.98), (rng.uniform(-0.12, -0.02), rng.uniform(1.08, 1.25))]
            ]
        else:
            strokes = [_dot(size, rng.uniform(0.92, 1))]
        if character == ":":
            strokes.append(_dot(size, rng.uniform(0.35, 0.55)))
    points = tuple(np.array(stroke, np.float32) for stroke in strokes)
    left = min(stroke[:, 0].min() for stroke in points)
    width = max(stroke[:, 0].max() for stroke in points) - left
    moved = tuple(stroke - np.array([left, 0], np.float32) for stroke in points)
    return Writing(NO_DIGIT, float(width), moved, sign=character)


def _mere_line(rng: np.random.Generator) -> Writing:
    """Return a 1 of a single line, a little slanted and bent."""
    slant, bend = rng.normal(0.05, 0.08), rng.normal(0, 0.02)
    points = np.array([(slant, 0), (slant / 2 + bend, rng.uniform(0.3, 0.7)), (0, 1)])
    return _of_strokes(1, (smooth(points),))


def _with_upstroke(stroke: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a 1 with an upstroke before it if it is a single line; any other 1 as it is."""
    width, height = np.ptp(stroke, axis=0).tolist()
    if width > 0.25 * height:
        return stroke
    upper = stroke[stroke[:, 1].argmin()]
    across = rng.uniform(0.15, 0.7) * height
    down = min(height, across * rng.uniform(0.7, 1.6))  # A flatter one would make a 7.
    bend = np.array([-across * rng.uniform(0.3, 0.6), down * rng.uniform(0.3, 0.8)])
    upstroke = smooth(np.stack([upper + np.array([-across, down]), upper + bend, upper]))
    return np.concatenate([upstroke, stroke if stroke[0, 1] < stroke[-1, 1] else stroke[::-1]])


def _dot(size: float, y: float) -> list[tuple[float, float]]:
    """Outline of a dot at (0, y), larger than the mark of a thin pen."""
    return [(-size, y), (0, y - size), (size, y), (0, y + size), (-size, y)]


def drawn(writing: Writing, matrix: Matrix, pen: Pen) -> Layer:
    """Draw a writing in a projection, with edges of about a pixel."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    width = max(1, round(pen.width * scale))
    if writing.ink is not None:
        return _warped(writing.ink, matrix @ np.diag([1 / len(writing.ink), 1 / len(writing.ink), 1]), pen.level)
    strokes = [cv2.perspectiveTransform(stroke[np.newaxis], matrix)[0] for stroke in writing.strokes]
    low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.max(axis=0) for stroke in strokes], axis=0)
    x, y = (int(side) - width - 2 for side in np.floor(low))
    columns, rows = (int(side) + width + 3 for side in np.ceil(high) - (x, y))
    ink = np.zeros((rows, columns), np.uint8)
    points = [np.rint((stroke - (x, y)) * 16).astype(np.int32) for stroke in strokes]
    cv2.polylines(ink, points, False, 255, width, cv2.LINE_AA, 4)
    return Layer(x, y, ink)


def _of_strokes(label: int, strokes: Sequence[npt.NDArray[np.floating]]) -> Writing:
    """Scale strokes of any units to a writing."""
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    # A flat stroke, such as a dash, must not be made as high as a digit.
    height = max(float(np.ptp(points[:, 1])), 0.25 * float(np.ptp(points[:, 0])), 1e-3)
    scaled = tuple(((stroke - low) / height).astype(np.float32) for stroke in strokes)
    return Writing(label, float(np.ptp(points[:, 0])) / height, scaled)


def _warped(ink: Ink, matrix: Matrix, level: int) -> Layer:
    """Project the ink of a small picture, with edges as sharp as a pen's."""
    rows, columns = ink.shape
    corners = np.array([[[0, 0], [columns, 0], [columns, rows], [0, rows]]], np.float32)
    seen = cv2.perspectiveTransform(corners, matrix)[0]
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    margin = int(scale) + 2
    x, y = (int(side) - margin for side in np.floor(seen.min(axis=0)))
    width, height = (int(side) + margin for side in np.ceil(seen.max(axis=0)) - (x, y))
    padded = np.pad(ink, 2)
    large = cv2.resize(padded, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 0.4 * _ENLARGED)
    back = np.array([[1 / _ENLARGED, 0, 0.5 / _ENLARGED - 2], [0, 1 / _ENLARGED, 0.5 / _ENLARGED - 2], [0, 0, 1]])
    place = np.array([[1, 0, -x - 0.5], [0, 1, -y - 0.5], [0, 0, 1]])
    soft = cv2.warpPerspective(large, place @ matrix @ back, (width, height), flags=cv2.INTER_LINEAR)
    gain = max(1.0, scale)  # An edge is about one pixel of the grid wide, and must become one of the canvas.
    return Layer(x, y, _steep(soft, level, gain))


def _steep(soft: Ink, level: int, gain: float) -> Ink:
    """Multiply the contrast around a grey level by `gain`; paper, 0, stays 0."""
    table = np.clip((np.arange(256) - level) * gain + 127, 0, 255).astype(np.uint8)
    table[0] = 0
    return cv2.LUT(soft, table)
