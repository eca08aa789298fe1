"""Batches of digits for training. Our own recipe changes every digit at random in each epoch."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from digits.grids import to_input
from digits.inference.model_file import CLASSES
from digits.training.augmentation.augment import augment
from digits.training.augmentation.disturbances import disturbed
from digits.training.augmentation.photographs import all_as_served
from digits.training.augmentation.styles import STYLED, in_another_style
from digits.training.classifier.checkpoint import Asked
from digits.training.data.datasets import Labelled
from digits.training.recipes import Recipe

PHOTOGRAPHED = 0.2
"""Share of the digits in an augmented epoch that are taken from photographs of them, as serving reads these."""
DISTURBED = 0.2
"""Share of the digits in an augmented epoch that are made hard to read."""
SETTLING_STRENGTH = 0.5
"""Strength of the affine changes while the network settles, instead of 1."""
SETTLING_SHARE = 0.25
"""Factor, while it settles, for the shares of digits in another style and of digits made hard to read."""
_AT_ONCE = 1000
"""Photographs between two steps of the progress bar."""


class Batches(keras.utils.PyDataset):
    """Shuffled batches of one epoch at a time: float32 (n, 28, 28, 1), and labels as the recipe's loss takes them.

    They depend on seed and epoch only, so that a resumed run sees the same. All digits are photographed once, by the
    constructor; every epoch uses another random share of the photographs.
    """

    def __init__(self, recipe: Recipe, data: Labelled, asked: Asked, epoch: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._recipe, self._data, self._batch_size, self._seed = recipe, data, asked.batch_size, asked.seed
        self._settling = recipe.learning_epochs(asked.epochs)
        self._photographed = _photographed(data.grids, asked.seed) if recipe.augmented else None
        self.shuffle(epoch)

    def shuffle(self, epoch: int) -> None:
        """Switch to an epoch, counted from 0."""
        self._epoch = epoch
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._data.digits))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        grids = self._data.grids[chosen]
        if self._photographed is not None:
            rng = np.random.default_rng([self._seed, self._epoch, index])
            served = rng.random(len(chosen)) < PHOTOGRAPHED
            grids[served] = self._photographed[chosen[served]]
            strength, share = (SETTLING_STRENGTH, SETTLING_SHARE) if self._epoch >= self._settling else (1, 1)
            for place, digit in enumerate(self._data.digits[chosen]):
                grid = in_another_style(grids[place], digit, rng, STYLED * share)
                grid = augment(grid, rng, strength)
                grids[place] = disturbed(grid, rng) if rng.random() < DISTURBED * share else grid
        return to_input(grids), labels(self._recipe, self._data.digits[chosen])


def labels(recipe: Recipe, digits: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Return digits, uint8 (n,), as the recipe's loss takes them: as they are, or one-hot float32 (n, 10)."""
    if recipe.loss == "sparse_categorical_crossentropy":
        return digits
    return np.eye(CLASSES, dtype=np.float32)[digits]


def _photographed(grids: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """Return a photograph of each grid, as serving reads it, and show a progress bar."""
    print("Photographing the digits", flush=True)
    bar = keras.utils.Progbar(len(grids), unit_name="digit")
    served = []
    for start in range(0, len(grids), _AT_ONCE):
        served.append(all_as_served(grids[start : start + _AT_ONCE], [seed, start]))
        bar.add(len(served[-1]))
    return np.concatenate(served)
