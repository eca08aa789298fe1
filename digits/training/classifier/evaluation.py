"""Measure a model: its accuracy, and whether its confidences are calibrated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.inference.model_file import CLASSES
from digits.inference.recogniser import Recogniser
from digits.training.data.datasets import Labelled

BINS = 15
"""Number of confidence bins for the calibration error."""

Probabilities = npt.NDArray[np.float32]
"""float32 (n, 10), each row with sum 1."""
Digits = npt.NDArray[np.uint8]
"""uint8 (n,)"""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one model on one set of digits. Shares are from 0 to 1."""

    accuracy: float
    errors: int
    loss: float
    """Mean cross-entropy, in nats."""
    calibration_error: float
    """Expected calibration error over BINS bins of equal width, Guo et al. 2017: how far confidence is off accuracy."""
    per_class: list[float]
    """For each digit, the share that is read right."""
    confusion: list[list[int]]
    """Rows are the true digits, columns those that were read."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Accuracies of several models, as shares from 0 to 1."""

    mean: float
    deviation: float
    values: list[float]

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the values with their mean and standard deviation."""
        return cls(float(np.mean(values)), float(np.std(values)), values)

    def __str__(self) -> str:
        return f"{self.mean:.2%} ± {self.deviation:.2%}"


def read_right(recogniser: Recogniser, of: Labelled) -> npt.NDArray[np.bool_]:
    """Return which digits are read right, bool (n,)."""
    read = [prediction.digit for prediction in recogniser.predict(list(of.grids))]
    return np.array(read) == of.digits


def evaluate(probabilities: Probabilities, digits: Digits) -> Evaluation:
    """Return the figures of a model that gave these probabilities for these true digits."""
    read = probabilities.argmax(axis=1)
    right = read == digits
    confusion = np.zeros((CLASSES, CLASSES), int)
    np.add.at(confusion, (digits, read), 1)
    given_to_truth = probabilities[np.arange(len(digits)), digits].astype(np.float64)
    return Evaluation(
        accuracy=float(right.mean()),
        errors=int((~right).sum()),
        loss=float(-np.log(np.maximum(given_to_truth, 1e-12)).mean()),
        calibration_error=sum(abs(sure - true) * share for sure, true, share in reliability(probabilities, digits)),
        per_class=(confusion.diagonal() / np.maximum(confusion.sum(axis=1), 1)).tolist(),
        confusion=confusion.tolist(),
    )


def reliability(probabilities: Probabilities, digits: Digits) -> list[tuple[float, float, float]]:
    """Return, for each bin that is not empty, its mean confidence, its accuracy, and its share of the pictures."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == digits
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (float(confidence[chosen].mean()), float(right[chosen].mean()), float(chosen.mean()))
        for chosen in (bins == number for number in np.unique(bins))
    ]


def worst_mistakes(probabilities: Probabilities, digits: Digits, most: int) -> list[int]:
    """Return the indices of pictures read wrong, first those whose true digit got the lowest probability."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != digits)
    order = probabilities[wrong, digits[wrong]].argsort(kind="stable")
    return wrong[order][:most].tolist()
