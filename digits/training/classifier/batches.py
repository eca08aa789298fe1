"""What the network sees: every epoch's digits in batches, for our own recipe each time in another hand."""

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
"""Share of the digits in an augmented epoch that were photographed and came back by serving's road."""
DISTURBED = 0.2
"""Share of the digits in an augmented epoch that are made hard to read."""
SETTLING_STRENGTH = 0.5
"""Of the changes to digits while the network settles."""
SETTLING_SHARE = 0.25
"""Of the digits in another style or made hard to read, while it settles."""
_AT_ONCE = 1000


class Batches(keras.utils.PyDataset):
    """Shuffled batches of one epoch after another, a function of seed and epoch however training came there.

    Each batch is float32 (n, 28, 28, 1) and labels as the recipe's loss takes them. Photographs are taken once,
    when this is made, and every epoch sees another share of them.
    """

    def __init__(self, recipe: Recipe, data: Labelled, asked: Asked, epoch: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._recipe, self._data, self._batch_size, self._seed = recipe, data, asked.batch_size, asked.seed
        self._settling = recipe.learning_epochs(asked.epochs)
        self._photographed = _photographed(data.grids, asked.seed) if recipe.augmented else None
        self.shuffle(epoch)

    def shuffle(self, epoch: int) -> None:
        """Turns to the digits of an epoch, counted from 0."""
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
    """Digits uint8 (n,) as the recipe's loss takes them: as they are, or one-hot float32 (n, 10)."""
    if recipe.loss == "sparse_categorical_crossentropy":
        return digits
    return np.eye(CLASSES, dtype=np.float32)[digits]


def _photographed(grids: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    print("Photographing the digits", flush=True)
    bar = keras.utils.Progbar(len(grids), unit_name="digit")
    served = []
    for start in range(0, len(grids), _AT_ONCE):
        served.append(all_as_served(grids[start : start + _AT_ONCE], [seed, start]))
        bar.add(len(served[-1]))
    return np.concatenate(served)
