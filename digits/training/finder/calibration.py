"""Fit the thresholds and weights of finder, classifier and verifier, on scenes by writers held out from training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from digits.grids import to_grid
from digits.inference.calibration import IMPOSSIBLE, Calibration, log_odds
from digits.inference.detections import Candidate, Sign, is_amid
from digits.inference.finder import Finder, load_finder
from digits.inference.model_file import CLASSES
from digits.inference.recogniser import Prediction, Recogniser
from digits.training.augmentation.serving import FOUND
from digits.training.finder.crops import is_digit, sights
from digits.training.scenes.scene import Edges
from digits.training.scenes.writing import Writers
from digits.vision.reading_order import beside

SCENES = 3000
"""Default; some thresholds are found on a fifth of it."""
LEAST = 0.02
"""The finder's probability from which candidates are considered here."""
CANDIDATES = 0.995
"""Share of the digits found with LEAST that the final threshold keeps."""
OVERLAPS = (0.4, 0.5, 0.6, 0.7, 0.8)
"""Values of Calibration.overlap that are tried."""
SIGNS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Values of Calibration.sign_threshold that are tried."""
NEVER = 60.0
"""A difference of log-odds that nothing reaches: as a bonus it makes every sign win, or negative, lose."""
PRECISE = 0.9
"""Share of the signs that must be right: an answer's `text` only gives those that are sure."""


PLAIN = Calibration(
    candidate_threshold=LEAST,
    overlap=0.6,
    sign_threshold=0.5,
    sign_bonus=0.0,
    finder=0.5,
    classifier=0.5,
    odds=(0.5, 0.5),
    of_class=(0.0,) * CLASSES,
)
"""Values to start from."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate: what the models say of it, and what it really is."""

    found: Candidate
    read: Prediction
    """By the classifier and the verifier alone."""
    label: int | None
    """The true digit, or None if it is none."""


def calibrated(recogniser: Recogniser, writers: Writers, scenes: int, seed: int) -> Calibration:
    """Return the calibration that fits random scenes by these writers best."""
    overlap = best_overlap(recogniser, writers, scenes // 5, [seed, 0])
    sign = best_sign(writers, scenes // 5, [seed, 1])
    judged = list(judge(load_finder(replace(PLAIN, overlap=overlap)), recogniser, writers, scenes, [seed, 2]))
    digits = [each for each in judged if each.label is not None]
    of_finder, of_classifier = class_weights(digits)
    weighed = replace(PLAIN, finder=of_finder, classifier=of_classifier)
    odds, of_class = digit_odds(judged, weighed)
    sureness = np.array([each.found.is_digit for each in digits])
    return replace(
        weighed,
        candidate_threshold=round(float(np.quantile(sureness, 1 - CANDIDATES)), 3),
        overlap=overlap,
        sign_threshold=sign,
        sign_bonus=best_sign_bonus(writers, scenes, [seed, 3]),
        odds=odds,
        of_class=of_class,
    )


def judge(finder: Finder, recogniser: Recogniser, writers: Writers, scenes: int, seed: list[int]) -> Iterator[Judged]:
    """Yield the candidates of this many scenes, except those of which it is unclear whether they are a digit."""
    for scene, sight in sights(finder, writers, scenes, seed):
        found = recogniser.cut(scene.picture, sight.digits)
        read = recogniser.predict([to_grid(each.ink) for each in found])
        for each, prediction in zip(found, read, strict=True):
            if (digit := is_digit(scene, each.box)) is not None:
                yield Judged(each.candidate, prediction, digit.label if digit else None)


def digit_odds(judged: list[Judged], weighed: Calibration) -> tuple[tuple[float, float], tuple[float, ...]]:
    """Fit a logistic regression of being a digit, and return `odds` and `of_class` of Calibration.

    Its inputs are the log-odds of the finder and of the verifier, and the ten probabilities that `weighed` joins.
    """
    from sklearn.linear_model import LogisticRegression

    said = [
        (
            log_odds(each.found.is_digit),
            log_odds(each.read.is_digit),
            *weighed.joined(each.found.probabilities, each.read.probabilities),
        )
        for each in judged
    ]
    fitted = LogisticRegression(fit_intercept=False, max_iter=1000).fit(
        said, [each.label is not None for each in judged]
    )
    of_finder, of_verifier, *of_class = (round(float(weight), 3) for weight in fitted.coef_[0])
    return (of_finder, of_verifier), tuple(of_class)


def class_weights(digits: list[Judged]) -> tuple[float, float]:
    """Return the weights of finder and classifier with which the true digits have the highest likelihood."""
    from scipy.optimize import minimize

    labels = np.array([each.label for each in digits])
    logs = [
        np.log(np.maximum(said, IMPOSSIBLE))
        for said in ([each.found.probabilities for each in digits], [each.read.probabilities for each in digits])
    ]

    def loss(weights: npt.NDArray[np.float64]) -> float:
        joined = weights[0] * logs[0] + weights[1] * logs[1]
        joined -= joined.max(axis=1, keepdims=True)
        return float((np.log(np.exp(joined).sum(axis=1)) - joined[np.arange(len(labels)), labels]).mean())

    best = minimize(loss, np.array([0.5, 0.5]), method="Nelder-Mead").x
    return round(float(best[0]), 3), round(float(best[1]), 3)


def best_overlap(recogniser: Recogniser, writers: Writers, scenes: int, seed: list[int]) -> float:
    """Return the one of OVERLAPS with the best F1 score: each digit cut out once, and nothing else."""
    scores = []
    for overlap in OVERLAPS:
        right = wrong = missed = 0
        for scene, sight in sights(
            load_finder(replace(PLAIN, overlap=overlap, candidate_threshold=FOUND)), writers, scenes, seed
        ):
            of = [is_digit(scene, each.box) for each in recogniser.cut(scene.picture, sight.digits)]
            met = {id(digit) for digit in of if digit}
            right += len(met)
            wrong += sum(digit is False for digit in of) + sum(bool(digit) for digit in of) - len(met)
            missed += sum(digit.label >= 0 for digit in scene.digits) - len(met)
        scores.append(2 * right / (2 * right + wrong + missed))
    return OVERLAPS[int(np.argmax(scores))]


def best_sign(writers: Writers, scenes: int, seed: list[int]) -> float:
    """Return the lowest of SIGNS from which at least PRECISE of the signs beside digits are right, else the highest."""
    told: list[tuple[float, bool]] = []
    for scene, sight in sights(
        load_finder(replace(PLAIN, sign_threshold=SIGNS[0], candidate_threshold=FOUND)), writers, scenes, seed
    ):
        boxes = [each.box for each in sight.digits]
        told += [
            (seen.is_sign, any(_is_at(seen, each, 2 / sight.scale) for each in scene.signs))
            for seen in sight.signs
            if beside(boxes, seen.x, seen.y) is not None
        ]
    for sign in SIGNS:
        right = [is_right for is_sign, is_right in told if is_sign >= sign]
        if right and sum(right) >= PRECISE * len(right):
            return sign
    return SIGNS[-1]


def best_sign_bonus(writers: Writers, scenes: int, seed: list[int]) -> float:
    """Return the bonus with which most of what may be a digit or a sign is told right; 0 if there is no such place."""
    plain = replace(PLAIN, sign_threshold=SIGNS[0], candidate_threshold=FOUND)
    as_digits, as_signs = (
        sights(load_finder(replace(plain, sign_bonus=bonus)), writers, scenes, seed) for bonus in (-NEVER, NEVER)
    )
    differences: list[float] = []
    are_signs: list[bool] = []
    for (scene, with_digits), (_, with_signs) in zip(as_digits, as_signs, strict=True):
        for digit, sign in product(with_digits.digits, with_signs.signs):
            if is_amid(sign, digit.box):
                is_sign = any(_is_at(sign, each, 2 / with_signs.scale) for each in scene.signs)
                if is_sign != bool(is_digit(scene, digit.box)):
                    differences.append(log_odds(digit.is_digit) - log_odds(sign.is_sign))
                    are_signs.append(is_sign)
    if not are_signs:
        return 0.0
    bonuses = np.linspace(-2, 2, 41)
    taken_for_signs = np.array(differences) < bonuses[:, np.newaxis]
    right = np.count_nonzero(taken_for_signs == are_signs, axis=1)
    return round(float(np.median(bonuses[right == right.max()])), 3)


def _is_at(seen: Sign, written: tuple[str, Edges], off: float) -> bool:
    """Whether a sign that was seen is this one: the same character, its middle at most `off` pixels outside the box."""
    character, (left, top, right, bottom) = written
    near = left - off <= seen.x <= right + off and top - off <= seen.y <= bottom + off
    return near and seen.character == character
