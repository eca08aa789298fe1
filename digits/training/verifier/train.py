"""Train the verifier, which tells how likely a grid holds a digit."""

from typing import Any

import numpy as np

from digits.errors import ModelError
from digits.training.networks import verifier
from digits.training.recipes import nesterov
from digits.training.scenes.writing import Writers
from digits.training.verifier.examples import BATCH_SIZE, Examples

EPOCHS = 8
"""Default; an epoch has twice as many examples as there are digits of MNIST to train on."""


def train(writers: Writers, scenes: int, epochs: int, seed: int) -> Any:
    """Train a verifier, a Keras model, on MNIST's digits and on what is found in this many scenes.

    Raises:
        ModelError: training diverged.
    """
    import keras

    keras.utils.set_random_seed(seed)
    learnt, network = Examples(writers, scenes, seed), verifier()
    steps = max(1, 2 * len(writers.mnist.digits) // BATCH_SIZE)
    network.compile(optimizer=nesterov(epochs * steps, 1), loss="binary_crossentropy")
    fitted = network.fit(learnt.batches(), steps_per_epoch=steps, epochs=epochs, shuffle=False)
    if not np.isfinite(fitted.history["loss"][-1]):
        raise ModelError("Training came to no finite numbers. The verifier is as it was; try another seed.")
    return network
