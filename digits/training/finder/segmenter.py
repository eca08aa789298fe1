"""What the segmenter learns, from digits of scenes as the finder frames them, and how."""

import math
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from digits.inference.network_input import standardised
from digits.inference.segmenter import SIDE, STRIDE
from digits.training.classifier.fit import fit_shuffled
from digits.training.finder.segmenter_pairs import Pairs
from digits.training.networks import segmenter
from digits.training.recipes import adamw

SCENES, EPOCHS, BATCH_SIZE = 15_000, 6, 128
RATE = 3e-3
"""The highest learning rate of AdamW."""


def to_target(inks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (n, 48, 48) -> shares of ink, float32 (n, 24, 24, 4), as the network gives them."""
    places = SIDE // STRIDE
    blocks = inks.reshape(-1, places, STRIDE, places, STRIDE).transpose(0, 1, 3, 2, 4)
    return blocks.reshape(-1, places, places, STRIDE * STRIDE).astype(np.float32) / np.float32(255)


class Batches(keras.utils.PyDataset):
    """Pairs, in an order by seed and epoch."""

    def __init__(self, pairs: Pairs, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._seen, self._inks = pairs
        self._seed = seed
        self.shuffle(0)

    def shuffle(self, epoch: int) -> None:
        """Turns to the batches of an epoch, counted from 0."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._seen))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / BATCH_SIZE)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        chosen = self._order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
        return standardised(self._seen[chosen]), to_target(self._inks[chosen])


def train(learnt: Pairs, held_out: Pairs, epochs: int, seed: int, backup: Path) -> keras.Model:
    """The network, trained; goes on from what is in the folder `backup`, where an earlier run was stopped."""
    keras.utils.set_random_seed(seed)
    batches, network = Batches(learnt, seed), segmenter()
    network.compile(
        optimizer=adamw(epochs * len(batches), RATE), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )
    fit_shuffled(network, batches, Batches(held_out, seed), epochs, backup)
    return network
