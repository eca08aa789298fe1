from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digits import reading
from digits.box import Box
from digits.errors import NoInk, TakesLong
from digits.glyphs import find_writing
from digits.grids import Grid
from digits.ink import Ink, find_ink
from digits.papers import LOOKS, Look
from digits.picture import Grey
from digits.reading import Reading, read_digits
from digits.recogniser import Prediction
from tests.drawing import Array, draw, on_paper, photograph
from tests.fakes import TemplateRecogniser

RECOGNISER = TemplateRecogniser()


def number(grey: Array) -> str:
    return "".join(str(prediction.digit) for prediction in read_digits(grey, RECOGNISER).predictions)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """Those taken so far."""
    taken: list[Look] = []

    def find_ink(grey: Grey, look: Look, find: object = reading.find_ink) -> Ink:
        taken.append(look)
        return find(grey, look)  # type: ignore[operator]

    monkeypatch.setattr(reading, "find_ink", find_ink)
    return taken


@pytest.mark.parametrize(("written", "gap"), [("05", -60), ("68", -70), ("90", -60), ("35", -70), ("234", -60)])
def test_touching_digits_are_read(written: str, gap: int) -> None:
    ink = draw(written, gap=gap)
    assert cv2.connectedComponents((ink > 127).astype(np.uint8))[0] == 2
    assert number(on_paper(ink)) == written


def test_digits_beside_touching_ones_are_read_with_them() -> None:
    ink = np.hstack([draw("4", margin=30), draw("68", gap=-70, margin=30), draw("2", margin=30)])
    assert number(on_paper(ink)) == "4682"


def test_a_digit_whose_halves_stand_apart_is_joined() -> None:
    ink = draw("8", pen=14)
    ink[:, 132:140] = 0
    assert len(find_writing(ink).lines[0]) > 1
    (glyph,) = read_digits(on_paper(ink), RECOGNISER).glyphs
    assert glyph.box.width > 100
    assert number(on_paper(ink)) == "8"


def punctuated() -> Array:
    return np.pad(draw("38"), ((0, 40), (0, 60)))


def test_a_full_stop_is_left_out(looks: list[Look]) -> None:
    ink = punctuated()
    height, width = ink.shape
    cv2.circle(ink, (width - 85, height - 102), 9, 255, cv2.FILLED)
    assert [glyph.box.height > 100 for glyph in read_digits(on_paper(ink), RECOGNISER).glyphs] == [True, True]
    assert number(on_paper(ink)) == "38"
    assert set(looks) == {LOOKS[0]}


def test_a_comma_is_left_out(looks: list[Look]) -> None:
    ink = punctuated()
    height, width = ink.shape
    cv2.line(ink, (width - 75, height - 96), (width - 87, height - 70), 255, 12, cv2.LINE_AA)
    assert [glyph.box.height > 100 for glyph in read_digits(on_paper(ink), RECOGNISER).glyphs] == [True, True]
    assert number(on_paper(ink)) == "38"
    assert set(looks) == {LOOKS[0]}


def test_an_underline_is_left_out() -> None:
    ink = punctuated()
    height, width = ink.shape
    cv2.line(ink, (50, height - 70), (width - 90, height - 60), 255, 10, cv2.LINE_AA)
    assert number(on_paper(ink)) == "38"


def test_a_picture_read_surely_is_looked_at_once(looks: list[Look]) -> None:
    assert number(photograph(draw("407"))) == "407"
    assert looks == [LOOKS[0]]


def test_large_digits_are_read_at_a_glance_where_they_stand(looks: list[Look]) -> None:
    large = photograph(draw("407", size=400, pen=30, margin=150, gap=60))
    found = read_digits(large, RECOGNISER)
    assert [prediction.digit for prediction in found.predictions] == [4, 0, 7]
    assert looks == [LOOKS[0]]
    shrunk = np.array([[box.x, box.y, box.right, box.bottom] for box in (glyph.box for glyph in found.glyphs)])
    exact = find_writing(find_ink(large)).lines[0]
    expected = np.array([[box.x, box.y, box.right, box.bottom] for box in (mark.box for mark in exact)])
    assert np.abs(shrunk - expected).max() <= 2 * large.shape[1] / 200


def test_small_digits_are_looked_at_closely(looks: list[Look]) -> None:
    page = np.full((800, 800), 255, np.uint8)
    small = on_paper(draw("407", size=60, pen=5, margin=10, gap=15))
    page[300 : 300 + small.shape[0], 200 : 200 + small.shape[1]] = small
    assert number(page) == "407"
    assert looks == [LOOKS[0]] * 2


def test_a_thin_digit_beside_a_bold_one_is_not_lost_at_a_glance(looks: list[Look]) -> None:
    page = np.zeros((500, 800), np.uint8)
    bold, thin = draw("7", size=300, pen=40, margin=30), draw("4", size=160, pen=3, margin=20)
    page[50 : 50 + bold.shape[0], 50 : 50 + bold.shape[1]] = bold
    page[200 : 200 + thin.shape[0], 500 : 500 + thin.shape[1]] = thin
    read_digits(on_paper(page), RECOGNISER)
    assert looks[:2] == [LOOKS[0]] * 2


@pytest.mark.parametrize("size", [60, 160, 400])
def test_a_quick_reading_is_the_same(size: int) -> None:
    grey = photograph(draw("407", size=size, pen=size // 13, margin=size // 3, gap=size // 5))
    quick, patient = read_digits(grey, RECOGNISER, quick=True), read_digits(grey, RECOGNISER)
    assert quick.predictions == patient.predictions
    assert [glyph.box for glyph in quick.glyphs] == [glyph.box for glyph in patient.glyphs]


def test_a_quick_reading_is_given_up_where_it_leaves_doubt(looks: list[Look]) -> None:
    ring = np.full((200, 200), 255, np.uint8)
    ring[40:160, 40:160] = 0
    for grey in (ring, np.full((200, 200), 255, np.uint8)):
        with pytest.raises(TakesLong):
            read_digits(grey, RECOGNISER, quick=True)
    assert looks == [LOOKS[0]] * 2


def test_touching_digits_read_surely_are_looked_at_once(looks: list[Look]) -> None:
    assert number(on_paper(draw("68", gap=-70))) == "68"
    assert set(looks) == {LOOKS[0]}


def test_what_is_all_taken_for_printed_lines_is_cut_apart_all_the_same(
    looks: list[Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    # That nothing was left once ended the look, before anything had been cut.
    monkeypatch.setattr(reading, "without_rules", np.zeros_like)
    assert number(on_paper(draw("68", gap=-70))) == "68"
    assert set(looks) == {LOOKS[0]}


def test_a_picture_that_leaves_doubt_is_looked_at_in_every_way(looks: list[Look]) -> None:
    ring = np.full((200, 200), 255, np.uint8)
    ring[40:160, 40:160] = 0
    assert read_digits(ring, RECOGNISER).confidence < 0.5
    assert list(dict.fromkeys(looks)) == list(LOOKS)


def test_two_looks_that_agree_are_enough(looks: list[Look]) -> None:
    class Doubtful(TemplateRecogniser):
        def predict(self, grids: Sequence[Grid]) -> list[Prediction]:
            return [replace(prediction, confidence=0.6) for prediction in super().predict(grids)]

    assert read_digits(photograph(draw("3")), Doubtful()).predictions[0].digit == 3
    assert list(dict.fromkeys(looks)) == list(LOOKS[:4])


def test_a_note_on_a_desk_is_read() -> None:
    note = on_paper(draw("37", size=120), paper=230, pen=30)
    height, width = note.shape
    desk = np.full((height + 160, width + 200), 70, np.uint8)
    desk[80 : 80 + height, 100 : 100 + width] = note
    found = read_digits(desk, RECOGNISER)
    assert [prediction.digit for prediction in found.predictions] == [3, 7]
    assert found.confidence > 0.9
    assert all(glyph.box.x > 100 and glyph.box.right < 100 + width for glyph in found.glyphs)


def test_a_look_that_sees_all_digits_is_preferred_to_one_that_sees_one_of_them_more_surely() -> None:
    clear = on_paper(draw("3", size=100, margin=30, pen=6))
    faint = on_paper(draw("5", size=100, margin=30, pen=10), paper=90, pen=30)
    assert number(np.hstack([clear, faint])) == "35"


@pytest.mark.parametrize("polarity", [lambda grey: grey, lambda grey: 255 - grey], ids=["on black", "on white"])
def test_a_picture_of_28x28_with_noise_is_read_as_it_is(looks: list[Look], polarity: object) -> None:
    small = cv2.resize(draw("5", size=160, pen=18, margin=32), (28, 28), interpolation=cv2.INTER_AREA)
    noisy = np.clip(small + np.random.default_rng(0).normal(0, 40, small.shape), 0, 255).astype(np.uint8)
    found = read_digits(polarity(noisy), RECOGNISER)  # type: ignore[operator]
    assert [glyph.box for glyph in found.glyphs] == [Box(0, 0, 28, 28)]
    assert found.predictions[0].digit == 5
    assert np.array_equal(found.glyphs[0].grid, noisy)
    assert looks == []


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [28, 29])
def test_a_blank_picture_has_no_ink(level: int, size: int) -> None:
    with pytest.raises(NoInk, match="nothing written"):
        read_digits(np.full((size, size), level, np.uint8), RECOGNISER)


def test_of_many_digits_a_sure_number_is_one_whose_digits_are_sure_on_average() -> None:
    assert Reading([None] * 20, [], 0.95**20).is_sure  # type: ignore[list-item]
    assert not Reading([None], [], 0.95**20).is_sure  # type: ignore[list-item]
    assert not Reading([None] * 20, [], 0.95**20, stray=0.5).is_sure  # type: ignore[list-item]


def test_a_doubtful_digit_speaks_against_a_reading_more_than_a_sure_one_for_it() -> None:
    def evidence(*confidences: float) -> float:
        return Reading([], [Prediction(0, each, ()) for each in confidences], 1.0).evidence

    assert evidence(0.99, 0.99) > evidence(0.99) > 0 > evidence(0.5)
    assert evidence(0.99, 0.99, 0.01) < 0
    assert evidence(0.0) < evidence(1.0)


class Certain(TemplateRecogniser):
    """Finds any ink at all to be the same digit, so that reading has but one way to go wrong: to leave it out."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence

    def predict(self, grids: Sequence[Grid]) -> list[Prediction]:
        return [Prediction(1, self._confidence, (0.0, 1.0, *[0.0] * 8)) for _ in grids]


@pytest.mark.parametrize("confidence", [0.0, 1e-30, 0.5, 1.0])
def test_whatever_the_model_says_every_line_of_many_marks_gives_a_reading(confidence: float) -> None:
    found = read_digits(on_paper(draw("3141592\n653589793\n0", size=40, pen=4)), Certain(confidence))
    assert 0 <= found.confidence <= 1
    assert len(found.glyphs) == len(found.predictions) > 0


@settings(max_examples=40, deadline=None)  # Seven looks at each.
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    st.sampled_from([(1, 1), (1, 9), (9, 1)]),
)
def test_any_picture_is_read_or_has_no_ink(grey: Array, times: tuple[int, int]) -> None:
    grey = np.kron(grey, np.ones(times, np.uint8))
    try:
        found = read_digits(grey, RECOGNISER)
    except NoInk:
        return
    height, width = grey.shape
    assert len(found.predictions) == len(found.glyphs) > 0
    assert 0 <= found.confidence <= 1
    assert 0 <= found.stray <= 1
    assert [glyph.line for glyph in found.glyphs] == sorted(glyph.line for glyph in found.glyphs)
    for glyph in found.glyphs:
        assert 0 <= glyph.box.x < glyph.box.right <= width
        assert 0 <= glyph.box.y < glyph.box.bottom <= height
        assert (glyph.grid.shape, glyph.grid.dtype) == ((28, 28), np.uint8)
