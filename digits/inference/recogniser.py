"""The models, loaded once: picture to what may be digits, grids to predictions."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from digits.box import Box
from digits.grids import SIDE, Grey, Grid, to_input
from digits.inference.calibration import load_calibration
from digits.inference.finder import Candidate, Sight, load_finder
from digits.inference.interpreter import Interpreters
from digits.inference.model_file import CompiledModel, load_compiled
from digits.inference.segmenter import Ink, load_segmenter
from digits.stepwise import Stepwise

VERIFIER = Path(__file__).with_name("verifier.tflite")
"""The small model that tells how likely a grid holds a digit at all; `digits.training.verifier.train` makes it."""

SAME = 0.7
"""Likeness of the boxes of what was cut out for two candidates from which both are one digit, such as a 1 with and
without its upstroke. From there on `digits.training.finder.cuttings` takes what was cut out for a digit of its scene.
"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One digit as the models read it."""

    is_digit: float
    """The probability that this is a digit, whichever."""
    probabilities: tuple[float, ...]
    """Of the ten digits, if it is one; they sum to 1."""

    @property
    def digit(self) -> int:
        """The likeliest."""
        return self.probabilities.index(max(self.probabilities))

    @property
    def confidence(self) -> float:
        """The probability that this is a digit, and this one."""
        return self.is_digit * max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Found:
    """What may be a digit: where it is, its own ink, cut to its box, and what the finder says of it."""

    box: Box
    ink: Ink
    candidate: Candidate


class Recogniser(Protocol):
    """What recognition needs of the models."""

    @property
    def model(self) -> str:
        """The name that answers carry."""

    @property
    def threshold(self) -> float:
        """Answers below this confidence are not called recognised."""

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        """What may be digits in a picture, uint8 (h, w), and what stands between them."""

    def turns(self, grey: Grey) -> int:
        """Quarter turns to the left after which the picture seems to stand upright; mostly 0."""

    def cut(self, grey: Grey, candidates: Sequence[Candidate]) -> list[Found]:
        """What was found with its ink, without those that have none, or that are one digit with a likelier one."""

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        """One prediction for each uint8 (28, 28) grid, with what the finder says of each, where it was found."""


class LiteRTRecogniser:
    """A recogniser for many threads."""

    def __init__(self, compiled: CompiledModel) -> None:
        self.model = compiled.description.name
        self.threshold = compiled.description.threshold
        self._calibration = load_calibration()
        self._finder, self._segmenter = load_finder(self._calibration), load_segmenter()
        self._classifier, self._verifier = Interpreters(compiled.flatbuffer), Interpreters(VERIFIER.read_bytes())

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        return self._finder.finding(grey)

    def turns(self, grey: Grey) -> int:
        return self._finder.turns(grey)

    def cut(self, grey: Grey, candidates: Sequence[Candidate]) -> list[Found]:
        found: list[Found] = []
        cut = self._segmenter.cut(grey, [candidate.box for candidate in candidates])
        for candidate, (box, ink) in zip(candidates, cut, strict=True):
            if ink.any() and not any(box.likeness(other.box) > SAME for other in found):
                found.append(Found(box, ink, candidate))
        return found

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        if not grids:
            return []
        # One after the other: a batch gains nothing on a CPU, and costs a second shape.
        read = [
            (tuple(self._classifier.run(picture).tolist()), float(self._verifier.run(picture)[0]))
            for picture in to_input(np.stack(grids))
        ]
        if not candidates:
            return [Prediction(is_digit, probabilities) for probabilities, is_digit in read]
        return [
            self._calibrated(candidate, probabilities, verified)
            for candidate, (probabilities, verified) in zip(candidates, read, strict=True)
        ]

    def _calibrated(self, candidate: Candidate, probabilities: Sequence[float], verified: float) -> Prediction:
        """What the three models say together."""
        joined = self._calibration.joined(candidate.probabilities, probabilities)
        return Prediction(self._calibration.is_digit(candidate.is_digit, verified, joined), joined)


if __name__ == "__main__":
    # Whether a model can be run here at all.
    LiteRTRecogniser(load_compiled(Path(sys.argv[1]))).predict([np.zeros((SIDE, SIDE), np.uint8)])
