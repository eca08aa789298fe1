"""The models, loaded once: from a picture to candidates with their ink, and from grids to predictions."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from digits.box import Box
from digits.errors import ModelError
from digits.grids import SIDE, Grey, Grid, to_input
from digits.inference.calibration import CALIBRATION, Calibration, calibration_of
from digits.inference.detections import Candidate, Sight
from digits.inference.finder import FINDER, Finder, FinderConfig
from digits.inference.interpreter import Interpreters
from digits.inference.measured import MEASURED, Measured, measured_of
from digits.inference.model_file import CompiledModel, Training, load_compiled, shipped_file
from digits.inference.segmenter import SEGMENTER, Ink, Segmenter, SegmenterConfig
from digits.stepwise import Stepwise
from digits.subprocesses import complaint

VERIFIER = Path(__file__).with_name("verifier.tflite")
"""The network that tells how likely a grid holds a digit at all; `keras-mnist.py --finder verifier` trains it."""


@dataclass(frozen=True, slots=True)
class RecogniserConfig:
    """How digits are found and cut out. `python -m bench.choices` compares values with others."""

    finder: FinderConfig = FinderConfig()
    segmenter: SegmenterConfig = SegmenterConfig()
    same: float = 0.7
    """IoU above which the boxes of two inks are one digit, such as a 1 with and without its upstroke.

    In training, what is cut out counts as a digit of the scene from here on.
    """


@dataclass(frozen=True, slots=True)
class Prediction:
    """One grid as the models read it."""

    is_digit: float
    """The probability that this is a digit, whichever it is."""
    probabilities: tuple[float, ...]
    """Probabilities of the ten digits, if it is one; they sum to 1."""

    @property
    def digit(self) -> int:
        """The likeliest digit."""
        return self.probabilities.index(max(self.probabilities))

    @property
    def confidence(self) -> float:
        """The probability that this is a digit, and the likeliest one is right."""
        return self.is_digit * max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that was cut out: its box, its ink cut to that box, and what the finder says of it."""

    box: Box
    ink: Ink
    candidate: Candidate


class Recogniser(Protocol):
    """What recognition needs from the models."""

    @property
    def model(self) -> str:
        """The classifier's name in answers."""

    @property
    def networks(self) -> Mapping[str, str]:
        """What reads beside the classifier: by name, the first 8 of each file's SHA-256."""

    @property
    def training(self) -> Training | None:
        """How the classifier was trained, and how well it reads; None if that is not known."""

    @property
    def measured(self) -> Measured | None:
        """How well all networks together read; None if that is not known."""

    @property
    def threshold(self) -> float:
        """The confidence from which an answer is called recognised."""

    @property
    def calibration(self) -> Calibration:
        """The other thresholds, and the weights of the models."""

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        """Candidates for digits in a picture, uint8 (h, w), and the signs between them."""

    def turns(self, grey: Grey) -> int:
        """Quarter turns to the left after which the picture seems to stand upright; mostly 0."""

    def cut(self, grey: Grey, candidates: Sequence[Candidate]) -> list[Found]:
        """The candidates with their ink, without those that have none or are the same digit as a likelier one."""

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        """One prediction for each grid, uint8 (28, 28). If candidates are given, each weighs in on its grid."""


class LiteRTRecogniser:
    """The recogniser that serves. Many threads may use it."""

    def __init__(self, compiled: CompiledModel, config: RecogniserConfig = RecogniserConfig()) -> None:
        self.model = compiled.description.name
        self.training = compiled.description.training
        self.threshold = compiled.description.threshold
        content = {file: shipped_file(file) for file in (FINDER, SEGMENTER, VERIFIER, CALIBRATION)}
        self.networks = {file.stem: hashlib.sha256(data).hexdigest()[:8] for file, data in content.items()}
        self.measured = measured_of(shipped_file(MEASURED), self.model, self.networks)
        self.calibration = calibration_of(content[CALIBRATION])
        self._config = config
        self._finder = Finder(content[FINDER], self.calibration, config.finder)
        self._segmenter = Segmenter(content[SEGMENTER], config.segmenter)
        self._classifier, self._verifier = Interpreters(compiled.flatbuffer), Interpreters(content[VERIFIER])

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        """With as many looks as the finder needs."""
        return self._finder.finding(grey)

    def turns(self, grey: Grey) -> int:
        """After a glance at each other side, and a look where that sees several digits."""
        return self._finder.turns(grey)

    def cut(self, grey: Grey, candidates: Sequence[Candidate]) -> list[Found]:
        """Two inks are the same digit if their boxes overlap by more than RecogniserConfig.same."""
        found: list[Found] = []
        cut = self._segmenter.cut(grey, [candidate.box for candidate in candidates])
        for candidate, (box, ink) in zip(candidates, cut, strict=True):
            if ink.any() and not any(box.iou(other.box) > self._config.same for other in found):
                found.append(Found(box, ink, candidate))
        return found

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        """By classifier and verifier; together with the finder's candidates, if these are given."""
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
        """The prediction of finder, classifier and verifier together."""
        joined = self.calibration.joined(candidate.probabilities, probabilities)
        return Prediction(self.calibration.is_digit(candidate.is_digit, verified, joined), joined)


def load_tried(source: Path) -> CompiledModel:
    """Return the compiled form of a model, once it has been run.

    Raises:
        ModelError: the model cannot be compiled, or not be run.
    """
    model = load_compiled(source)
    # In a process of its own: a server forks workers, which threads of LiteRT would not survive.
    if said := complaint("digits.inference.recogniser", str(source.absolute())):
        raise ModelError(said)
    return model


if __name__ == "__main__":
    # Fails if this model cannot be run here.
    LiteRTRecogniser(load_compiled(Path(sys.argv[1]))).predict([np.zeros((SIDE, SIDE), np.uint8)])
