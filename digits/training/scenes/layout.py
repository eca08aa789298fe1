"""Layouts of a sheet of paper: single digits, numbers, cells of a form, lines, text or drawings, and printed lines.

Lengths are in heights of a digit. In the first row, y is 0 at the top of a digit and 1 at its bottom.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from digits.training.scenes.pen import Matrix
from digits.training.scenes.writing import Writers, Writing, figure, sign

LONGEST = 12
"""Most digits of a number."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A writing, and the projection of its units onto the paper."""

    writing: Writing
    matrix: Matrix


@dataclass(slots=True)
class Sheet:
    """What is written and printed on a sheet of paper."""

    placed: list[Placed] = field(default_factory=list)
    lines: list[tuple[npt.NDArray[np.float64], float]] = field(default_factory=list)
    """Printed lines: points, float64 (n, 2), and the width of the line."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of everything written; printed lines do not count."""
        corners = [
            place.matrix @ np.array([[0, place.writing.width, 0, place.writing.width], [0, 0, 1, 1], [1] * 4])
            for place in self.placed
        ]
        low, high = (np.concatenate(corners, axis=1)[:2].min(axis=1), np.concatenate(corners, axis=1)[:2].max(axis=1))
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def write(self, writings: list[Writing], x: float, y: float, hand: "Hand", rng: np.random.Generator) -> float:
        """Write one after another from (x, y), and return the x at which the next one would start."""
        for writing in writings:
            matrix, width = hand.matrix(writing, rng)
            matrix[:2, 2] += x, y
            self.placed.append(Placed(writing, matrix))
            x += width + hand.gap(rng)
        return x


@dataclass(frozen=True, slots=True)
class Hand:
    """How one person writes a row; single digits vary around it."""

    slant: float
    """Horizontal shear, as a share of the height; positive leans to the right."""
    aspect: float
    """Factor for the width."""
    spacing: float
    """Mean gap between neighbours; negative if they overlap."""
    unevenness: float
    """Standard deviation of the heights (of their logarithm) and of the vertical position."""

    @staticmethod
    def of(rng: np.random.Generator) -> "Hand":
        """Return a random hand."""
        spacing = (rng.uniform(-0.18, 0.06), rng.uniform(0.05, 0.45), rng.uniform(0.45, 1.6))
        return Hand(
            slant=float(np.clip(rng.normal(0, 0.15), -0.4, 0.4)),
            aspect=float(np.exp(rng.normal(0, 0.15))),
            spacing=spacing[rng.choice(3, p=(0.4, 0.48, 0.12))],
            unevenness=rng.uniform(0.02, 0.12) if rng.random() < 0.8 else rng.uniform(0.12, 0.3),
        )

    def matrix(self, writing: Writing, rng: np.random.Generator) -> tuple[Matrix, float]:
        """Return the matrix from the writing's units to the paper, with its left edge at 0, and its width there."""
        height = 1.0 if writing.label < 0 else float(np.exp(rng.normal(0, self.unevenness)))
        across = height * self.aspect * float(np.exp(rng.normal(0, 0.06)))
        slant = self.slant + rng.normal(0, 0.04)
        top = 1 - height + rng.normal(0, self.unevenness)
        width = writing.width * across
        return np.array([[across, -slant * height, slant * height / 2], [0, height, top], [0, 0, 1]]), width

    def gap(self, rng: np.random.Generator) -> float:
        """Return a random gap to the next writing."""
        return self.spacing + rng.normal(0, 0.04 + 0.1 * abs(self.spacing))


def single(writers: Writers, _: int, rng: np.random.Generator) -> Sheet:
    """One digit."""
    sheet = Sheet()
    sheet.write(writers.digits(1, rng), 0, 0, Hand.of(rng), rng)
    return sheet


def number(writers: Writers, most: int, rng: np.random.Generator) -> Sheet:
    """A number of one row, sometimes with signs between its digits, or with letters beside it."""
    sheet, hand = Sheet(), Hand.of(rng)
    row = [sign(rng, "-")] if rng.random() < 0.06 else []
    separated = rng.random() < 0.35
    for digit in writers.digits(length(most, rng), rng):
        row.append(digit)
        if separated and rng.random() < 0.45:
            row.append(sign(rng))
    end = sheet.write(row, 0, 0, hand, rng)
    if rng.random() < 0.14:
        word = writers.word(rng) if rng.random() < 0.6 else writers.character(rng)
        gap = word.width if rng.random() < 0.5 else 0
        sheet.write([word], -gap - 0.5 if gap else end + 0.3, rng.normal(0, 0.1), hand, rng)
    return sheet


def cells(writers: Writers, most: int, rng: np.random.Generator) -> Sheet:
    """Boxes or a comb, as printed on a form, with a digit in each."""
    sheet, hand = Sheet(), Hand.of(rng)
    digits = writers.digits(1 if rng.random() < 0.3 else length(max(2, most * 2 // 3), rng), rng)
    across, down = rng.uniform(0.95, 1.9), rng.uniform(1.1, 1.9)
    apart = rng.uniform(0, 0.6) if rng.random() < 0.3 else 0.0
    thick = float(np.exp(rng.uniform(np.log(0.012), np.log(0.28))))
    above = (down - 1) / 2
    comb = rng.random() < 0.2
    for place, digit in enumerate(digits):
        left = place * (across + apart)
        right, top, bottom = left + across, -above, 1 + above
        over = rng.uniform(0, 0.3) if rng.random() < 0.2 else 0.0
        matrix, width = hand.matrix(digit, rng)
        matrix[:2, 2] += left + (across - width) / 2 + rng.normal(0, 0.1), rng.normal(0, 0.08)
        sheet.placed.append(Placed(digit, matrix))
        if comb:
            upper = bottom - rng.uniform(0.2, 0.5)
            sheet.lines.append((np.array([(left, upper), (left, bottom), (right, bottom), (right, upper)]), thick))
        elif over:
            ends = [((left - over, top), (right + over, top)), ((left - over, bottom), (right + over, bottom))]
            ends += [((left, top - over), (left, bottom + over)), ((right, top - over), (right, bottom + over))]
            sheet.lines += [(np.array(line), thick) for line in ends]
        else:
            box = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
            sheet.lines.append((box, thick))
    return sheet


def several_lines(writers: Writers, most: int, rng: np.random.Generator) -> Sheet:
    """Two to four numbers below each other, some of them after a word."""
    sheet, hand = Sheet(), Hand.of(rng)
    pitch = rng.uniform(1.2, 2.2)
    with_words = rng.random() < 0.2
    for line in range(int(rng.integers(2, 5))):
        x = rng.uniform(0, 0.5)
        if with_words and rng.random() < 0.6:
            x = sheet.write([writers.word(rng)], x, line * pitch, hand, rng) + 0.4
        sheet.write(writers.digits(length(max(1, most), rng), rng), x, line * pitch, hand, rng)
    return sheet


def words(writers: Writers, most: int, rng: np.random.Generator) -> Sheet:
    """Text without digits: one to four characters, or lines of words."""
    sheet, hand = Sheet(), Hand.of(rng)
    if (chance := rng.random()) < 0.4:
        sheet.write([writers.character(rng)], 0, 0, hand, rng)
    elif chance < 0.6:
        sheet.write([writers.character(rng) for _ in range(int(rng.integers(2, 5)))], 0, 0, hand, rng)
    else:
        lines = 1 if chance < 0.8 else int(rng.integers(2, max(3, most)))
        for line in range(lines):
            x = 0.0
            for _ in range(int(rng.integers(1, 2 + most // 3))):
                x = sheet.write([writers.word(rng)], x, line * 1.6, hand, rng) + 0.5
    return sheet


def drawing(_: Writers, __: int, rng: np.random.Generator) -> Sheet:
    """One to three figures or scribbles."""
    sheet, hand = Sheet(), Hand.of(rng)
    for _figure in range(int(rng.integers(1, 4))):
        drawn = figure(rng)
        matrix, _width = hand.matrix(drawn, rng)
        matrix[:2, 2] += rng.uniform(-1, 1, 2)
        sheet.placed.append(Placed(drawn, matrix))
    return sheet


Layout = Callable[[Writers, int, np.random.Generator], Sheet]
"""Takes the writers, how many digits fit beside each other, and a generator; returns a sheet."""
LAYOUTS: tuple[tuple[Layout, float], ...] = (
    (single, 0.26),
    (number, 0.3),
    (cells, 0.08),
    (several_lines, 0.08),
    (words, 0.2),
    (drawing, 0.08),
)
"""All layouts, with the share of the scenes that have each."""


def length(most: int, rng: np.random.Generator) -> int:
    """Return a random number of digits, at most `most` and LONGEST; few are likelier."""
    most = min(most, LONGEST)
    if most <= 2 or rng.random() < 0.4:
        return min(most, int(rng.integers(2, 4)))
    return int(rng.integers(2, most + 1))


def ruled(sheet: Sheet, rng: np.random.Generator) -> None:
    """Add lines: those of ruled or squared paper, one below the writing, or a ring or frame around it."""
    left, top, right, bottom = sheet.bounds
    width, height = right - left, bottom - top
    thick = float(np.exp(rng.uniform(np.log(0.01), np.log(0.08))))
    kind = rng.choice(5, p=(0.35, 0.2, 0.2, 0.1, 0.15))
    reach = 3 * max(width, height, 1)
    if kind <= 1:
        pitch = rng.uniform(0.8, 2.2) if kind == 0 else rng.uniform(0.25, 1.2)
        first = rng.uniform(0, pitch)
        rows = np.arange(top - reach + first, bottom + reach, pitch)
        sheet.lines += [(np.array([(left - reach, y), (right + reach, y)]), thick) for y in rows[:120]]
        if kind == 1:
            columns = np.arange(left - reach + first, right + reach, pitch)
            sheet.lines += [(np.array([(x, top - reach), (x, bottom + reach)]), thick) for x in columns[:120]]
    elif kind == 2:
        y = bottom + rng.uniform(0.02, 0.4)
        over = rng.uniform(-0.2, 0.6, 2)
        sheet.lines.append((np.array([(left - over[0], y), (right + over[1], y + rng.normal(0, 0.05))]), thick))
    elif kind == 3:
        turn = np.linspace(0, 2 * np.pi * rng.uniform(0.9, 1.05), 40)[:, np.newaxis]
        radii = np.array([width, height]) * rng.uniform(0.6, 0.9) + 0.15
        sheet.lines.append(
            ((np.hstack([np.cos(turn), np.sin(turn)]) * radii) + [left + width / 2, top + height / 2], thick)
        )
    else:
        margin = rng.uniform(0.08, 0.6, 4)
        thick = float(np.exp(rng.uniform(np.log(0.012), np.log(0.28))))
        x0, y0, x1, y1 = (
            left - margin[0] - thick,
            top - margin[1] - thick,
            right + margin[2] + thick,
            bottom + margin[3] + thick,
        )
        sheet.lines.append((np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]), thick))
