"""Ranked numbers, held against every number there is."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.recognition.alternatives import LEAST, MOST, Alternative, ranked

Place = tuple[float, ...]

WEIGHTS = st.lists(st.integers(0, 1000), min_size=10, max_size=10).filter(any)
PLACES = st.lists(WEIGHTS.map(lambda weights: tuple(each / sum(weights) for each in weights)), min_size=1, max_size=3)
MOSTS = st.integers(1, MOST)


def read(places: list[Place]) -> tuple[str, float]:
    """The likeliest number, with a line feed after its first digit, and its probability."""
    number = "".join(str(place.index(max(place))) for place in places)
    return f"{number[0]}\n{number[1:]}" if number[1:] else number, math.prod(map(max, places))


@given(places=PLACES, most=MOSTS)
def test_they_are_sorted_and_distinct_and_the_first_is_the_answer(places: list[Place], most: int) -> None:
    number, confidence = read(places)
    found = ranked(number, confidence, places, most)
    assert found[0] == (number, confidence)
    assert found == sorted(found, key=lambda each: -each.confidence)
    assert len({each.number for each in found}) == len(found) <= most
    assert sum(each.confidence for each in found) <= 1 + 1e-9
    assert all(each.number.count("\n") == number.count("\n") for each in found)


@given(places=PLACES, most=MOSTS)
def test_they_are_the_likeliest_of_all_numbers(places: list[Place], most: int) -> None:
    every = (
        math.prod(place[digit] for place, digit in zip(places, digits, strict=True))
        for digits in product(range(10), repeat=len(places))
    )
    likeliest = [each for each in sorted(every, reverse=True)[:most] if each >= LEAST * (1 + 1e-9)]
    found = [each.confidence for each in ranked(*read(places), places, most)]
    assert found[: len(likeliest)] == pytest.approx(likeliest)


def test_what_is_doubtful_as_a_whole_stays_doubtful() -> None:
    places = [(0.0, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0, 0.0)]
    first, second = ranked("1", 0.3, places)
    assert first == Alternative("1", 0.3)
    assert second.number == "7"
    assert second.confidence == pytest.approx(0.2)


def test_of_two_digits_that_are_as_likely_the_one_that_was_read_comes_first() -> None:
    places = [(0.5, 0.5, *[0.0] * 8)]
    assert [each.number for each in ranked("1", 0.5, places)] == ["1", "0"]
    assert [each.number for each in ranked("0", 0.5, places)] == ["0", "1"]
