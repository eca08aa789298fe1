"""Compiled models, loaded once: grids to predictions."""

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter as litert

from digits.compiled import CompiledModel, load_compiled
from digits.grids import SIDE, Grid, to_input

VERIFIER = Path(__file__).with_name("verifier.tflite")
"""The small model that tells how likely a grid holds a digit at all; `digits.training.verifier` makes it."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One digit as the models read it."""

    digit: int
    confidence: float
    """The probability that this is a digit, and this one."""
    probabilities: tuple[float, ...]
    """Of the ten digits, if it is one; they sum to 1."""


class Recogniser(Protocol):
    """What recognition needs of a model."""

    @property
    def model(self) -> str:
        """The name that answers carry."""

    @property
    def threshold(self) -> float:
        """Answers below this confidence are not called recognised."""

    def predict(self, grids: Sequence[Grid]) -> list[Prediction]:
        """One prediction for each uint8 (28, 28) grid."""


class LiteRTRecogniser:
    """A recogniser for many threads: each gets interpreters of its own, with one thread of its own."""

    def __init__(self, compiled: CompiledModel) -> None:
        self.model = compiled.description.name
        self.threshold = compiled.description.threshold
        self._flatbuffers = compiled.flatbuffer, VERIFIER.read_bytes()
        self._local = threading.local()

    def predict(self, grids: Sequence[Grid]) -> list[Prediction]:
        if not grids:
            return []
        classifier, verifier = self._interpreters()
        # One after the other: a batch gains nothing on a CPU, and costs a second shape.
        return [
            _prediction(classifier.run(picture), float(verifier.run(picture)[0]))
            for picture in to_input(np.stack(grids))
        ]

    def _interpreters(self) -> "tuple[Interpreter, ...]":
        if not hasattr(self._local, "interpreters"):
            self._local.interpreters = tuple(Interpreter(flatbuffer) for flatbuffer in self._flatbuffers)
        interpreters: tuple[Interpreter, ...] = self._local.interpreters
        return interpreters


class Interpreter:
    """LiteRT's interpreter, for one thread."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._litert = litert.Interpreter(model_content=flatbuffer, num_threads=1)
        self._litert.allocate_tensors()
        self._input = self._litert.get_input_details()[0]["index"]
        self._output = self._litert.get_output_details()[0]["index"]

    def run(self, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32 (28, 28, 1) in [0, 1] -> what the model gives, float32 (n,)."""
        self._litert.set_tensor(self._input, picture[np.newaxis])
        self._litert.invoke()
        given: npt.NDArray[np.float32] = self._litert.get_tensor(self._output)[0]
        return given


def _prediction(probabilities: npt.NDArray[np.float32], is_digit: float) -> Prediction:
    values = probabilities.tolist()
    digit = int(np.argmax(probabilities))
    return Prediction(digit, is_digit * values[digit], tuple(values))


if __name__ == "__main__":
    # Whether a model can be run here at all.
    LiteRTRecogniser(load_compiled(Path(sys.argv[1]))).predict([np.zeros((SIDE, SIDE), np.uint8)])
