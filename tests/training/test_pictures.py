from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.grids import SIDE, Grids
from digits.training.augmentation import photographs
from digits.training.augmentation.augment import augment
from digits.training.augmentation.disturbances import FAMILIES, Floats, disturbed
from digits.training.augmentation.photographs import all_as_served, as_served, photograph
from digits.training.augmentation.styles import STYLED, in_another_style
from digits.training.data.datasets import read_npz
from tests.fakes import TemplateRecogniser


@pytest.fixture
def grids(mnist_like: Path) -> Grids:
    """Fifty digits, 0 to 9 and again."""
    return read_npz(mnist_like).train.grids[:50]


def test_augmentation_changes_a_digit_a_little_and_is_repeated_by_its_seed(grids: Grids) -> None:
    grid = grids[3]
    one, same, other = (augment(grid, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.shape == (SIDE, SIDE)
    assert one.dtype == np.uint8
    assert 0.5 < one.sum() / grid.sum() < 2


def test_a_weaker_augmentation_moves_a_digit_less(grids: Grids) -> None:
    def change(strength: float) -> float:
        pairs = ((grid, augment(grid, np.random.default_rng(seed), strength)) for seed, grid in enumerate(grids))
        return float(np.mean([np.abs(grid.astype(int) - moved).mean() for grid, moved in pairs]))

    assert change(0) < change(0.5) < change(1)


def test_a_photograph_is_a_file_of_a_larger_picture(grids: Grids) -> None:
    files = [photograph(grid, np.random.default_rng(seed)) for seed, grid in enumerate(grids)]
    pictures = [Image.open(BytesIO(file)) for file in files]
    assert {picture.format for picture in pictures} == {"JPEG", "PNG"}
    assert min(min(picture.size) for picture in pictures) > 4 * SIDE


def test_what_serving_makes_of_photographs_is_the_same_digits_again(
    grids: Grids, recogniser: TemplateRecogniser
) -> None:
    served = all_as_served(grids, seed=0)
    assert served.shape == grids.shape
    assert served.dtype == np.uint8
    changed = [not np.array_equal(grid, photographed) for grid, photographed in zip(grids, served, strict=True)]
    assert np.mean(changed) > 0.9
    read = np.array([prediction.digit for prediction in recogniser.predict(list(served))])
    assert np.mean(read == np.arange(50) % 10) > 0.8


def test_photographs_are_repeated_by_their_seed_however_threads_share_them(grids: Grids) -> None:
    assert np.array_equal(all_as_served(grids, seed=1), all_as_served(grids, seed=1))
    assert not np.array_equal(all_as_served(grids, seed=1), all_as_served(grids, seed=2))


def test_a_digit_that_serving_does_not_find_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "likeliest_grid", lambda grey: None)
    blank = np.zeros((SIDE, SIDE), np.uint8)
    assert as_served(blank, np.random.default_rng(0)) is blank


@pytest.mark.parametrize("digit", [2, 3, 4, 5, 6, 8, 9])
def test_most_digits_have_no_other_style(grids: Grids, digit: int) -> None:
    grid = grids[digit]
    assert in_another_style(grid, digit, np.random.default_rng(0), share=1) is grid


@pytest.mark.parametrize("digit", [0, 1, 7])
def test_some_0s_1s_and_7s_are_written_as_in_other_countries(grids: Grids, digit: int) -> None:
    rng = np.random.default_rng(0)
    of_it = grids[digit::10]
    for grid in of_it:
        styled = in_another_style(grid, digit, rng, share=1)
        assert not np.array_equal(styled, grid)
        assert styled.shape == (SIDE, SIDE)
        assert styled.dtype == np.uint8
    changed = [in_another_style(grid, digit, rng) is not grid for grid in of_it for _ in range(60)]
    assert abs(np.mean(changed) - STYLED) < 0.07


def test_a_blank_grid_has_no_style() -> None:
    blank = np.zeros((SIDE, SIDE), np.uint8)
    assert in_another_style(blank, 7, np.random.default_rng(0), share=1) is blank


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_each_family_of_disturbances_changes_a_digit(
    grids: Grids, family: Callable[[Floats, np.random.Generator], Floats]
) -> None:
    rng = np.random.default_rng(0)
    pictures = grids.astype(np.float32)
    disturbances = [family(picture, rng) for picture in pictures]
    assert {picture.shape for picture in disturbances} == {(SIDE, SIDE)}
    assert np.array_equal(pictures, grids), "the picture that was given stays as it was"
    changed = [np.abs(one - other).mean() > 0.1 for one, other in zip(pictures, disturbances, strict=True)]
    assert np.mean(changed) > 0.7


def test_a_disturbed_digit_is_a_grid_again_and_is_repeated_by_its_seed(grids: Grids) -> None:
    for seed, grid in enumerate(grids):
        before = grid.copy()
        one, same = (disturbed(grid, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == (SIDE, SIDE)
        assert one.dtype == np.uint8
        assert np.array_equal(one, same)
        assert np.array_equal(grid, before)
