"""Recipes: how our model is trained, and those of five older systems with their own settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from digits.training import networks


def adam(_steps: int, _scale: float) -> Any:
    """Return Adam with Keras' defaults; both arguments are ignored."""
    import keras

    return keras.optimizers.Adam()


def nesterov(steps: int, scale: float) -> Any:
    """Return SGD with Nesterov momentum; its learning rate rises to 0.2 * `scale`, then falls to zero along a cosine.

    Gradients are clipped to a norm of 1: with little data, a step that is too large early on makes all units die.
    """
    import keras

    warm_up = max(1, steps // 20)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, steps - warm_up), warmup_target=0.2 * scale, warmup_steps=warm_up
    )
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.01, global_clipnorm=1.0)


def adamw(steps: int, rate: float) -> Any:
    """Return AdamW; its learning rate rises to `rate`, then falls to zero along a cosine."""
    import keras

    warm_up = max(1, steps // 30)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 20, decay_steps=max(1, steps - warm_up), warmup_target=rate, warmup_steps=warm_up
    )
    return keras.optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=5.0)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train a model, and where it comes from."""

    origin: str
    reported: str
    """Accuracy that its authors report, or empty."""
    network: Callable[[], Any]
    epochs: int
    batch_size: int
    loss: Literal["categorical_crossentropy", "sparse_categorical_crossentropy"] = "sparse_categorical_crossentropy"
    optimiser: Callable[[int, float], Any] = adam
    """Makes the optimiser, from the number of steps and a factor for its learning rate."""
    label_smoothing: float = 0
    augmented: bool = False
    """Whether each epoch changes every digit at random, and takes some from photographs, as serving sees them."""
    settling: float = 0
    """Share of the epochs, at the end, with a tenth of the learning rate and weaker augmentation.

    What a network is trained on last should look like what it will see in use: Touvron et al. 2019, "Fixing the
    train-test resolution discrepancy".
    """
    held_out: float = 0
    """Share of the training set that is held out, to show progress, to choose between seeds, and to calibrate."""
    test_share: float | None = None
    """If set, training and test set are pooled and split again, with this share for the test."""
    folds: int = 0
    """Folds of the cross-validation that comes first; 0 for none."""

    def learning_epochs(self, epochs: int) -> int:
        """Return how many of the epochs come before settling."""
        return epochs - int(epochs * self.settling)


RECIPES = {
    "cnn": Recipe(
        "this project",
        "",
        networks.cnn,
        epochs=42,
        batch_size=256,
        loss="categorical_crossentropy",
        optimiser=nesterov,
        label_smoothing=0.05,
        augmented=True,
        settling=2 / 7,
        held_out=1 / 12,
    ),
    "dense-50x50": Recipe(
        "NN_numbers",
        "",
        partial(networks.dense, 50, 50),
        epochs=5,
        batch_size=32,
    ),
    "scaled-128": Recipe(
        "mnist-classifier",
        "8x8 digits: 89.17%, cross-validation 83.4%",
        partial(networks.dense, 128, standardised=True),
        epochs=5,
        batch_size=200,
        test_share=0.2,
        folds=5,
    ),
    "dense-128": Recipe(
        "handigit-ai",
        "",
        partial(networks.dense, 128),
        epochs=10,
        batch_size=32,
        loss="categorical_crossentropy",
    ),
    "dropout-128x128": Recipe(
        "MNIST Digit Classification",
        "",
        partial(networks.dense, 128, 128, dropout=0.25),
        epochs=13,
        batch_size=32,
    ),
    "sigmoid-512x512": Recipe(
        "mnist-neural-network",
        "",
        partial(networks.dense, 512, 512, activation="sigmoid"),
        epochs=20,
        batch_size=128,
        loss="categorical_crossentropy",
    ),
}
