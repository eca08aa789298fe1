"""How far the models are to be trusted, as `digits.training.finder.calibration` finds it."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CALIBRATION = Path(__file__).with_name("calibration.json")
IMPOSSIBLE = 1e-6
"""Of probabilities, less is not told apart: about as near as a float32 comes to 1."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where the finder is believed, and what its word weighs beside those of the classifier and the verifier."""

    least: float
    """Probability from which something is taken for a digit."""
    sure: float
    """Probability from which a first look is enough."""
    overlap: float
    """Share of the smaller one's area that two digits have in common at most."""
    sign: float
    """Probability from which something is taken for a sign."""
    sign_bonus: float
    """Added to the log-odds of a sign where something is seen that may be a digit as well, such as a slash and a 1."""
    finder: float
    classifier: float
    """Weights of the logarithms of what both say of a digit's class."""
    odds: tuple[float, float]
    """Logistic regression of something being a digit: weights of what the finder and the verifier say, as log-odds."""
    of_class: tuple[float, ...]
    """What is added to these log-odds for each of the ten digits that it may be: a 1 is found less surely than an 8."""

    @property
    def least_logit(self) -> float:
        return log_odds(self.least)

    @property
    def sign_logit(self) -> float:
        return log_odds(self.sign)

    def joined(self, one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
        """Probabilities of the ten digits as the finder and the classifier give them -> those of both."""
        logs = [
            self.finder * math.log(max(by_finder, IMPOSSIBLE))
            + self.classifier * math.log(max(by_classifier, IMPOSSIBLE))
            for by_finder, by_classifier in zip(one, other, strict=True)
        ]
        weights = [math.exp(each - max(logs)) for each in logs]
        return tuple(weight / sum(weights) for weight in weights)

    def is_digit(self, found: float, verified: float, probabilities: Sequence[float]) -> float:
        """The probability that something is a digit, from those that the finder and the verifier give.

        And from the probabilities of the ten digits, if it is one.
        """
        of_finder, of_verifier = self.odds
        of_class = sum(weight * probability for weight, probability in zip(self.of_class, probabilities, strict=True))
        total = of_finder * log_odds(found) + of_verifier * log_odds(verified) + of_class
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def log_odds(probability: float) -> float:
    """Of a probability that is neither impossible nor certain."""
    kept = min(max(probability, IMPOSSIBLE), 1 - IMPOSSIBLE)
    return math.log(kept / (1 - kept))


def load_calibration() -> Calibration:
    values = json.loads(CALIBRATION.read_text())
    return Calibration(**values | {name: tuple(values[name]) for name in ("odds", "of_class")})


def save_calibration(calibration: Calibration) -> None:
    written = CALIBRATION.with_suffix(".written")
    written.write_text(json.dumps(asdict(calibration), indent=2) + "\n")
    written.replace(CALIBRATION)
