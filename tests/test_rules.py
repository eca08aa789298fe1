import cv2
import numpy as np
import pytest

from digits.errors import NoInk
from digits.glyphs import find_writing
from digits.reading import read_digits
from digits.rules import without_rules
from tests.drawing import Array, draw, on_paper
from tests.fakes import TemplateRecogniser

INK = draw("358", margin=100)


def ruled(ink: Array, thick: int = 2, step: int = 70) -> Array:
    """With level lines over the whole width."""
    ink = ink.copy()
    for y in range(30, len(ink), step):
        ink[y : y + thick] = 255
    return ink


def squared(ink: Array) -> Array:
    return np.ascontiguousarray(ruled(np.ascontiguousarray(ruled(ink).T)).T)


def kept(cleared: Array | None, ink: Array) -> float:
    """The share of the ink's pixels that are still there."""
    assert cleared is not None
    return np.count_nonzero((cleared > 127) & (ink > 127)) / np.count_nonzero(ink > 127)


@pytest.mark.parametrize("paper", [ruled, squared])
def test_printed_lines_are_removed_and_strokes_that_cross_them_kept(paper: object) -> None:
    cleared = without_rules(paper(INK))  # type: ignore[operator]
    assert kept(cleared, INK) > 0.95
    assert cleared is not None
    assert not cleared[:, :90].any()
    assert not cleared[:, -90:].any()
    assert [len(line) for line in find_writing(cleared).lines] == [3]


def test_broad_rules_are_removed_too() -> None:
    cleared = without_rules(ruled(INK, thick=6))
    assert kept(cleared, INK) > 0.8
    assert cleared is not None
    assert not cleared[:, :90].any()


@pytest.mark.parametrize(("paper", "number"), [(ruled, "358"), (squared, "358")])
def test_digits_on_printed_lines_are_read(recogniser: TemplateRecogniser, paper: object, number: str) -> None:
    reading = read_digits(on_paper(paper(INK)), recogniser)  # type: ignore[operator]
    assert "".join(str(prediction.digit) for prediction in reading.predictions) == number
    assert reading.confidence > 0.5


def test_a_frame_that_touches_the_digit_is_removed() -> None:
    ink = draw("5", margin=20, pen=14)
    height, width = ink.shape
    framed = cv2.rectangle(ink.copy(), (20, 8), (width - 5, height - 20), 255, 4)
    assert cv2.connectedComponents(framed)[0] == 2
    assert kept(without_rules(framed), ink) > 0.9
    assert np.count_nonzero(without_rules(framed)) < 1.1 * np.count_nonzero(ink)


@pytest.mark.parametrize("ink", [INK, draw("4"), np.zeros((50, 70), np.uint8)], ids=["358", "4", "blank"])
def test_a_picture_without_rules_is_left_alone(ink: Array) -> None:
    assert without_rules(ink) is None


@pytest.mark.parametrize("size", [(100, 200), (140, 200), (200, 200)])
def test_a_blot_over_the_whole_width_is_no_rule(size: tuple[int, int]) -> None:
    # Opening with sides of an even number of pixels once moved the blot by one, and left its edge as a rule.
    ink = np.zeros(size, np.uint8)
    ink[40:70] = 255
    assert without_rules(ink) is None


def test_a_1_that_is_taken_for_a_rule_is_still_read(recogniser: TemplateRecogniser) -> None:
    ink = draw("1")
    assert kept(without_rules(ink), ink) < 0.6
    (prediction,) = read_digits(on_paper(ink), recogniser).predictions
    assert prediction.digit == 1
    assert prediction.confidence > 0.9


def test_a_bar_that_is_all_rule_is_still_found(recogniser: TemplateRecogniser) -> None:
    ink = np.zeros((240, 300), np.uint8)
    ink[40:200, 145:155] = 255
    cleared = without_rules(ink)
    assert cleared is not None
    with pytest.raises(NoInk):
        find_writing(cleared)
    box = read_digits(on_paper(ink), recogniser).glyphs[0].box
    assert (box.x, box.width) == (145, 10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 800), (800, 2)])
def test_full_ink_of_any_shape_can_be_searched(shape: tuple[int, int]) -> None:
    cleared = without_rules(np.full(shape, 255, np.uint8))
    assert cleared is None or cleared.shape == shape
