"""Examples for the verifier: digits of MNIST and of scenes, and as many that are not digits."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from digits.grids import Grid, Grids, to_grid, to_input
from digits.training.augmentation.augment import augment
from digits.training.augmentation.disturbances import disturbed
from digits.training.augmentation.styles import in_another_style
from digits.training.data.datasets import Labelled
from digits.training.finder.crops import found_in_scenes
from digits.training.processes import in_parts, made_by_processes
from digits.training.scenes.writing import Writers
from digits.training.verifier.negatives import negative

Job = tuple[int, list[int]]
"""How many to make, and the seed."""

BATCH_SIZE = 256
"""Examples in a batch."""
SCENES = 12_000
"""Default number of scenes that digits and mistakes are cut out of."""
NEGATIVES_PER_SCENE = 5
"""How many negatives are made for each scene: with the default one for each of MNIST's digits."""
FOUND = 0.65
"""Share of the positive examples that are from scenes; the others are MNIST's."""
WRONGLY_FOUND = 0.5
"""Share of the negative examples that the finder took for digits in scenes; the others are made."""
STRENGTH = 0.7
"""Strength of the affine change to each grid, new each time it is seen."""
DISTURBED = 0.1
"""Share of the grids that are made harder to read."""
_AT_ONCE = 500
"""Negatives of one job."""


class Examples:
    """Positive and negative examples. They are made once, and changed at random each time they are seen."""

    def __init__(self, writers: Writers, scenes: int, seed: int) -> None:
        self._mnist = writers.mnist
        self._rng = np.random.default_rng(seed)
        found, self._wrong = found_in_scenes(writers, scenes, seed)
        self._right = found.grids
        self._negatives = made_negatives(self._mnist, NEGATIVES_PER_SCENE * scenes, seed)

    def batches(self) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        """Yield batches without end: grids, float32 (n, 28, 28, 1), and whether each is a digit, float32 (n, 1)."""
        while True:
            is_digit = self._rng.random(BATCH_SIZE) < 0.5
            grids = [self._seen(self._digit() if wanted else self._no_digit()) for wanted in is_digit]
            yield to_input(np.stack(grids)), is_digit.astype(np.float32)[:, np.newaxis]

    def _digit(self) -> Grid:
        """Return a random positive example."""
        if self._rng.random() < FOUND:
            return self._one_of(self._right)
        place = self._rng.integers(len(self._mnist.digits))
        return in_another_style(self._mnist.grids[place], int(self._mnist.digits[place]), self._rng)

    def _no_digit(self) -> Grid:
        """Return a random negative example."""
        return self._one_of(self._wrong if self._rng.random() < WRONGLY_FOUND else self._negatives)

    def _one_of(self, grids: Grids) -> Grid:
        return grids[self._rng.integers(len(grids))]

    def _seen(self, grid: Grid) -> Grid:
        """Return the grid, changed at random."""
        grid = augment(grid, self._rng, STRENGTH)
        return disturbed(grid, self._rng) if self._rng.random() < DISTURBED else grid


def made_negatives(data: Labelled, count: int, seed: int) -> Grids:
    """Make this many grids that are not digits. They depend on the seed, not on the number of processes."""
    jobs = in_parts(count, _AT_ONCE, [seed])
    return np.concatenate(list(made_by_processes(negatives, data, jobs, f"Making {count:,} things that are no digits")))


def negatives(data: Labelled, job: Job) -> Grids:
    """Make the grids of one job that are not digits."""
    count, seed = job
    rng = np.random.default_rng(seed)
    sheets = (negative(data.grids[rng.integers(0, len(data.grids), 3)], rng) for _ in range(count))
    return np.stack([to_grid((sheet * 255).astype(np.uint8)) for sheet in sheets])
