"""From a picture to the number in it: find the digits, cut them out, classify them, put them in reading order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import cv2
import numpy as np

from digits.box import Box
from digits.errors import NoInk
from digits.grids import SIDE, Grey, Grid, is_grid, to_grid
from digits.inference.detections import Candidate, Sight, Sign
from digits.inference.recogniser import Prediction, Recogniser
from digits.stepwise import Stepwise, finished
from digits.timings import Timings
from digits.vision.reading_order import ReadingOrderConfig, beside, in_lines

NO_DIGIT = (
    "There is nothing written in this picture that looks like a digit. "
    "Write one with a darker or broader pen, clear of the edges."
)


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """How a picture is read. `python -m bench.choices` compares values with others."""

    as_it_is: float = 0.9
    """Confidence from which a 28x28 picture is read as one grid, without a look for digits in it."""
    is_digit: float = 0.3
    """Probability from which a candidate is read as a digit, the best of 0.2 to 0.7: the finder misses more digits than
    it makes up, and a doubtful one lowers the confidence of the whole number."""
    quick_digits: int = 12
    """Digits that are read in the event loop at most: about 3 ms on a recent processor."""
    order: ReadingOrderConfig = ReadingOrderConfig()


@dataclass(frozen=True, slots=True)
class Glyph:
    """One digit: its box in the grey picture, its line of writing from 0, and its grid."""

    box: Box
    line: int
    grid: Grid
    turns: int = 0
    """Quarter turns to the left after which the picture stands as the grid does."""
    candidate: Candidate | None = None
    """What the finder says of it; None if the whole picture is the grid."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The digits of a picture in reading order, and the probability that all are right and none is missing."""

    glyphs: Sequence[Glyph]
    predictions: Sequence[Prediction]
    confidence: float
    text: str
    """The number with the signs between its digits or before them."""

    @property
    def number(self) -> str:
        """All digits in reading order, with a line feed between lines."""
        lines: dict[int, str] = {}
        for glyph, prediction in zip(self.glyphs, self.predictions, strict=True):
            lines[glyph.line] = lines.get(glyph.line, "") + str(prediction.digit)
        return "\n".join(lines.values())


def read_digits(grey: Grey, recogniser: Recogniser, config: PipelineConfig = PipelineConfig()) -> Reading:
    """The likeliest reading of a picture, uint8 (h, w); it has at least one digit.

    Raises:
        NoInk: nothing in the picture looks like a digit.
    """
    return finished(reading(grey, recogniser, Timings(), config))


def reading(
    grey: Grey, recogniser: Recogniser, timings: Timings, config: PipelineConfig = PipelineConfig()
) -> Stepwise[Reading]:
    """What read_digits does, step by step: many digits, or a picture that may lie on its side, take long.

    The stages are `find`, and `infer`: cutting out, classifying and putting in order.

    Raises:
        NoInk: nothing in the picture looks like a digit.
    """
    if (grid := as_grid(grey)) is not None:
        return _as_one(grid, recogniser, timings)
    is_grid_sized = grey.shape == (SIDE, SIDE) and bool(np.ptp(grey))
    if is_grid_sized and (as_it_is := _as_one(_as_it_is(grey), recogniser, timings)).confidence >= config.as_it_is:
        return as_it_is
    sight = yield from timings.steps("find", recogniser.finding(grey))
    if len(sight.digits) > config.quick_digits:
        yield None
    with timings.measure("infer"):
        read = _read(grey, sight, recogniser, config)
    if is_grid_sized:
        return max(as_it_is, read or as_it_is, key=lambda each: each.confidence)
    if read and read.confidence >= recogniser.threshold:
        return read
    yield None
    if read := (yield from _turned(grey, recogniser, timings, config)) or read:
        return read
    raise NoInk(NO_DIGIT)


def read_again(glyphs: Sequence[Glyph], recogniser: Recogniser) -> Reading:
    """What another recogniser reads in digits that were found before. The finder's vote counts as it did then.

    Its confidence is about these digits alone: what was left out as no digit does not lower it.
    """
    candidates = [glyph.candidate for glyph in glyphs if glyph.candidate]
    predictions = recogniser.predict([glyph.grid for glyph in glyphs], candidates)
    confidence = math.prod(prediction.confidence for prediction in predictions)
    return Reading(glyphs, predictions, confidence, _text(glyphs, predictions, ()))


def as_grid(grey: Grey) -> Glyph | None:
    """The grid that a picture already is, if it was made as MNIST's were, in black on white or white on black."""
    for picture in (grey, 255 - grey):
        if is_grid(picture):
            return Glyph(Box(*cv2.boundingRect(picture)), 0, picture)
    return None


def _as_it_is(grey: Grey) -> Glyph:
    """A picture of 28x28 pixels taken for a grid: noise, or strokes beside the digit, may be all that is wrong."""
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return Glyph(Box(0, 0, SIDE, SIDE), 0, 255 - grey if np.median(edges) > 127 else grey)


def _as_one(glyph: Glyph, recogniser: Recogniser, timings: Timings) -> Reading:
    with timings.measure("infer"):
        (prediction,) = recogniser.predict([glyph.grid])
    return Reading([glyph], [prediction], prediction.confidence, str(prediction.digit))


def _turned(grey: Grey, recogniser: Recogniser, timings: Timings, config: PipelineConfig) -> Stepwise[Reading | None]:
    """The reading of a picture that lies on its side or upside down. A single digit cannot tell."""
    with timings.measure("find"):
        turns = recogniser.turns(grey)
    if not turns:
        return None
    upright = np.ascontiguousarray(np.rot90(grey, turns))
    sight = yield from timings.steps("find", recogniser.finding(upright))
    with timings.measure("infer"):
        read = _read(upright, sight, recogniser, config)
    if not read or len(read.glyphs) == 1 or read.confidence < recogniser.threshold:
        return None
    widths = [grey.shape[1 - turn % 2] for turn in reversed(range(turns))]
    glyphs = [replace(each, box=reduce(_turned_back, widths, each.box), turns=turns) for each in read.glyphs]
    return replace(read, glyphs=glyphs)


def _turned_back(box: Box, width: int) -> Box:
    """A box of a picture that was turned to the left, in the picture before; `width` is that of the picture before."""
    return Box(width - box.bottom, box.x, box.height, box.width)


def _read(grey: Grey, sight: Sight, recogniser: Recogniser, config: PipelineConfig) -> Reading | None:
    """The likeliest reading of what the finder sees; None if that has no ink."""
    found = recogniser.cut(grey, sight.digits)
    grids = [to_grid(each.ink) for each in found]
    predictions = recogniser.predict(grids, [each.candidate for each in found])
    kept = [place for place, prediction in enumerate(predictions) if prediction.is_digit >= config.is_digit]
    if not kept and predictions:  # The best guess still stands.
        kept = [max(range(len(predictions)), key=lambda place: predictions[place].is_digit)]
    if not kept:
        return None
    left_out = set(range(len(predictions))).difference(kept)
    boxes = [found[place].box for place in kept]
    lines = in_lines(boxes, config.order)
    ordered = [predictions[kept[of]] for places in lines for of in places]
    glyphs = [
        Glyph(boxes[of], line, grids[kept[of]], candidate=found[kept[of]].candidate)
        for line, places in enumerate(lines)
        for of in places
    ]
    confidence = math.prod(prediction.confidence for prediction in ordered)
    none_left_out = math.prod(1 - predictions[place].is_digit for place in left_out)
    return Reading(glyphs, ordered, confidence * none_left_out, _text(glyphs, ordered, sight.signs))


def _text(glyphs: Sequence[Glyph], predictions: Sequence[Prediction], signs: Sequence[Sign]) -> str:
    """Digits and signs, line by line, from left to right."""
    lines: dict[int, list[tuple[float, str]]] = {}
    for glyph, prediction in zip(glyphs, predictions, strict=True):
        lines.setdefault(glyph.line, []).append((glyph.box.centre_x, str(prediction.digit)))
    boxes = [glyph.box for glyph in glyphs]
    for sign in signs:
        if (place := beside(boxes, sign.x, sign.y)) is not None:
            lines[glyphs[place].line].append((sign.x, sign.character))
    return "\n".join("".join(character for _, character in sorted(line)) for line in lines.values())
