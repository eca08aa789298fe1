"""Everything that can be written: digits, letters, words, signs and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

WITHOUT_HANDS = "HANDS_NPZ is not set: handwritten letters and words will be missing, and all digits are MNIST's."

Ink = npt.NDArray[np.uint8]


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


def _of_strokes(label: int, strokes: Sequence[npt.NDArray[np.floating]]) -> Writing:
    """Scale strokes of any units to a writing."""
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    # A flat stroke, such as a dash, must not be made as high as a digit.
    height = max(float(np.ptp(points[:, 1])), 0.25 * float(np.ptp(points[:, 0])), 1e-3)
    scaled = tuple(((stroke - low) / height).astype(np.float32) for stroke in strokes)
    return Writing(label, float(np.ptp(points[:, 0])) / height, scaled)
