"""A compiled model, loaded once: grids to predictions."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter as litert

from digits.compiled import CompiledModel
from digits.grids import Grid, to_input


@dataclass(frozen=True, slots=True)
class Prediction:
    """One digit as the model reads it; ten probabilities that sum to 1."""

    digit: int
    confidence: float
    probabilities: tuple[float, ...]


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
    """A recogniser for many threads: each gets an interpreter of its own, with one thread of its own."""

    def __init__(self, compiled: CompiledModel) -> None:
        self.model = compiled.description.name
        self.threshold = compiled.description.threshold
        self._flatbuffer = compiled.flatbuffer
        self._local = threading.local()

    def predict(self, grids: Sequence[Grid]) -> list[Prediction]:
        # One after the other: a batch gains nothing on a CPU, and costs a second shape.
        return [_prediction(self._interpreter().run(picture)) for picture in to_input(np.stack(grids))]

    def _interpreter(self) -> "Interpreter":
        if not hasattr(self._local, "interpreter"):
            self._local.interpreter = Interpreter(self._flatbuffer)
        interpreter: Interpreter = self._local.interpreter
        return interpreter


class Interpreter:
    """LiteRT's interpreter, for one thread."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._litert = litert.Interpreter(model_content=flatbuffer, num_threads=1)
        self._litert.allocate_tensors()
        self._input = self._litert.get_input_details()[0]["index"]
        self._output = self._litert.get_output_details()[0]["index"]

    def run(self, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32 (28, 28, 1) in [0, 1] -> float32 (10,)."""
        self._litert.set_tensor(self._input, picture[np.newaxis])
        self._litert.invoke()
        probabilities: npt.NDArray[np.float32] = self._litert.get_tensor(self._output)[0]
        return probabilities


def _prediction(probabilities: npt.NDArray[np.float32]) -> Prediction:
    values = probabilities.tolist()
    digit = int(np.argmax(probabilities))
    return Prediction(digit, values[digit], tuple(values))
