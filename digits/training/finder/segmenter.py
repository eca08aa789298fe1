"""Train the segmenter on digits of scenes, framed about as exactly as by the finder."""

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
"""Scenes and epochs by default, and pairs in a batch."""
RATE = 3e-3
"""The highest learning rate of AdamW."""


def to_target(inks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return ink, uint8 (n, 48, 48), as shares in the network's output format, float32 (n, 24, 24, 4)."""
    places = SIDE // STRIDE
    blocks = inks.reshape(-1, places, STRIDE, places, STRIDE).transpose(0, 1, 3, 2, 4)
    return blocks.reshape(-1, places, places, STRIDE * STRIDE).astype(np.float32) / np.float32(255)


class Batches(keras.utils.PyDataset):
    """Batches of pairs. Their order depends on seed and epoch alone."""

    def __init__(self, pairs: Pairs, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._seen, self._inks = pairs
        self._seed = seed
        self.shuffle(0)

    def shuffle(self, epoch: int) -> None:
        """Switch to an epoch, counted from 0."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._seen))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / BATCH_SIZE)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        chosen = self._order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
        return standardised(self._seen[chosen]), to_target(self._inks[chosen])


def train(learnt: Pairs, held_out: Pairs, epochs: int, seed: int, backup: Path) -> keras.Model:
    """Return the trained network. Resumes from the folder `backup` if an earlier run was stopped."""
    keras.utils.set_random_seed(seed)
    batches, network = Batches(learnt, seed), segmenter()
    network.compile(
        optimizer=adamw(epochs * len(batches), RATE), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )
    fit_shuffled(network, batches, Batches(held_out, seed), epochs, backup)
    return network
