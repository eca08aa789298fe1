"""The figures of reading: how often right, how honest about it, how fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.labelled import LabelledPicture
from bench.readers import Reading
from digits.training.classifier.evaluation import reliability


@dataclass(frozen=True, slots=True)
class Answer:
    """One reader's reading of one picture."""

    picture: LabelledPicture
    reading: Reading
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the reading is the label; for a picture without a number, whether it was declined."""
        if not self.picture.label:
            return not self.reading.recognised
        return self.reading.number == self.picture.label


@dataclass(frozen=True, slots=True)
class Scores:
    """Of some pictures, all with a number in them or all without. Shares are of 1; what does not apply is None."""

    pictures: int
    declined: float
    """Share of pictures not recognised, found empty, or refused."""
    median_ms: float
    slow_ms: float
    """95 of 100 pictures took less."""
    exact: float | None = None
    """Share of pictures whose whole number was read right, recognised or not."""
    digit_errors: float | None = None
    """Characters to put in, take out or change, for each that is written. Above 1 where much is read into little."""
    sure_and_wrong: float | None = None
    """Share of pictures that were called recognised, and read wrong."""
    auroc: float | None = None
    """How likely a picture with a number gets more confidence than one without."""
    calibration_error: float | None = None
    """Expected difference between confidence and being right."""


def scores(answers: Sequence[Answer], without_number: Sequence[float]) -> Scores:
    """At least one answer, and the confidences in pictures without a number -> figures."""
    median, slow = np.percentile([1000 * answer.seconds for answer in answers], (50, 95))
    declined = _share([not answer.reading.recognised for answer in answers])
    if not answers[0].picture.label:
        return Scores(len(answers), declined, float(median), float(slow))
    right = [answer.right for answer in answers]
    confidences = [answer.reading.confidence for answer in answers]
    changes = sum(distance(answer.reading.number, answer.picture.label) for answer in answers)
    return Scores(
        len(answers),
        declined,
        float(median),
        float(slow),
        exact=_share(right),
        digit_errors=changes / sum(len(answer.picture.label) for answer in answers),
        sure_and_wrong=_share([answer.reading.recognised and not answer.right for answer in answers]),
        auroc=auroc(confidences, without_number),
        calibration_error=calibration_error(confidences, right),
    )


def distance(read: str, written: str) -> int:
    """Levenshtein's: the fewest characters to put in, take out or change that make the one the other."""
    row = list(range(len(written) + 1))
    for i, one in enumerate(read, 1):
        before, row = row, [i]
        for j, other in enumerate(written, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (one != other)))
    return row[-1]


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """Area under the ROC curve: how likely one of the first is above one of the second, ties counting half."""
    if not higher or not lower:
        return None
    ordered = np.sort(lower)
    beaten = np.searchsorted(ordered, higher, "left") + np.searchsorted(ordered, higher, "right")
    return float(beaten.mean() / (2 * len(lower)))


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error, over bins of equal width."""
    # As a model of one class, 0, which is the true one wherever the reading was right.
    bins = reliability(np.array(confidences, np.float32)[:, np.newaxis], 1 - np.array(right, np.uint8))
    return sum(abs(sure - true) * share for sure, true, share in bins)


def _share(of: Sequence[bool]) -> float:
    return sum(of) / len(of)
