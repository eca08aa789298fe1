"""Train the finder on scenes: targets, loss and batches."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from digits.inference.detections import OF_CLASSES, OF_SIDES, OF_SIGNS, SIGNS, STRIDE, UNIT
from digits.inference.network_input import standardised
from digits.training.classifier.fit import fit_shuffled
from digits.training.finder.scenes import FIRST_SIGN, Seen
from digits.training.networks import finder
from digits.training.recipes import adamw
from digits.training.scenes.writing import AMBIGUOUS

SCENES, EPOCHS = 45_000, 6
"""Defaults. In each epoch, a random half of the scenes is inverted."""
BATCH_PIXELS = 64 * 96 * 96
"""Pixels in a batch: it has fewer scenes if they are larger."""
RATE = 2e-3
"""The highest learning rate of AdamW."""
SPREAD = 0.1
"""Standard deviation of the Gaussian around a centre in the target, as a share of the sides of its box."""
WEIGHTS = np.array([1.0] + [3.0] * len(SIGNS), np.float32)
"""Weights in the loss for centres of digits, and for those of each sign, which are rare and would be learnt slowly."""
LEAST_DISTANCE = 0.5
"""Least distance in pixels from a place to the sides of a box that is a target there."""
_DOUBT = 0.5  # Peak of the target of an ambiguous digit, where the focal loss hardly counts.


def targets(shape: tuple[int, int], digits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the target of `loss`, float32 (h / 4, w / 4, 12), for the digits and signs of a picture (h, w) as in Seen.

    The channels are: how near the centre of a digit is, from 0 to 1; the weight of class and box at this place; the
    class; the distances to the four sides of the box, as logarithms in units of UNIT; and how near the centre of each
    of SIGNS is.
    """
    rows, columns = shape[0] // STRIDE, shape[1] // STRIDE
    target = np.zeros((rows, columns, 7 + len(SIGNS)), np.float32)
    target[..., 2] = AMBIGUOUS
    y, x = ((np.arange(side, dtype=np.float32) + 0.5) * STRIDE for side in (rows, columns))
    for label, left, top, right, bottom in digits.tolist():
        across, down = max(SPREAD * (right - left), STRIDE / 3), max(SPREAD * (bottom - top), STRIDE / 3)
        column = min(int((left + right) / 2 / STRIDE), columns - 1)
        row = min(int((top + bottom) / 2 / STRIDE), rows - 1)
        reach_x, reach_y = int(3 * across / STRIDE) + 1, int(3 * down / STRIDE) + 1
        window = np.s_[max(0, row - reach_y) : row + reach_y + 1, max(0, column - reach_x) : column + reach_x + 1]
        near_y, near_x = y[window[0]], x[window[1]]
        near = np.exp(-(((near_y - y[row]) / down) ** 2) / 2)[:, np.newaxis] * np.exp(
            -(((near_x - x[column]) / across) ** 2) / 2
        )
        if label >= FIRST_SIGN:
            of_sign = target[window][..., 7 + int(label) - FIRST_SIGN]
            np.maximum(of_sign, near, out=of_sign)
            continue
        if label == AMBIGUOUS:
            target[window][..., 0] = np.maximum(target[window][..., 0], _DOUBT * near)
            continue
        nearest = near >= target[window][..., 0]
        distances = np.zeros((*near.shape, 4), np.float32)
        distances[..., 0], distances[..., 2] = near_x - left, right - near_x
        distances[..., 1], distances[..., 3] = (near_y - top)[:, np.newaxis], (bottom - near_y)[:, np.newaxis]
        # The box of a thin 1 may have no place inside, but one place is always nearest to its centre.
        inside = nearest & ((near > 0.999) | ((near > 0.4) & (distances.min(axis=2) > LEAST_DISTANCE)))
        part = target[window]
        part[..., 0] = np.where(nearest, near, part[..., 0])
        part[..., 1] = np.where(inside, near, np.where(nearest, 0, part[..., 1]))
        part[..., 2] = np.where(inside, label, part[..., 2])
        part[inside, 3:7] = np.log(np.maximum(distances[inside], LEAST_DISTANCE) / UNIT)
    return target


def loss(target: Any, given: Any) -> Any:
    """Sum of focal loss of centres (Law and Deng 2018), cross-entropy of classes, and L1 of box sides, per centre."""
    counts = target[..., 1]
    near = ops.concatenate([target[..., :1], target[..., 7:]], axis=-1)
    logit = ops.concatenate([given[..., :1], given[..., OF_SIGNS]], axis=-1)
    is_centre = ops.cast(near > 0.999, "float32")
    chance = ops.sigmoid(logit)
    hit = is_centre * (1 - chance) ** 2 * ops.softplus(-logit)
    miss = (1 - is_centre) * (1 - near) ** 4 * chance**2 * ops.softplus(logit)
    wanted = ops.one_hot(ops.cast(ops.maximum(target[..., 2], 0), "int32"), 10)
    entropy = -ops.sum(wanted * ops.log_softmax(given[..., OF_CLASSES], axis=-1), axis=-1)
    off = ops.mean(ops.abs(target[..., 3:7] - given[..., OF_SIDES]), axis=-1)
    centres, weight = ops.maximum(ops.sum(is_centre), 1.0), ops.maximum(ops.sum(counts), 1.0)
    of_centres = ops.sum(ops.convert_to_tensor(WEIGHTS) * (hit + miss)) / centres
    return of_centres + ops.sum(counts * (entropy + 2 * off)) / weight


class Batches(keras.utils.PyDataset):
    """Batches of scenes of one shape each. Order, and which half is inverted, depend on seed and epoch alone."""

    def __init__(self, scenes: list[Seen], seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._scenes, self._seed = scenes, seed
        self.shuffle(0)

    def shuffle(self, epoch: int) -> None:
        """Switch to an epoch, counted from 0."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, self._epoch])
        self._batches = []
        for scenes in self._scenes:
            at_once = max(1, BATCH_PIXELS // scenes.pictures[0].size)
            order = rng.permutation(len(scenes.pictures))
            self._batches += [(scenes, order[start : start + at_once]) for start in range(0, len(order), at_once)]
        rng.shuffle(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        scenes, chosen = self._batches[index]
        pictures = scenes.pictures[chosen]
        inverted = np.random.default_rng([self._seed, self._epoch, index]).random(len(chosen)) < 0.5
        pictures[inverted] = 255 - pictures[inverted]
        return standardised(pictures), np.stack([targets(pictures.shape[1:], scenes.digits[each]) for each in chosen])


def train(learnt: list[Seen], held_out: list[Seen], epochs: int, seed: int, backup: Path) -> keras.Model:
    """Return the trained network. Resumes from the folder `backup` if an earlier run was stopped."""
    keras.utils.set_random_seed(seed)
    batches, network = Batches(learnt, seed), finder()
    network.compile(optimizer=adamw(epochs * len(batches), RATE), loss=loss)
    fit_shuffled(network, batches, Batches(held_out, seed), epochs, backup)
    return network
