from collections.abc import Sequence
from functools import reduce

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digits.box import Box
from digits.glyphs import Mark, Writing, find_writing
from digits.touching import MAX_WIDTH, cut_apart, cuts
from tests.drawing import Array, draw
from tests.fakes import TemplateRecogniser


def one_mark(ink: Array) -> tuple[Writing, Mark]:
    writing = find_writing(ink)
    ((mark,),) = writing.lines
    return writing, mark


def whole(pieces: Sequence[Mark]) -> Mark:
    return reduce(Mark.joined, pieces)


@pytest.mark.parametrize(("number", "gap"), [("05", -60), ("68", -70), ("90", -60), ("234", -60)])
def test_the_right_pieces_joined_give_back_each_digit(recogniser: TemplateRecogniser, number: str, gap: int) -> None:
    writing, mark = one_mark(draw(number, gap=gap))
    pieces = cut_apart(writing, mark)
    end = 0
    for digit in number:
        # Each digit starts at the piece that the one before it ended at.
        spans = range(end + 1, len(pieces) + 1)
        grids = [writing.glyph(whole(pieces[end:stop]), 0).grid for stop in spans]
        of_digit = {
            stop: prediction.confidence
            for stop, prediction in zip(spans, recogniser.predict(grids), strict=True)
            if prediction.digit == int(digit)
        }
        end = max(of_digit, key=lambda stop: of_digit[stop])
        assert of_digit[end] > 0.8
    assert end == len(pieces)


@pytest.mark.parametrize("number", ["0", "5", "8", "05", "234"])
def test_all_pieces_joined_are_the_mark_again(number: str) -> None:
    ink = draw(number, gap=-60)
    writing, mark = one_mark(ink)
    box = mark.box
    pieces = cut_apart(writing, mark)
    assert len(pieces) > 1
    assert whole(pieces).box == box
    assert np.array_equal(writing.cut(whole(pieces)), ink[box.y : box.bottom, box.x : box.right])


def test_pieces_go_from_left_to_right_and_share_no_ink() -> None:
    writing, mark = one_mark(draw("234", gap=-60))
    solid = [np.count_nonzero(writing.labels == label) for label in mark.labels]
    pieces = cut_apart(writing, mark)
    lefts = [piece.box.x for piece in pieces]
    assert lefts == sorted(lefts)
    labels = [label for piece in pieces for label in piece.labels]
    assert len(set(labels)) == len(labels)
    assert [sum(np.count_nonzero(writing.labels == label) for label in labels)] == solid


def test_a_neighbour_that_reaches_into_a_mark_is_not_cut_with_it() -> None:
    ink = np.zeros((200, 200), np.uint8)
    cv2.ellipse(ink, (90, 100), (60, 60), 0, 30, 330, 255, 12)
    cv2.line(ink, (110, 100), (190, 100), 255, 12)
    writing = find_writing(ink)
    ((bow, bar),) = writing.lines
    assert bar.box.x < bow.box.right
    before = writing.cut(bar)
    assert len(cut_apart(writing, bow)) > 1
    assert np.array_equal(writing.cut(bar), before)


def test_cuts_pass_between_two_bars_and_not_along_them() -> None:
    ink = np.zeros((60, 100), np.uint8)
    ink[:, 10:20] = ink[:, 80:90] = 255
    ink[28:32, 10:90] = 255
    (way,) = [way for way in cuts(ink) if way.min() >= 20 and way.max() < 80]
    assert len(way) == len(ink)


def test_a_mark_of_one_pixel_is_left_whole() -> None:
    ink = np.zeros((9, 9), np.uint8)
    ink[4, 4] = 255
    writing, mark = one_mark(ink)
    assert cut_apart(writing, mark) == [mark]


def test_a_blot_has_no_way_through() -> None:
    assert cuts(np.full((200, 200), 255, np.uint8)) == []


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.sampled_from([0, 90, 255])),
    st.sampled_from([(1, 1), (1, 13), (13, 1)]),
)
def test_cuts_of_any_ink_lie_inside_and_from_left_to_right(ink: Array, times: tuple[int, int]) -> None:
    ink = np.kron(ink, np.ones(times, np.uint8))
    ways = cuts(ink)
    assert len(ways) <= 2 + MAX_WIDTH // 8
    for way in ways:
        assert way.shape == (len(ink),)
        assert 0 <= way.min() <= way.max() < ink.shape[1]
    middles = [int(way[len(ink) // 2]) for way in ways]
    assert middles == sorted(middles)


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_the_pieces_of_any_mark_have_all_its_ink(dots: np.ndarray) -> None:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dots.astype(np.uint8), ltype=cv2.CV_32S)
    if count == 1:
        return
    mark = Mark(Box(*stats[1, : cv2.CC_STAT_AREA].tolist()), (1,))
    writing = Writing(dots.astype(np.uint8) * 255, labels.copy(), [[mark]], 0.0)
    pieces = cut_apart(writing, mark)
    assert np.array_equal(np.isin(writing.labels, whole(pieces).labels), labels == 1)
    assert whole(pieces).box == mark.box
