import cv2
import numpy as np
import pytest

from digits.errors import NoInk
from digits.ink import find_ink
from digits.papers import (
    LOOKS,
    Look,
    behind_dark_strokes,
    behind_light_strokes,
    by_columns,
    by_rows,
    on_blurred_sheets,
    on_one_sheet,
    on_sheets,
)
from tests.drawing import Array, draw, on_paper

INK = draw("37", size=120)
HEIGHT, WIDTH = INK.shape


def likeness(grey: Array, look: Look, ink: Array = INK) -> float:
    """The ink that a look finds, and that which is there: what they share, of what either has."""
    try:
        found = find_ink(grey, look) > 127
    except NoInk:
        return 0.0
    there = ink > 127
    return np.count_nonzero(found & there) / np.count_nonzero(found | there)


def test_a_sheet_on_a_desk_is_the_paper_of_what_is_written_on_it() -> None:
    desk = np.full((HEIGHT + 160, WIDTH + 200), 70, np.uint8)
    desk[80:-80, 100:-100] = on_paper(INK, paper=230, pen=30)
    assert likeness(desk, on_sheets, np.pad(INK, ((80, 80), (100, 100)))) > 0.9


def test_a_black_canvas_in_a_white_page_is_the_paper_of_white_ink() -> None:
    assert likeness(np.pad(INK, 60, constant_values=255), on_sheets, np.pad(INK, 60)) > 0.9


def test_tiles_have_each_their_own_paper_and_polarity() -> None:
    tiles = [draw(digit, size=100, margin=30) for digit in "358"]
    looks = [on_paper(tile, *of) for tile, of in zip(tiles, [(240, 40), (20, 200), (130, 30)], strict=True)]
    assert likeness(np.hstack(looks), on_sheets, np.hstack(tiles)) > 0.9


def test_faint_ink_on_one_sheet_is_as_strong_as_dark_ink_on_another() -> None:
    sheets = np.hstack([on_paper(draw("3"), 240, 20), on_paper(draw("3"), 120, 60)])
    (off,) = on_sheets(sheets)
    dark, faint = (int(np.quantile(half[half > 60], 0.9)) for half in np.hsplit(off, 2))
    assert faint == pytest.approx(dark, rel=0.1)


def test_the_left_half_may_be_inverted() -> None:
    grey = on_paper(INK)
    grey[:, : WIDTH // 2] = 255 - grey[:, : WIDTH // 2]
    assert likeness(grey, by_columns) > 0.9


def test_the_upper_half_may_be_inverted() -> None:
    grey = on_paper(INK)
    grey[: HEIGHT // 2] = 255 - grey[: HEIGHT // 2]
    assert likeness(grey, by_rows) > 0.9


def test_a_hard_shadow_is_no_ink() -> None:
    grey = on_paper(INK, paper=230, pen=60)
    grey[:, WIDTH // 2 :] //= 2
    assert likeness(grey, on_sheets) > 0.9


def test_a_shadow_with_a_soft_edge_is_no_ink() -> None:
    light = np.where(np.arange(WIDTH) < WIDTH // 2, 1, 0.3)[np.newaxis]
    grey = (on_paper(INK, paper=230, pen=60) * cv2.GaussianBlur(light, (0, 0), 14)).astype(np.uint8)
    assert likeness(grey, on_blurred_sheets) > 0.9
    assert likeness(grey, on_sheets) < 0.9


def test_light_that_falls_off_is_no_ink_and_ink_in_the_shade_is_as_strong() -> None:
    light = np.linspace(1, 0.4, WIDTH)
    grey = (on_paper(INK, paper=230, pen=60) * light).astype(np.uint8)
    assert likeness(grey, on_one_sheet) > 0.9
    dark, _ = on_one_sheet(grey)
    in_light, in_shade = (np.median(dark[:, half][INK[:, half] > 250]) for half in (np.s_[:180], np.s_[180:]))
    assert in_shade == pytest.approx(in_light, rel=0.15)


@pytest.mark.parametrize(
    ("look", "grey_of"),
    [(behind_dark_strokes, on_paper), (behind_light_strokes, lambda ink: ink)],
    ids=["dark", "light"],
)
def test_ink_may_fill_the_picture(look: Look, grey_of: object) -> None:
    ink = draw("0", size=90, pen=34, margin=10)
    assert np.count_nonzero(ink > 127) > 0.5 * ink.size
    assert likeness(grey_of(ink), look, ink) > 0.9  # type: ignore[operator]
    assert likeness(grey_of(ink), on_one_sheet, ink) < 0.5  # type: ignore[operator]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("level", [0, 100, 255])
def test_a_blank_picture_has_no_ink_in_any_look(look: Look, level: int) -> None:
    with pytest.raises(NoInk):
        find_ink(np.full((60, 80), level, np.uint8), look)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 800), (5, 7)])
def test_pictures_of_extreme_shapes_can_be_looked_at(look: Look, shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for off in look(grey):
        assert (off.shape, off.dtype) == (shape, np.uint8)
