import math

import pytest

from digits.box import Box
from digits.vision.reading_order import ReadingOrderConfig, beside, in_lines


def row(count: int, x: int, y: int, slope: float = 0.0, step: int = 40) -> list[Box]:
    """Digits of 20 x 30 pixels, one beside another."""
    return [Box(x + step * place, y + round(slope * step * place), 20, 30) for place in range(count)]


def test_nothing_has_no_lines() -> None:
    assert in_lines([]) == []


def test_a_line_is_read_from_left_to_right() -> None:
    assert in_lines(row(3, 0, 0)[::-1]) == [[2, 1, 0]]


def test_lines_are_read_from_top_to_bottom() -> None:
    assert in_lines(row(2, 0, 60) + row(3, 10, 0)) == [[2, 3, 4], [0, 1]]


@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_lines_may_rise_or_fall(degrees: int) -> None:
    slope = math.tan(math.radians(degrees))
    assert in_lines(row(8, 0, 300, slope)) == [list(range(8))]
    assert in_lines(row(6, 0, 300, slope) + row(6, 0, 360, slope)) == [list(range(6)), list(range(6, 12))]


def test_two_digits_of_a_number_may_stand_unevenly() -> None:
    assert in_lines([Box(0, 12, 20, 30), Box(30, 0, 20, 30)]) == [[0, 1]]


def test_a_config_decides_how_unevenly() -> None:
    uneven = [Box(0, 12, 20, 30), Box(30, 0, 20, 30)]
    assert in_lines(uneven, ReadingOrderConfig(steepest=20, same_line=0.3)) == [[1], [0]]
    assert in_lines(uneven, ReadingOrderConfig(steepest=20, same_line=0.5)) == [[0, 1]]


def test_digits_below_each_other_are_two_lines() -> None:
    assert in_lines([Box(5, 50, 20, 30), Box(0, 0, 20, 30)]) == [[1], [0]]


def test_a_flat_1_beside_tall_digits_stays_in_its_line() -> None:
    assert in_lines([Box(0, 0, 20, 30), Box(30, 8, 5, 14), Box(50, 0, 20, 30)]) == [[0, 1, 2]]


@pytest.mark.parametrize(("point", "place"), [((25, 15), 0), ((38, 28), 1), ((70, 15), 1), ((130, 15), None)])
def test_a_sign_stands_beside_the_digit_next_to_it(point: tuple[int, int], place: int | None) -> None:
    assert beside(row(2, 0, 0), *point) == place
