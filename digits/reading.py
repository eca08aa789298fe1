"""A picture to the number in it: several ways to see it, and the model judges them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce

import cv2
import numpy as np

from digits.box import Box
from digits.errors import NoInk, TakesLong
from digits.glyphs import SHORT, Glyph, Mark, Writing, as_grid, digits_of, find_writing
from digits.grids import SIDE
from digits.ink import Ink, find_ink
from digits.papers import LOOKS, Look, on_blurred_sheets, on_one_sheet, on_sheets
from digits.picture import Grey
from digits.recogniser import Prediction, Recogniser
from digits.rules import without_rules
from digits.touching import cut_apart

SURE = 0.9
"""A number whose digits are read with this confidence on average is not looked at in another way."""
AGREED = 0.5
"""Two looks that read the same number with this confidence are enough, once it was looked for in the shade."""
SHADE = (on_one_sheet, on_sheets, on_blurred_sheets)
GLANCE_SIDE = 200
"""Pixels of the longer side that are enough for a first look at one or a few digits."""
GLANCED_DIGIT, GLANCED_DIGITS = 40, 12
"""Pixels of its longer side that a digit has there at least, twice those that the model sees; and digits at most."""
FAINT = 32
"""Ink that is left beside the digits only where thin strokes were."""
STRAY = 0.2
"""Share of the ink that may be left out, but for lines and frames, without another look."""
DOUBT = 3.0
"""Log-odds from which a digit speaks for a reading, rather than against it: other ways to see it find digits too."""
MOST_FOR, MOST_AGAINST = 1.0, 3.0
"""What one digit may weigh."""
HOPELESS = 0.01
"""A reading below it is worth less than the sentence that says why the plainest look found nothing."""
MAX_PIECES_IN_ALL = 120
"""More are a texture or a scribble, and would take long to join."""
MAX_PIECES = 5
"""Pieces that one digit may be made of."""
WIDEST = 1.5
"""Width of a digit at most, in heights of its line."""
LEFT_OUT, LARGE_LEFT_OUT = 0.5, 0.05
"""How well it is liked that a short piece is left out, or a large one."""
BLOT, STRANGE = 0.7, 0.4
"""Probability that a number is right beside which something short is left out, or something large."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Digits in reading order, and the probability that they are all, and all right."""

    glyphs: Sequence[Glyph]
    predictions: Sequence[Prediction]
    confidence: float
    stray: float = 0.0
    """Share of the ink that was left out, though it is no line."""

    @property
    def number(self) -> str:
        """All digits in reading order, with a line feed between lines."""
        lines: dict[int, str] = {}
        for glyph, prediction in zip(self.glyphs, self.predictions, strict=True):
            lines[glyph.line] = lines.get(glyph.line, "") + str(prediction.digit)
        return "\n".join(lines.values())

    @property
    def is_sure(self) -> bool:
        return self.confidence ** (1 / len(self.glyphs)) >= SURE and self.stray <= STRAY

    def agrees_with(self, other: "Reading") -> bool:
        """Whether both read the same digits, and rather than not."""
        return min(self.confidence, other.confidence) >= AGREED and [
            prediction.digit for prediction in self.predictions
        ] == [prediction.digit for prediction in other.predictions]

    @property
    def evidence(self) -> float:
        """What speaks for it: the log-odds of each digit above DOUBT, within limits, summed."""
        odds = ((1e-6 + each.confidence) / (1 + 1e-6 - each.confidence) for each in self.predictions)
        weights = (max(-MOST_AGAINST, min(MOST_FOR, math.log(each) - DOUBT)) for each in odds)
        return sum(weights) - MOST_AGAINST * self.stray


def read_digits(grey: Grey, recogniser: Recogniser, *, quick: bool = False) -> Reading:
    """uint8 (h, w) -> its clearest reading, of at least one digit. Raises NoInk for an empty picture.

    If it is to be quick, raises TakesLong where the plainest reading leaves a doubt.
    """
    reading = _at_first_sight(grey, recogniser)
    if reading is None and quick:
        raise TakesLong
    return reading or _in_every_way(grey, recogniser)


def _at_first_sight(grey: Grey, recogniser: Recogniser) -> Reading | None:
    """A ready grid, or what is sure without a closer look."""
    if (grid := as_grid(grey)) is not None:
        return _read([grid], recogniser)
    if grey.shape == (SIDE, SIDE) and (as_it_is := _read([_as_it_is(grey)], recogniser)).is_sure:
        return as_it_is
    return _at_a_glance(grey, recogniser)


def _leaves_out(writing: Writing, boxes: Sequence[Box]) -> bool:
    """Whether there is ink, however faint, outside all boxes: thin strokes fade where there are few pixels."""
    left = writing.ink.copy()
    for box in boxes:
        left[max(0, box.y - 2) : box.bottom + 2, max(0, box.x - 2) : box.right + 2] = 0
    return bool(left.max() > FAINT)


def _in_every_way(grey: Grey, recogniser: Recogniser) -> Reading:
    """What has the most evidence of all looks, or of those before the plainest is sure or two agree. Raises NoInk."""
    readings: list[Reading] = []
    refusals: dict[Look, NoInk] = {}
    seen: set[bytes] = set()
    for look in LOOKS:
        try:
            ink = find_ink(grey, look)
            if (solid := np.packbits(ink > 127).tobytes()) in seen:
                continue
            seen.add(solid)
            others = tuple(readings)
            for reading in _readings(ink, recogniser):
                if reading.is_sure and look is LOOKS[0]:
                    return reading
                readings.append(reading)
                if look not in SHADE and any(map(reading.agrees_with, others)):
                    return max(readings, key=lambda reading: reading.evidence)
        except NoInk as error:
            refusals[look] = error
    if readings and grey.shape == (SIDE, SIDE):
        readings.append(_read([_as_it_is(grey)], recogniser))
    best = max(readings, key=lambda reading: reading.evidence, default=None)
    if best is None or (LOOKS[0] in refusals and best.confidence < HOPELESS):
        raise refusals[LOOKS[0]]
    return best


def _at_a_glance(grey: Grey, recogniser: Recogniser) -> Reading | None:
    """The plainest reading of few pixels, where it is sure and all its digits are large enough to lose nothing."""
    shrink = max(1, round(max(grey.shape) / GLANCE_SIDE))
    height, width = (max(1, side // shrink) for side in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA) if shrink > 1 else grey
    try:
        writing = find_writing(find_ink(small, LOOKS[0]))
    except NoInk:
        return None
    marks = [mark.box for line in writing.lines for mark in digits_of(line)]
    if len(marks) > GLANCED_DIGITS:
        return None
    if shrink > 1 and (min(max(box.width, box.height) for box in marks) < GLANCED_DIGIT or _leaves_out(writing, marks)):
        return None
    reading = _found(writing, recogniser).reading
    if not reading.is_sure:
        return None
    across, down = grey.shape[1] / width, grey.shape[0] / height
    return replace(reading, glyphs=[replace(glyph, box=glyph.box.scaled(across, down)) for glyph in reading.glyphs])


def _readings(ink: Ink, recogniser: Recogniser) -> Iterator[Reading]:
    """What is found in one look at a picture, the plainest first.

    As it stands; without printed lines; and then with what is in doubt taken apart, lest a line be cut into 1s.
    """
    found = _found(find_writing(ink), recogniser)
    yield found.reading
    if (cleared := without_rules(ink)) is not None:
        with suppress(NoInk):  # Where all of it was taken for lines, they may be strokes.
            without = _found(find_writing(cleared), recogniser)
            yield without.reading
            yield from _reread(without, recogniser)
    yield from _reread(found, recogniser)


@dataclass(frozen=True, slots=True)
class _Found:
    """The digits as they are found: their marks in lines, and how they read."""

    writing: Writing
    lines: Sequence[Sequence[Mark]]
    reading: Reading


def _found(writing: Writing, recogniser: Recogniser) -> _Found:
    lines = [digits_of(line) for line in writing.lines]
    glyphs = [writing.glyph(mark, number) for number, line in enumerate(lines) for mark in line]
    return _Found(writing, lines, replace(_read(glyphs, recogniser), stray=writing.stray))


def _as_it_is(grey: Grey) -> Glyph:
    """A picture of a grid's size, as if it were one: noise or strokes beside the digit may be all that is wrong."""
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return Glyph(Box(0, 0, SIDE, SIDE), 0, 255 - grey if np.median(edges) > 127 else grey)


def _read(glyphs: Sequence[Glyph], recogniser: Recogniser) -> Reading:
    predictions = recogniser.predict([glyph.grid for glyph in glyphs])
    return Reading(glyphs, predictions, math.prod(prediction.confidence for prediction in predictions))


def _reread(found: _Found, recogniser: Recogniser) -> Iterator[Reading]:
    """What is in doubt cut apart, joined with what stands beside it, or left out, as the model likes it best."""
    writing = replace(found.writing, labels=found.writing.labels.copy())
    lines = _pieces(writing, found)
    if sum(map(len, lines)) > MAX_PIECES_IN_ALL:
        return
    read: list[tuple[Glyph, Prediction]] = []
    confidence = 1.0
    tall = max(piece.box.height for pieces in lines for piece in pieces)
    for number, pieces in enumerate(lines):
        path = _best_path(writing, number, pieces, tall, recogniser)
        read += path.digits
        confidence *= path.confidence
    if read:
        glyphs, of_them = zip(*read, strict=True)
        yield Reading(glyphs, of_them, confidence, writing.stray)


def _pieces(writing: Writing, found: _Found) -> list[list[Mark]]:
    """What is sure, and what is in doubt cut apart: each line from left to right."""
    predictions = iter(found.reading.predictions)
    lines = []
    for marks, digits in zip(writing.lines, found.lines, strict=True):
        pieces: list[Mark] = []
        for digit in digits:
            if next(predictions).confidence >= SURE:
                pieces.append(digit)
            else:
                parts = [mark for mark in marks if set(mark.labels) <= set(digit.labels)]
                pieces += [piece for part in parts for piece in cut_apart(writing, part)]
        lines.append(sorted(pieces, key=lambda piece: piece.box.centre))
    return lines


@dataclass(frozen=True, slots=True)
class _Path:
    """The digits up to some piece of a line, how well it is liked, and the probability that it is right."""

    digits: tuple[tuple[Glyph, Prediction], ...] = ()
    score: float = 1.0
    confidence: float = 1.0
    left_out: bool = False
    """Whether its last piece is."""

    def reading(self, glyph: Glyph, prediction: Prediction) -> "_Path":
        digit = prediction.confidence
        return _Path((*self.digits, (glyph, prediction)), self.score * digit, self.confidence * digit)

    def leaving_out(self, share: float) -> "_Path":
        """A piece of this share of the height of the writing; several in a row are one thing."""
        cost, doubt = (LEFT_OUT, BLOT) if share < SHORT else (LARGE_LEFT_OUT, STRANGE)
        return _Path(self.digits, self.score * cost, self.confidence * (1.0 if self.left_out else doubt), True)


def _best_path(writing: Writing, line: int, pieces: Sequence[Mark], tall: int, recogniser: Recogniser) -> _Path:
    """By dynamic programming over the pieces from left to right; each is part of a digit, or left out."""
    spans = {}
    for end in range(1, len(pieces) + 1):
        for start in range(end - 1, max(-1, end - 1 - MAX_PIECES), -1):
            mark = reduce(Mark.joined, pieces[start:end])
            if mark.box.width > WIDEST * tall:
                break
            if mark.box.height >= SHORT * tall:
                spans[start, end] = writing.glyph(mark, line)
    predictions = dict(zip(spans, recogniser.predict([glyph.grid for glyph in spans.values()]), strict=True))
    paths = [_Path()]
    for end, piece in enumerate(pieces, 1):
        read = (
            paths[start].reading(spans[start, end], predictions[start, end])
            for start in range(max(0, end - MAX_PIECES), end)
            if (start, end) in predictions
        )
        left_out = paths[-1].leaving_out(piece.box.height / tall)
        paths.append(max([left_out, *read], key=lambda path: path.score))
    return paths[-1]
