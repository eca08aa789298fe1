"""The architectures: (28, 28, 1) in [0, 1], white on black -> the probabilities of the ten digits."""

from typing import Any

import numpy as np
import numpy.typing as npt

from digits.compiled import CLASSES
from digits.grids import SIDE


def cnn() -> Any:
    """The network that ships: two convolutions at full resolution, one with a stride, two more, no pooling.

    In the family of An et al. 2020, "An Ensemble of Simple Convolutional Neural Network Models for MNIST Digit
    Recognition": no padding, batch normalisation and ReLU after each convolution, one dense layer.
    """
    from keras import Input, Model, layers

    picture = x = Input((SIDE, SIDE, 1))
    for filters, size, stride in ((24, 5, 1), (32, 5, 1), (64, 5, 2), (128, 3, 1), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return Model(picture, layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x)), name="cnn")


def verifier() -> Any:
    """The small network that tells how likely a grid holds a digit: (28, 28, 1) in [0, 1] -> (1,)."""
    from keras import Input, Model, layers

    picture = x = Input((SIDE, SIDE, 1))
    for filters, size, stride in ((32, 5, 2), (64, 3, 1), (96, 3, 2), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return Model(picture, layers.Dense(1, activation="sigmoid")(layers.Flatten()(x)), name="verifier")


def dense(*hidden: int, activation: str = "relu", dropout: float = 0, standardised: bool = False) -> Any:
    """Hidden layers of so many units, each with its share of dropout; `standardised` pixels need `standardise`."""
    from keras import Input, Sequential, layers

    network = Sequential([Input((SIDE, SIDE, 1)), layers.Flatten()])
    if standardised:
        network.add(layers.Normalization())
    for units in hidden:
        network.add(layers.Dense(units, activation=activation))
        if dropout:
            network.add(layers.Dropout(dropout))
    network.add(layers.Dense(CLASSES, activation="softmax"))
    return network


def standardise(network: Any, pictures: npt.NDArray[np.float32]) -> None:
    """Teaches a standardising layer the mean and variance of each pixel, float32 (n, 28, 28, 1) in [0, 1].

    Pixels that never vary keep their scale, as in scikit-learn's StandardScaler: MNIST's corners would else
    be divided by zero.
    """
    from keras import layers

    for layer in network.layers:
        if isinstance(layer, layers.Normalization):
            flat = pictures.reshape(len(pictures), -1)
            variance = np.where(np.ptp(flat, axis=0) == 0, 1, flat.var(axis=0, dtype=np.float64))
            layer.set_weights([flat.mean(axis=0, dtype=np.float64), variance, np.array(len(flat))])
            layer.finalize_state()


def multiply_adds(network: Any) -> int:
    """What one picture costs in the convolutions and dense layers."""
    from keras import layers

    total = 0
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            positions = int(np.prod(layer.output.shape[1:-1]))
            total += positions * int(np.prod(layer.kernel.shape))
    return total
