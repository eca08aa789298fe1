"""What the verifier learns from: MNIST's digits in many hands, and as much that is none."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from digits.grids import SIDE, Grid, to_grid, to_input
from digits.settings import usable_cpus
from digits.training.augment import augment
from digits.training.data import Labelled
from digits.training.disturbances import disturbed
from digits.training.negatives import negative
from digits.training.photographs import as_served
from digits.training.segments import segments
from digits.training.styles import in_another_style

Grids = npt.NDArray[np.uint8]
"""uint8 (n, 28, 28)"""
T = TypeVar("T")

BATCH_SIZE = 256
NEGATIVES, PHOTOGRAPHS, ROWS = 100_000, 16_000, 8_000
"""How many of each are made: things that are no digits, photographs of digits, and rows of digits that touch."""
PHOTOGRAPHED, CUT = 0.25, 0.25
"""Shares of the digits that come from photographs and from rows."""
WRONGLY_CUT = 0.3
"""Share of what is no digit that comes from rows."""
STRENGTH = 0.7
"""Of the changes to each grid, every time it is seen."""
DISTURBED = 0.1
"""Share of the grids that are made hard to read."""
_AT_ONCE = 500


class Examples:
    """Digits, and as much that is none; made once, and each time seen in another hand."""

    def __init__(self, data: Labelled, seed: int) -> None:
        self._data = data
        self._rng = np.random.default_rng(seed)
        self._photographs = made(photographs, data, PHOTOGRAPHS, seed)
        self._right, self._wrong = cut_from_rows(data, ROWS, seed)
        self._negatives = made(negatives, data, NEGATIVES, seed)

    def batches(self) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        """Without end: pictures, float32 (n, 28, 28, 1), and whether each is a digit, float32 (n, 1)."""
        while True:
            is_digit = self._rng.random(BATCH_SIZE) < 0.5
            grids = [self._seen(self._digit() if wanted else self._no_digit()) for wanted in is_digit]
            yield to_input(np.stack(grids)), is_digit.astype(np.float32)[:, np.newaxis]

    def _digit(self) -> Grid:
        chance = self._rng.random()
        if chance < PHOTOGRAPHED:
            return self._one_of(self._photographs)
        if chance < PHOTOGRAPHED + CUT:
            return self._one_of(self._right)
        return _styled(self._data, self._rng)

    def _no_digit(self) -> Grid:
        return self._one_of(self._wrong if self._rng.random() < WRONGLY_CUT else self._negatives)

    def _one_of(self, grids: Grids) -> Grid:
        return grids[self._rng.integers(len(grids))]

    def _seen(self, grid: Grid) -> Grid:
        grid = augment(grid, self._rng, STRENGTH)
        return disturbed(grid, self._rng) if self._rng.random() < DISTURBED else grid


def made(make: Callable[[Labelled, int, list[int]], Grids], data: Labelled, count: int, seed: int) -> Grids:
    """So many grids by `make`; the same for a seed, however many processes share the work."""
    return np.concatenate(list(_shared(make, data, count, seed)))


def cut_from_rows(data: Labelled, count: int, seed: int) -> tuple[Grids, Grids]:
    """What `rows` makes, by many processes."""
    right, wrong = zip(*_shared(rows, data, count, seed), strict=True)
    return np.concatenate(right), np.concatenate(wrong)


def _shared(make: Callable[[Labelled, int, list[int]], T], data: Labelled, count: int, seed: int) -> Iterator[T]:
    from keras.utils import Progbar

    print(f"Making {count:,} {make.__name__}", flush=True)
    bar = Progbar(count)
    starts = range(0, count, _AT_ONCE)
    counts, seeds = [min(_AT_ONCE, count - start) for start in starts], [[seed, start] for start in starts]
    spawning = multiprocessing.get_context("spawn")  # A fork would copy TensorFlow's locks, and not its threads.
    with ProcessPoolExecutor(usable_cpus(), spawning, partial(cv2.setNumThreads, 1)) as processes:
        for number, part in zip(counts, processes.map(partial(make, data), counts, seeds), strict=True):
            bar.add(number)
            yield part


def negatives(data: Labelled, count: int, seed: list[int]) -> Grids:
    """What is no digit."""
    rng = np.random.default_rng(seed)
    sheets = (negative(data.grids[rng.integers(0, len(data.grids), 3)], rng) for _ in range(count))
    return np.stack([to_grid((sheet * 255).astype(np.uint8)) for sheet in sheets])


def photographs(data: Labelled, count: int, seed: list[int]) -> Grids:
    """Digits that were photographed and came back by serving's road."""
    rng = np.random.default_rng(seed)
    return np.stack([as_served(_styled(data, rng), rng) for _ in range(count)])


def rows(data: Labelled, count: int, seed: list[int]) -> tuple[Grids, Grids]:
    """Segments of so many rows of touching digits: those that are digits, and those that are none."""
    rng = np.random.default_rng(seed)
    cut: dict[bool, list[Grid]] = {True: [], False: []}
    for _ in range(count):
        digits = np.stack([_styled(data, rng) for _ in range(int(rng.integers(2, 5)))])
        for grid, is_digit in segments(digits, rng):
            cut[is_digit].append(grid)
    right, wrong = (np.array(cut[is_digit], np.uint8).reshape(-1, SIDE, SIDE) for is_digit in (True, False))
    return right, wrong


def _styled(data: Labelled, rng: np.random.Generator) -> Grid:
    place = rng.integers(len(data.digits))
    return in_another_style(data.grids[place], int(data.digits[place]), rng)
