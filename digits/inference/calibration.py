"""Thresholds and weights to combine the models' answers with, fitted by `digits.training.finder.calibration`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CALIBRATION = Path(__file__).with_name("calibration.json")
IMPOSSIBLE = 1e-6
"""Probabilities are kept this far from 0, and for odds from 1 too, so that their logarithms stay finite.

Near 1, a float32 is not much more exact than this.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of the finder, and its weights beside the classifier and the verifier."""

    candidate_threshold: float
    """Probability from which the finder gives something as a candidate for a digit."""
    overlap: float
    """Largest share of the smaller box that two candidates may have in common (non-maximum suppression)."""
    sign_threshold: float
    """Probability from which the finder gives something as a sign."""
    sign_bonus: float
    """Added to a sign's log-odds if a candidate for a digit is at its place, such as a 1 and a slash."""
    finder: float
    classifier: float
    """Weights of the finder's and the classifier's log-probabilities for each digit."""
    odds: tuple[float, float]
    """Weights of the finder's and the verifier's log-odds in a logistic regression: is something a digit?"""
    of_class: tuple[float, ...]
    """Weights of the ten digits' probabilities in the same regression: a 1 is found less surely than an 8."""

    @property
    def candidate_logit(self) -> float:
        """`candidate_threshold` as log-odds, as the network gives them."""
        return log_odds(self.candidate_threshold)

    @property
    def sign_logit(self) -> float:
        """`sign_threshold` as log-odds, as the network gives them."""
        return log_odds(self.sign_threshold)

    def joined(self, one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
        """Combine the finder's and the classifier's probabilities of the ten digits; the results sum to 1."""
        logs = [
            self.finder * math.log(max(by_finder, IMPOSSIBLE))
            + self.classifier * math.log(max(by_classifier, IMPOSSIBLE))
            for by_finder, by_classifier in zip(one, other, strict=True)
        ]
        highest = max(logs)
        weights = [math.exp(each - highest) for each in logs]
        total = sum(weights)
        return tuple(weight / total for weight in weights)

    def is_digit(self, found: float, verified: float, probabilities: Sequence[float]) -> float:
        """The probability that something is a digit, by logistic regression.

        Args:
            found: its probability by the finder.
            verified: its probability by the verifier.
            probabilities: those of the ten digits, if it is one.
        """
        of_finder, of_verifier = self.odds
        of_class = sum(weight * probability for weight, probability in zip(self.of_class, probabilities, strict=True))
        total = of_finder * log_odds(found) + of_verifier * log_odds(verified) + of_class
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def log_odds(probability: float) -> float:
    """The natural log-odds of a probability, which is limited to IMPOSSIBLE and 1 - IMPOSSIBLE."""
    kept = min(max(probability, IMPOSSIBLE), 1 - IMPOSSIBLE)
    return math.log(kept / (1 - kept))


def load_calibration() -> Calibration:
    """Read the calibration that belongs to the networks in this folder."""
    return calibration_of(CALIBRATION.read_bytes())


def calibration_of(content: bytes) -> Calibration:
    """Return the calibration that a file of this content holds."""
    values = json.loads(content)
    return Calibration(**values | {name: tuple(values[name]) for name in ("odds", "of_class")})


def save_calibration(calibration: Calibration) -> None:
    """Replace the calibration in this folder, so that no reader sees half a file."""
    written = CALIBRATION.with_suffix(".written")
    written.write_text(json.dumps(asdict(calibration), indent=2) + "\n")
    written.replace(CALIBRATION)
