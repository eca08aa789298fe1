"""Architectures of the networks.

Unless its docstring says otherwise, a network takes (28, 28, 1) in [0, 1], white on black, and gives ten probabilities.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from digits.grids import SIDE
from digits.inference.model_file import CLASSES


def cnn() -> Any:
    """The classifier that ships: five convolutions without pooling, of which the third has a stride of 2.

    Similar to the networks of An et al. 2020, "An Ensemble of Simple Convolutional Neural Network Models for MNIST
    Digit Recognition": no padding, batch normalisation and ReLU after each convolution, one dense layer.
    """
    from keras import Input, Model, layers

    picture = x = Input((SIDE, SIDE, 1))
    for filters, size, stride in ((24, 5, 1), (32, 5, 1), (64, 5, 2), (128, 3, 1), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return Model(picture, layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x)), name="cnn")


def verifier() -> Any:
    """The verifier, a small network: (28, 28, 1) in [0, 1] -> probability that this is a digit, (1,)."""
    from keras import Input, Model, layers

    picture = x = Input((SIDE, SIDE, 1))
    for filters, size, stride in ((32, 5, 2), (64, 3, 1), (96, 3, 2), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return Model(picture, layers.Dense(1, activation="sigmoid")(layers.Flatten()(x)), name="verifier")


def finder(height: int | None = None, width: int | None = None) -> Any:
    """The finder: (height, width, 1) with mean 0, sides multiples of 32 -> (height / 4, width / 4, 20).

    The channels of a place are the logit of being a digit's centre; the logits of the ten digits; the distances to the
    left, top, right and bottom of the digit's box, as natural logarithms in units of UNIT; and the logits of
    being the centre of each of SIGNS. UNIT and SIGNS are constants of digits.inference.detections.
    Fully convolutional, in the manner of Zhou et al. 2019, "Objects as Points", and Tian et al. 2019, "FCOS".
    """
    from keras import Input, Model, initializers, layers

    def convolved(x: Any, filters: int, size: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    picture = x = Input((height, width, 1), batch_size=1 if height else None)
    coarser: list[Any] = []
    for filters, blocks in ((8, 0), (16, 1), (32, 1), (64, 1), (96, 1)):
        x = layers.ReLU()(convolved(x, filters, 3 if coarser else 5, stride=2))
        for _ in range(blocks):
            inner = layers.ReLU()(convolved(x, filters))
            x = layers.ReLU()(layers.Add()([x, convolved(inner, filters)]))
        coarser.append(x)
    for filters, finer in ((64, coarser[3]), (32, coarser[2]), (32, coarser[1])):
        above = layers.UpSampling2D(2)(convolved(x, filters, 1))
        x = layers.ReLU()(layers.Add()([above, convolved(finer, filters, 1)]))
        x = layers.ReLU()(convolved(x, filters))
    # Hardly any place is a centre. These biases say so from the start, so the first steps need not learn it.
    rare = initializers.Constant(np.array([-4.0, *[0.0] * 14, *[-6.0] * 5], np.float32))
    return Model(picture, layers.Conv2D(20, 1, bias_initializer=rare)(x), name="finder")


def segmenter() -> Any:
    """The segmenter: (48, 48, 1) with mean 0 -> logits of the middle digit's ink, (24, 24, 4), 2x2 pixels a place."""
    from keras import Input, Model, layers

    def convolved(x: Any, filters: int, size: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    picture = Input((48, 48, 1))
    fine = convolved(picture, 16, 5, stride=2)
    middle = convolved(convolved(fine, 32, stride=2), 32)
    coarse = convolved(convolved(convolved(middle, 64, stride=2), 64), 64)
    x = layers.UpSampling2D(2)(convolved(coarse, 32, 1))
    x = convolved(layers.Add()([x, convolved(middle, 32, 1)]), 32)
    x = layers.UpSampling2D(2)(convolved(x, 16, 1))
    x = convolved(layers.Add()([x, fine]), 24)
    return Model(picture, layers.Conv2D(4, 3, padding="same")(x), name="segmenter")


def dense(*hidden: int, activation: str = "relu", dropout: float = 0, standardised: bool = False) -> Any:
    """Hidden dense layers with these numbers of units, each followed by dropout.

    If `standardised`, a layer standardises the pixels first; call `standardise` before training.
    """
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
    """Give the standardising layer, if there is one, mean and variance of each pixel, float32 (n, 28, 28, 1) in [0, 1].

    Pixels that never vary keep their scale, as in scikit-learn's StandardScaler: MNIST's corners would otherwise
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
    """Number of multiply-adds that the convolutions and dense layers need for one picture."""
    from keras import layers

    total = 0
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            positions = int(np.prod(layer.output.shape[1:-1]))
            total += positions * int(np.prod(layer.kernel.shape))
    return total
