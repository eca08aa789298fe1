"""The way from picture to number, with the finder and the segmenter that ship, and a classifier of templates."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digits.box import Box
from digits.errors import NoInk
from digits.grids import Grey, Grid, to_grid
from digits.inference.detections import Candidate, Sight, Sign
from digits.inference.interpreter import Floats, Interpreters
from digits.inference.model_file import CompiledModel, Description
from digits.inference.recogniser import LiteRTRecogniser, Prediction, RecogniserConfig
from digits.inference.segmenter import SEGMENTER, Ink, Segmenter
from digits.recognition.pipeline import PipelineConfig, Reading, read_digits, reading
from digits.timings import Timings
from digits.vision.reading_order import ReadingOrderConfig
from support.drawing import Array, draw, on_paper, photograph
from support.stepwise import at_once, takes_long
from tests.fakes import TemplateRecogniser

NO_CLASSIFIER = CompiledModel(b"", Description("none@00000000", "", "", 0.5, "int8"))


class Classifier(Interpreters):
    """Likeness to templates in place of a network."""

    def run(self, picture: Floats) -> Floats:
        (prediction,) = TEMPLATES.predict([np.rint(picture[..., 0] * 255).astype(np.uint8)])
        return np.array(prediction.probabilities, np.float32)


class Shipped(LiteRTRecogniser):
    """All but the classifier is what the server has."""

    def __init__(self) -> None:
        super().__init__(NO_CLASSIFIER)
        self._classifier = Classifier(NO_CLASSIFIER.flatbuffer)


class Cutter(Segmenter):
    """Takes each box for full ink."""

    def cut(self, grey: Grey, boxes: Sequence[Box]) -> list[tuple[Box, Ink]]:
        return [(box, np.full((box.height, box.width), 255, np.uint8)) for box in boxes]


TEMPLATES = TemplateRecogniser()
SHIPPED = Shipped()


def read(grey: Array) -> str:
    return read_digits(grey, SHIPPED).number


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_is_found_cut_out_and_read(digit: str) -> None:
    assert read(on_paper(draw(digit))) == digit
    assert read(photograph(draw(digit))) == digit
    assert read(draw(digit, pen=20)) == digit


def test_a_digit_is_found_where_it_stands() -> None:
    ink = draw("3", size=300, margin=200)
    (glyph,) = read_digits(on_paper(ink), SHIPPED).glyphs
    x, y, width, height = cv2.boundingRect(ink)
    assert (glyph.box.x, glyph.box.y) == pytest.approx((x, y), abs=15)
    assert (glyph.box.right, glyph.box.bottom) == pytest.approx((x + width, y + height), abs=15)


@pytest.mark.parametrize("written", ["05", "407", "68", "2024", "31415926"])
def test_a_number_is_read(written: str) -> None:
    assert read(photograph(draw(written))) == written


@pytest.mark.parametrize(("written", "gap"), [("05", -60), ("68", -70), ("35", -70)])
def test_touching_digits_are_read(written: str, gap: int) -> None:
    ink = draw(written, gap=gap)
    assert cv2.connectedComponents((ink > 127).astype(np.uint8))[0] == 2
    assert read(on_paper(ink)) == written


def test_a_faint_digit_beside_a_bold_one_is_read() -> None:
    bold = on_paper(draw("3", size=100, margin=30, pen=12))
    faint = on_paper(draw("5", size=100, margin=30, pen=8), paper=255, pen=170)
    assert read(np.hstack([bold, faint])) == "35"


def test_a_digit_in_a_printed_frame_is_read_without_it() -> None:
    grey = on_paper(draw("7", size=160, margin=70))
    cv2.rectangle(grey, (12, 12), (grey.shape[1] - 13, grey.shape[0] - 13), 40, 22)
    assert read(grey) == "7"


def test_a_digit_on_squared_paper_is_read() -> None:
    grey = on_paper(draw("5", size=160, margin=70), paper=240, pen=60)
    lines = np.full_like(grey, 255)
    lines[::25], lines[:, ::25] = 190, 190
    assert read(np.minimum(grey, lines)) == "5"


def test_an_underline_is_left_out() -> None:
    ink = np.pad(draw("38"), ((0, 40), (0, 60)))
    height, width = ink.shape
    cv2.line(ink, (50, height - 70), (width - 90, height - 60), 255, 10, cv2.LINE_AA)
    assert read(on_paper(ink)) == "38"


def test_small_digits_of_a_large_page_are_looked_at_closely() -> None:
    page = np.full((800, 800), 255, np.uint8)
    small = on_paper(draw("407", size=50, pen=5, margin=10, gap=15))
    page[300 : 300 + small.shape[0], 200 : 200 + small.shape[1]] = small
    assert read(page) == "407"


def test_lines_are_read_one_after_another() -> None:
    assert read(on_paper(draw("407\n13"))) == "407\n13"


def test_a_config_decides_what_is_read_as_a_digit_and_in_which_order() -> None:
    number = on_paper(draw("407\n13"))
    assert len(read_digits(number, SHIPPED, PipelineConfig(is_digit=1.1)).glyphs) == 1
    one_line = ReadingOrderConfig(same_line=3)
    assert "\n" not in read_digits(number, SHIPPED, PipelineConfig(order=one_line)).number


def test_a_config_decides_how_many_digits_are_read_at_once() -> None:
    number = on_paper(draw("407"))
    assert at_once(reading(number, SHIPPED, Timings(), PipelineConfig(quick_digits=3)))
    assert takes_long(reading(number, SHIPPED, Timings(), PipelineConfig(quick_digits=2)))


def test_a_config_decides_when_28x28_pixels_are_taken_as_a_grid() -> None:
    centred = cv2.resize(draw("5", size=160, pen=18, margin=60), (28, 28), interpolation=cv2.INTER_AREA)
    drawn, whole = np.roll(centred, 4, axis=1), Box(0, 0, 28, 28)
    assert read_digits(drawn, SHIPPED, PipelineConfig(as_it_is=0)).glyphs[0].box == whole
    assert read_digits(drawn, SHIPPED, PipelineConfig(as_it_is=1.1)).glyphs[0].box != whole


@pytest.mark.parametrize(("same", "kept"), [(0.7, 1), (0.9, 2)])
def test_inks_with_the_same_box_are_one_digit(same: float, kept: int) -> None:
    recogniser = LiteRTRecogniser(NO_CLASSIFIER, RecogniserConfig(same=same))
    recogniser._segmenter = Cutter(SEGMENTER.read_bytes())
    boxes = (Box(10, 10, 20, 40), Box(10, 10, 20, 34))
    assert len(recogniser.cut(on_paper(draw("1")), [Candidate(box, 0.9, (0.1,) * 10) for box in boxes])) == kept


POLARITIES = pytest.mark.parametrize(
    "polarity", [lambda grey: grey, lambda grey: 255 - grey], ids=["on black", "on white"]
)


@POLARITIES
def test_a_picture_of_28x28_with_noise_is_read_as_it_is(polarity: Callable[[Array], Array]) -> None:
    small = cv2.resize(draw("5", size=160, pen=18, margin=32), (28, 28), interpolation=cv2.INTER_AREA)
    noisy = np.clip(small + np.random.default_rng(0).normal(0, 40, small.shape), 0, 255).astype(np.uint8)
    found = read_digits(polarity(noisy), TEMPLATES)
    assert [glyph.box for glyph in found.glyphs] == [Box(0, 0, 28, 28)]
    assert found.predictions[0].digit == 5
    assert np.array_equal(found.glyphs[0].grid, noisy)


@POLARITIES
def test_a_grid_goes_to_the_classifier_without_a_look_for_digits(polarity: Callable[[Array], Array]) -> None:
    class Blind(TemplateRecogniser):
        def find(self, grey: Grey) -> Sight:
            raise AssertionError("It looked for digits")

    ink = draw("5")
    x, y, width, height = cv2.boundingRect(ink)
    grid = to_grid(ink[y : y + height, x : x + width])
    found = read_digits(polarity(grid), Blind())
    (glyph,) = found.glyphs
    assert found.number == found.text == "5"
    assert np.array_equal(glyph.grid, grid)
    assert glyph.box == Box(*cv2.boundingRect(grid))


class Weighing(TemplateRecogniser):
    """As sure that there is a digit as it is told to be: of the picture as it is, and of what it finds in it."""

    def __init__(self, as_it_is: float, in_it: float | None) -> None:
        super().__init__()
        self.as_it_is, self.in_it = as_it_is, in_it

    def find(self, grey: Grey) -> Sight:
        return Sight([]) if self.in_it is None else super().find(grey)

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        sure = self.as_it_is if not candidates else self.in_it or 0
        return [Prediction(sure, (0.0, 1.0, *[0.0] * 8)) for _ in grids]


@pytest.mark.parametrize(
    ("as_it_is", "in_it", "stands"),
    [(0.9, 1.0, 0.9), (0.8, 1.0, 1.0), (0.8, 0.7, 0.8), (0.1, 0.2, 0.2), (0.1, None, 0.1)],
)
def test_of_a_doubtful_picture_of_28x28_the_surer_reading_stands(
    as_it_is: float, in_it: float | None, stands: float
) -> None:
    small = cv2.resize(draw("1", size=160, pen=18, margin=60), (28, 28), interpolation=cv2.INTER_AREA)
    small[:, 0] = 100
    found = at_once(reading(small, Weighing(as_it_is, in_it), Timings()))
    assert found.confidence == stands
    assert (found.glyphs[0].box == Box(0, 0, 28, 28)) == (stands == as_it_is)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [28, 29, 300])
def test_a_blank_picture_has_no_digit(level: int, size: int) -> None:
    with pytest.raises(NoInk, match="nothing written"):
        read_digits(np.full((size, size), level, np.uint8), SHIPPED)


@pytest.mark.parametrize("size", [60, 160, 400])
def test_what_is_sure_is_read_without_a_stop(size: int) -> None:
    grey = photograph(draw("47", size=size, pen=size // 8, margin=size // 3, gap=size // 5))
    assert at_once(reading(grey, SHIPPED, Timings())).predictions == read_digits(grey, SHIPPED).predictions


@pytest.mark.parametrize("size", [50, 100])
@pytest.mark.parametrize("text", ["20,4", "-7", "7:45", "10:30", "12/4"])
def test_signs_are_given_in_the_text_and_are_no_digits(text: str, size: int) -> None:
    found = read_digits(on_paper(draw(text, size=size, pen=size // 12, margin=size, gap=size // 8)), SHIPPED)
    assert found.text == text
    assert found.number == re.sub(r"\D", "", text)


def test_a_page_of_small_digits_is_read_whole() -> None:
    rows = ["".join(str((3 * row + 7 * column) % 10) for column in range(10)) for row in range(10)]
    page = on_paper(draw("\n".join(rows), size=45, pen=5, gap=23))
    assert read_digits(page, SHIPPED).number.split("\n") == rows


def test_reading_stops_before_many_digits() -> None:
    assert takes_long(reading(on_paper(draw("314159\n2653589")), TEMPLATES, Timings()))
    assert at_once(reading(on_paper(draw("314159\n265358")), TEMPLATES, Timings())).number == "314159\n265358"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_number_on_its_side_or_head_is_read_and_its_digits_are_where_they_stand(turns: int) -> None:
    ink = draw("4253", pen=14)
    found = read_digits(np.ascontiguousarray(np.rot90(on_paper(ink), turns)), SHIPPED)
    assert found.number == "4253"
    turned = np.rot90(ink, turns)
    for glyph in found.glyphs:
        assert turned[glyph.box.window].any()
    outside = turned.copy()
    for glyph in found.glyphs:
        outside[glyph.box.y - 8 : glyph.box.bottom + 8, glyph.box.x - 8 : glyph.box.right + 8] = 0
    assert not outside.any()


def test_reading_stops_before_a_picture_is_turned() -> None:
    ring = np.full((200, 200), 255, np.uint8)
    ring[40:160, 40:160] = 0
    assert takes_long(reading(ring, TEMPLATES, Timings()))


class Overturned(TemplateRecogniser):
    """Takes each picture for one that lies on its side, and is as sure as it is told to be once it is turned."""

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure, self.looks = sure, 0

    def find(self, grey: Grey) -> Sight:
        return super().find(grey) if self.sure or not self.looks else Sight([])

    def turns(self, grey: Grey) -> int:
        return 1

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        self.looks += 1
        sure = 0.1 if self.looks == 1 else self.sure
        return [Prediction(sure, (0.0, 1.0, *[0.0] * 8)) for _ in grids]


@pytest.mark.parametrize(("written", "sure", "turns"), [("47", 1.0, 1), ("4", 1.0, 0), ("47", 0.6, 0), ("47", 0.0, 0)])
def test_only_a_number_that_is_read_surely_is_turned(written: str, sure: float, turns: int) -> None:
    found = read_digits(on_paper(draw(written)), Overturned(sure))
    assert {glyph.turns for glyph in found.glyphs} == {turns}


class Sideways(Overturned):
    """Sees nothing in a picture before it is turned."""

    def find(self, grey: Grey) -> Sight:
        self.looks += 1
        return Sight([]) if self.looks == 1 else super().find(grey)


def test_a_picture_in_which_nothing_is_seen_may_lie_on_its_side() -> None:
    assert {glyph.turns for glyph in read_digits(on_paper(draw("47")), Sideways(1.0)).glyphs} == {1}


class Doubtful(TemplateRecogniser):
    """Takes what is in the left half of each picture for a digit rather than not, and the rest rather not."""

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        read = super().predict(grids, candidates)
        return [Prediction(0.8 if place == 0 else 0.2, each.probabilities) for place, each in enumerate(read)]


def test_what_is_rather_no_digit_is_left_out_and_lowers_the_confidence() -> None:
    found = read_digits(on_paper(draw("38")), Doubtful())
    (prediction,) = found.predictions
    assert prediction.digit == 3
    assert found.confidence == pytest.approx(prediction.confidence * 0.8)


class Refusing(TemplateRecogniser):
    """Takes nothing for a digit."""

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        return [Prediction(0.0, each.probabilities) for each in super().predict(grids, candidates)]


class Guessing(TemplateRecogniser):
    """Takes nothing for a digit, but a 1 rather than an 8, and an 8 rather than a 3."""

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        read = super().predict(grids, candidates)
        return [Prediction({1: 0.25, 8: 0.2, 3: 0.1}[each.digit], each.probabilities) for each in read]


def test_where_nothing_is_taken_for_a_digit_the_best_guess_stands() -> None:
    found = read_digits(on_paper(draw("3")), Refusing())
    assert (found.number, found.confidence) == ("3", 0)
    found = read_digits(on_paper(draw("381")), Guessing())
    assert found.number == "1"
    assert found.confidence == pytest.approx(0.25 * 0.9 * 0.8, rel=0.01)


def test_a_number_has_a_line_feed_between_lines() -> None:
    found = read_digits(on_paper(draw("40\n7")), TEMPLATES)
    assert Reading(found.glyphs, found.predictions, 1.0, "").number == "40\n7"


class Signed(TemplateRecogniser):
    """Sees signs where it is told that they are."""

    def __init__(self, *signs: Sign) -> None:
        super().__init__()
        self.signs = signs

    def find(self, grey: Grey) -> Sight:
        return replace(super().find(grey), signs=self.signs)


def test_signs_stand_in_the_text_between_the_digits_they_stand_between() -> None:
    grey = on_paper(draw("314\n20"))
    (three, one, four), (two, nought) = (
        [glyph.box for glyph in read_digits(grey, TEMPLATES).glyphs if glyph.line == line] for line in (0, 1)
    )
    far_off = Sign("/", four.right + 3 * four.height, four.centre_y, 0.9)
    found = read_digits(
        grey,
        Signed(
            Sign(".", (three.right + one.x) / 2, three.bottom, 0.9),
            Sign("-", three.x - 20, three.centre_y, 0.9),
            Sign(":", (two.right + nought.x) / 2, two.centre_y, 0.9),
            far_off,
        ),
    )
    assert (found.number, found.text) == ("314\n20", "-3.14\n2:0")


def test_where_no_sign_is_seen_the_text_is_the_number() -> None:
    found = read_digits(on_paper(draw("40\n7")), TEMPLATES)
    assert found.text == found.number


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    st.sampled_from([(1, 1), (1, 9), (9, 1)]),
)
def test_any_picture_is_read_or_has_no_digit(grey: Array, times: tuple[int, int]) -> None:
    grey = np.kron(grey, np.ones(times, np.uint8))
    try:
        found = read_digits(grey, SHIPPED)
    except NoInk:
        return
    height, width = grey.shape
    assert len(found.predictions) == len(found.glyphs) > 0
    assert 0 <= found.confidence <= 1
    assert [glyph.line for glyph in found.glyphs] == sorted(glyph.line for glyph in found.glyphs)
    for glyph in found.glyphs:
        assert 0 <= glyph.box.x < glyph.box.right <= width
        assert 0 <= glyph.box.y < glyph.box.bottom <= height
        assert glyph.grid.shape == (28, 28)
        assert glyph.grid.dtype == np.uint8
