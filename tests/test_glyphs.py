import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digits.errors import NoInk
from digits.glyphs import MAX_MARKS, find_glyphs
from tests.drawing import draw, on_paper, photograph
from tests.fakes import TemplateRecogniser


def read(grey: np.ndarray) -> str:
    glyphs = find_glyphs(grey)
    predictions = TemplateRecogniser().predict([glyph.grid for glyph in glyphs])
    lines = [""] * (glyphs[-1].line + 1)
    for glyph, prediction in zip(glyphs, predictions, strict=True):
        lines[glyph.line] += str(prediction.digit)
    return "\n".join(lines)


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize(
    "look",
    [
        lambda ink: ink,
        lambda ink: 255 - ink,
        lambda ink: on_paper(ink, paper=120, pen=60),
        lambda ink: on_paper(ink, paper=60, pen=160),
        photograph,
    ],
    ids=["white on black", "black on white", "dark on grey", "light on grey", "photograph"],
)
def test_ink_is_told_from_paper(digit: str, look: object) -> None:
    assert read(look(draw(digit))) == digit  # type: ignore[operator]


@pytest.mark.parametrize("size", [24, 60, 300, 700])
def test_a_digit_is_found_at_any_size(size: int) -> None:
    assert read(on_paper(draw("5", size=size, pen=max(2, size // 15), margin=size // 2))) == "5"


def test_a_digit_is_found_in_a_corner() -> None:
    page = np.zeros((800, 800), np.uint8)
    small = draw("4", size=50, pen=5, margin=5)
    page[-small.shape[0] - 20 : -20, 15 : 15 + small.shape[1]] = small
    glyph = find_glyphs(255 - page)[0]
    assert read(255 - page) == "4"
    assert glyph.box.x == pytest.approx(25, abs=4)
    assert glyph.box.bottom == pytest.approx(772, abs=4)


def test_several_digits_are_read_from_left_to_right() -> None:
    assert read(on_paper(draw("3141592"))) == "3141592"


def test_several_lines_are_read_from_top_to_bottom() -> None:
    assert read(on_paper(draw("12\n907"))) == "12\n907"


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_line_that_rises_or_falls_is_one_line(slope: float) -> None:
    page = np.zeros((900, 1400), np.uint8)
    for index, digit in enumerate("27364"):
        small = draw(digit, size=140, margin=20)
        x, y = 80 + 220 * index, round(360 + slope * 220 * index)
        page[y : y + small.shape[0], x : x + small.shape[1]] = small
    assert read(255 - page) == "27364"


def test_a_stroke_that_broke_off_stays_with_its_digit() -> None:
    ink = draw("5", pen=10)
    ink[:, 118:128][:80] = 0  # Cuts the bar of the 5 from its body.
    assert cv2.connectedComponents(ink)[0] == 3
    assert len(find_glyphs(255 - ink)) == 1


def test_a_comma_does_not_break_the_line() -> None:
    ink = draw("399", margin=80)
    cv2.line(ink, (253, 225), (244, 252), 255, 12, cv2.LINE_AA)
    assert read(255 - ink) == "399"


def test_an_equals_sign_does_not_break_the_line() -> None:
    ink = draw("8", margin=80)
    both = np.hstack([ink, np.zeros((len(ink), 40), np.uint8), ink])
    for y in (145, 185):
        cv2.line(both, (290, y), (390, y), 255, 12, cv2.LINE_AA)
    glyphs = find_glyphs(255 - both)
    assert {glyph.line for glyph in glyphs} == {0}
    assert (glyphs[0].box.x, glyphs[-1].box.x) == (min(g.box.x for g in glyphs), max(g.box.x for g in glyphs))


@pytest.mark.parametrize("shade", [60, 120])
def test_an_edge_across_the_picture_is_no_digit(shade: int) -> None:
    page = np.full((300, 300), 240, np.uint8)
    page[:, 148:154] = shade
    with pytest.raises(NoInk, match="clear of the edges"):
        find_glyphs(page)


def test_a_1_that_fills_its_picture_is_read() -> None:
    assert len(find_glyphs(np.pad(np.zeros((120, 16), np.uint8), ((0, 0), (12, 12)), constant_values=255))) == 1


def test_dust_is_dropped() -> None:
    ink = draw("8")
    ink[10:16, 10:16] = 255
    ink[-30:-26, -20:-10] = 255
    assert read(255 - ink) == "8"


def test_a_frame_along_the_edge_is_dropped() -> None:
    page = on_paper(draw("6"))
    cv2.rectangle(page, (0, 0), (page.shape[1] - 1, page.shape[0] - 1), 0, 6)
    assert read(page) == "6"


@pytest.mark.parametrize("number", ["6", "408"])
def test_a_frame_around_the_writing_is_dropped(number: str) -> None:
    page = on_paper(draw(number))
    height, width = page.shape
    cv2.rectangle(page, (20, 20), (width - 20, height - 20), 0, 4)
    assert read(page) == number


def test_a_circle_around_a_digit_is_dropped() -> None:
    page = on_paper(draw("3", margin=100))
    cv2.circle(page, (page.shape[1] // 2, page.shape[0] // 2), 150, 0, 6, cv2.LINE_AA)
    assert read(page) == "3"


@pytest.mark.parametrize("grey", [np.full((200, 300), level, np.uint8) for level in (0, 128, 255)])
def test_a_blank_picture_has_no_ink(grey: np.ndarray) -> None:
    with pytest.raises(NoInk, match="nothing written"):
        find_glyphs(grey)


def test_the_grain_of_paper_is_no_ink() -> None:
    paper = np.random.default_rng(0).normal(150, 8, (200, 200)).astype(np.uint8)
    with pytest.raises(NoInk):
        find_glyphs(paper)


def test_a_texture_is_no_number() -> None:
    dots = np.full((600, 600), 255, np.uint8)
    dots[20::40, 20::40] = 0
    with pytest.raises(NoInk, match=f"at most {MAX_MARKS}"):
        find_glyphs(dots)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_any_picture_is_read_or_has_no_ink(grey: np.ndarray) -> None:
    try:
        glyphs = find_glyphs(grey)
    except NoInk:
        return
    height, width = grey.shape
    for glyph in glyphs:
        assert glyph.box.x >= 0
        assert glyph.box.y >= 0
        assert glyph.box.right <= width
        assert glyph.box.bottom <= height
