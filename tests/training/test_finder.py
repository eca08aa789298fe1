"""What the finder and the calibration learn from."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from digits.box import Box
from digits.inference.calibration import load_calibration, log_odds
from digits.inference.detections import SIGNS, STRIDE, UNIT, Candidate
from digits.inference.recogniser import Prediction
from digits.training.finder.calibration import PLAIN, Judged, class_weights, digit_odds
from digits.training.finder.scenes import FIRST_SIGN
from digits.training.scenes.writing import AMBIGUOUS

pytestmark = pytest.mark.slow  # Keras is imported.

BOX = (20.0, 30.0, 44.0, 66.0)


def target(*digits: tuple[float, ...]) -> npt.NDArray[np.float32]:
    from digits.training.finder.train import targets

    return targets((96, 128), np.array(digits, np.float32).reshape(-1, 5))


def test_a_target_tells_the_centre_the_digit_and_its_box() -> None:
    made = target((7, *BOX))
    assert made.shape == (24, 32, 12)
    row, column = 12, 8
    assert made[row, column, 0] == 1
    assert (made[..., 0] == 1).sum() == 1
    assert made[row, column, 2] == 7
    x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
    distances = UNIT * np.exp(made[row, column, 3:7])
    assert distances == pytest.approx([x - 20, y - 30, 44 - x, 66 - y])


def test_what_nobody_could_tell_is_hardly_judged() -> None:
    made = target((AMBIGUOUS, *BOX))
    assert made[..., 0].max() == pytest.approx(0.5)
    assert made[..., 1].max() == 0


def test_of_two_that_overlap_each_place_is_the_nearer_one_s() -> None:
    made = target((3, 20, 30, 44, 66), (5, 36, 30, 60, 66))
    assert made[12, 8, 2] == 3
    assert made[12, 12, 2] == 5
    assert (made[..., 0] == 1).sum() == 2


def test_an_empty_scene_has_no_centre() -> None:
    assert np.delete(target(), 2, axis=2).sum() == 0


def test_a_sign_has_a_centre_of_its_kind_alone() -> None:
    made = target((FIRST_SIGN + SIGNS.index(","), *BOX))
    assert made[12, 8, 7 + SIGNS.index(",")] == 1
    assert (made == 1).sum() == 1


def test_the_ink_of_four_pixels_is_wanted_at_each_place_of_the_segmenter() -> None:
    from digits.inference.segmenter import to_ink
    from digits.training.finder.segmenter import to_target

    inks = np.random.default_rng(0).integers(1, 255, (2, 48, 48)).astype(np.uint8)
    target = to_target(inks)
    assert target.shape == (2, 24, 24, 4)
    assert np.array_equal(to_ink(np.log(target[1] / (1 - target[1]))), inks[1])


def test_the_loss_falls_with_every_part_that_is_right() -> None:
    import tensorflow as tf

    from digits.training.finder.train import loss

    wanted = target((7, *BOX))[np.newaxis]
    none = np.zeros((1, 24, 32, 20), np.float32)
    found = none.copy()
    found[..., 0] = np.where(wanted[..., 0] > 0.9, 5, -5)
    classed = found.copy()
    classed[..., 1 + 7] = 5
    framed = classed.copy()
    framed[..., 11:15] = wanted[..., 3:7]
    no_signs = framed.copy()
    no_signs[..., 15:] = -9
    losses = [float(loss(wanted, given)) for given in (none, found, classed, framed, no_signs)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.3
    compiled = tf.function(loss, jit_compile=True)  # As Keras trains with it.
    assert float(compiled(wanted, no_signs)) == pytest.approx(losses[-1], rel=1e-4)


def judged(found: float, verified: float, digit: int, label: int | None, sure: float = 0.9) -> Judged:
    rest = (1 - sure) / 9
    said = tuple(sure if place == digit else rest for place in range(10))
    return Judged(Candidate(Box(0, 0, 9, 9), found, said), Prediction(verified, said), label)


def test_whoever_tells_digits_better_weighs_more() -> None:
    rng = np.random.default_rng(0)
    all_judged = []
    for _ in range(400):
        is_digit = rng.random() < 0.5
        found = float(np.clip(rng.normal(0.75 if is_digit else 0.25, 0.1), 0.01, 0.99))
        all_judged.append(judged(found, float(rng.uniform(0.1, 0.9)), 3, 3 if is_digit else None))
    (of_finder, of_verifier), _ = digit_odds(all_judged, PLAIN)
    assert of_finder > 1
    assert abs(of_verifier) < of_finder / 3


def test_a_digit_that_is_found_less_surely_is_believed_more() -> None:
    ones = [judged(found, 0.8, 1, 1) for found in (0.4, 0.5)] + [judged(found, 0.2, 1, None) for found in (0.1, 0.2)]
    eights = [judged(found, 0.8, 8, 8) for found in (0.7, 0.8)] + [judged(found, 0.2, 8, None) for found in (0.4, 0.5)]
    odds, of_class = digit_odds(50 * (ones + eights), PLAIN)
    found = replace(PLAIN, odds=odds, of_class=of_class)
    one, eight = ones[0].found.probabilities, eights[0].found.probabilities
    assert found.is_digit(0.45, 0.5, one) > 0.5 > found.is_digit(0.45, 0.5, eight)


def test_who_is_surer_than_right_is_believed_less() -> None:
    right = [judged(0.9, 0.9, 3, 3, sure=0.99) for _ in range(80)]
    wrong = [judged(0.9, 0.9, 3, 5, sure=0.99) for _ in range(20)]
    of_finder, of_classifier = class_weights(right + wrong)
    calibration = replace(PLAIN, finder=of_finder, classifier=of_classifier)
    said = right[0].found.probabilities
    assert calibration.joined(said, said)[3] == pytest.approx(0.8, abs=0.05)


def test_what_both_say_is_a_distribution_that_agreement_makes_surer() -> None:
    calibration = load_calibration()
    one = tuple(0.91 if digit == 4 else 0.01 for digit in range(10))
    other = tuple(0.91 if digit == 9 else 0.01 for digit in range(10))
    assert sum(calibration.joined(one, other)) == pytest.approx(1)
    assert calibration.joined(one, one)[4] > calibration.joined(one, other)[4]
    assert calibration.is_digit(0.99, 0.99, one) > calibration.is_digit(0.99, 0.01, one)
    assert calibration.is_digit(0.99, 0.99, one) > calibration.is_digit(0.01, 0.99, one)
    assert log_odds(0) < log_odds(0.5) == 0 < log_odds(1)
