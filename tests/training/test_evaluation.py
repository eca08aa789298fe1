import numpy as np
import pytest

from digits.training.classifier.evaluation import Probabilities, evaluate, reliability, worst_mistakes


def sure_of(digits: list[int], confidences: list[float]) -> Probabilities:
    """Probabilities with so much for each digit, and the rest shared by the others."""
    rows = np.repeat(((1 - np.array(confidences)) / 9)[:, np.newaxis], 10, axis=1)
    rows[np.arange(len(digits)), digits] = confidences
    return rows.astype(np.float32)


def test_figures_of_four_pictures_are_those_worked_out_by_hand() -> None:
    digits = np.array([7, 7, 1, 0], np.uint8)
    evaluation = evaluate(sure_of([7, 1, 1, 0], [0.9, 0.9, 0.9, 0.7]), digits)
    assert evaluation.accuracy == 0.75
    assert evaluation.errors == 1
    assert evaluation.per_class[:2] == [1, 1]
    assert evaluation.per_class[7] == 0.5
    assert evaluation.confusion[7][1] == evaluation.confusion[7][7] == 1
    assert evaluation.loss == pytest.approx(-np.log([0.9, 0.1 / 9, 0.9, 0.7]).mean(), abs=1e-6)
    # Three are 90 % sure and two of them right; one is 70 % sure and right.
    assert evaluation.calibration_error == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * (1 - 0.7), abs=1e-6)


def test_who_is_right_as_often_as_sure_is_calibrated() -> None:
    digits = np.array([3] * 8 + [4] * 2, np.uint8)
    assert evaluate(sure_of([3] * 10, [0.8] * 10), digits).calibration_error == pytest.approx(0, abs=1e-6)


def test_bins_without_pictures_are_left_out() -> None:
    digits = np.array([1, 2], np.uint8)
    bins = reliability(sure_of([1, 2], [0.35, 1.0]), digits)
    assert [share for _, _, share in bins] == [0.5, 0.5]
    assert [confidence for confidence, _, _ in bins] == pytest.approx([0.35, 1.0])


def test_the_surest_mistakes_come_first() -> None:
    digits = np.array([0, 1, 2, 3], np.uint8)
    probabilities = sure_of([5, 1, 5, 5], [0.6, 0.9, 0.99, 0.8])
    assert worst_mistakes(probabilities, digits, most=10) == [2, 3, 0]
    assert worst_mistakes(probabilities, digits, most=1) == [2]
