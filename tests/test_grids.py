import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digits.grids import DIGIT_SIDE, SIDE, Grey, Grid, is_grid, to_grid, to_input
from support.drawing import draw

INK = arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)))


def box_of(grid: Grid) -> tuple[int, int]:
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def cut(number: str, **options: int) -> Grey:
    canvas = draw(number, **options)
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    return canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def test_input_runs_from_0_to_1() -> None:
    grids = np.zeros((2, SIDE, SIDE), np.uint8)
    grids[1] = 255
    values = to_input(grids)
    assert values.shape == (2, SIDE, SIDE, 1)
    assert values.dtype == np.float32
    assert values[0].max() == 0
    assert values[1].min() == 1


@pytest.mark.parametrize("number", "0123456789")
@pytest.mark.parametrize("size", [12, 40, 160, 600])
def test_a_digit_is_fitted_into_20x20_with_its_mass_in_the_middle(number: str, size: int) -> None:
    grid = to_grid(cut(number, size=size, pen=max(2, size // 12)))
    assert max(box_of(grid)) == pytest.approx(DIGIT_SIDE, abs=2 if size < DIGIT_SIDE else 0)
    assert grid.max() > 150
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    centre = (y * grid).sum() / grid.sum(), (x * grid).sum() / grid.sum()
    assert centre == pytest.approx((SIDE / 2, SIDE / 2), abs=0.6)


def test_a_hairline_gets_a_broader_pen() -> None:
    hairline, pen = (to_grid(cut("3", size=800, pen=pen)).astype(int) for pen in (3, 80))
    assert hairline.max() > 200
    assert 0.4 < hairline.sum() / pen.sum() < 1


def test_what_was_made_as_mnist_is_known_for_it() -> None:
    grid = to_grid(cut("5"))
    assert is_grid(grid)
    assert not is_grid(255 - grid)
    assert not is_grid(np.roll(grid, 3, axis=1))
    assert not is_grid(np.maximum(grid, 1))
    assert not is_grid(np.zeros_like(grid))
    assert not is_grid(np.pad(grid, 1))


@given(INK)
def test_any_ink_makes_a_grid(ink: Grey) -> None:
    grid = to_grid(ink)
    assert grid.shape == (SIDE, SIDE)
    assert grid.dtype == np.uint8
