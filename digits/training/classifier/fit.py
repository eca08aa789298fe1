"""Trains a recipe's network, so that it can be stopped and resumed; calibrates it, and saves it."""

import time
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import numpy.typing as npt

from digits.grids import to_input
from digits.inference.model_file import DEFAULT_THRESHOLD, places
from digits.training.classifier.batches import Batches, labels
from digits.training.classifier.checkpoint import Asked, Progress, load_checkpoint, save_checkpoint
from digits.training.data.datasets import Labelled
from digits.training.networks import standardise
from digits.training.recipes import Recipe

SETTLING_RATE = 0.1
"""Of the learning rate before, at its peak, while the network settles."""


class _Bookkeeping(keras.callbacks.Callback):
    """Writes down every epoch that ends."""

    def __init__(self, path: Path, progress: Progress, batches: Batches) -> None:
        super().__init__()
        self._path, self._progress, self._batches = path, progress, batches

    def on_epoch_begin(self, epoch: int, *_: Any) -> None:
        self._started = time.monotonic()
        self._batches.shuffle(epoch)
        # Keras does not keep the state of dropout's generators: each epoch starts them anew.
        for place, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout):
                state = np.random.SeedSequence([self._progress.asked.seed, epoch, place]).generate_state(2)
                layer.seed_generator.state.assign(state)

    def on_epoch_end(self, _: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._progress.history.setdefault(name, []).append(float(value))
        self._progress.seconds += time.monotonic() - self._started
        save_checkpoint(self._path, self.model, self._progress)


def fit(
    recipe: Recipe,
    train: Labelled,
    beside: Labelled,
    asked: Asked,
    checkpoint: Path,
    start: keras.Model | None = None,
) -> tuple[keras.Model, Progress]:
    """The trained network and how it came about; goes on from `checkpoint` where there is one.

    It is the one to `start` from, where that is given, else a fresh one of the recipe's. The digits `beside` only show
    how training goes. Raises DataError where the checkpoint is damaged or another run's.
    """
    model, progress = load_checkpoint(checkpoint, asked) or (None, Progress(asked))
    if model:
        print(f"Going on after epoch {progress.finished} of {asked.epochs}", flush=True)
    if progress.finished == asked.epochs:
        return model, progress
    started = time.monotonic()
    batches = Batches(recipe, train, asked, progress.finished)
    progress.seconds += time.monotonic() - started
    model = model or start or _fresh(recipe, train, asked.seed)
    first = 0
    for last, scale in ((recipe.learning_epochs(asked.epochs), 1), (asked.epochs, SETTLING_RATE)):
        if progress.finished == first < last:
            optimiser = recipe.optimiser((last - first) * len(batches), scale)
            model.compile(optimizer=optimiser, loss=_loss(recipe), metrics=["accuracy"])
        if progress.finished < last:
            model.fit(
                batches,
                validation_data=(to_input(beside.grids), labels(recipe, beside.digits)),
                initial_epoch=progress.finished,
                epochs=last,
                callbacks=[_Bookkeeping(checkpoint, progress, batches)],
                shuffle=False,  # The batches are shuffled already, and by the seed and the epoch alone.
            )
        first = last
    return model, progress


def _fresh(recipe: Recipe, train: Labelled, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = recipe.network()
    standardise(model, to_input(train.grids))
    return model


def _loss(recipe: Recipe) -> keras.losses.Loss:
    if recipe.loss == "sparse_categorical_crossentropy":
        return keras.losses.SparseCategoricalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


def fit_shuffled(network: keras.Model, batches: Any, held_out: Any, epochs: int, backup: Path) -> None:
    """Fits a compiled network to batches with a `shuffle(epoch)`; those held out show how it goes.

    Goes on from what is in the folder `backup`, where an earlier run was stopped.
    """
    shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.shuffle(epoch))
    network.fit(
        batches,
        validation_data=held_out,
        epochs=epochs,
        callbacks=[shuffle, keras.callbacks.BackupAndRestore(backup)],
        shuffle=False,
        verbose=2,
    )


def predict(model: keras.Model, grids: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (n, 28, 28) -> probabilities, float32 (n, 10)."""
    batches = np.split(to_input(grids), range(500, len(grids), 500))
    return np.concatenate([keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches])


def calibrate(model: keras.Model, held_out: Labelled, label_smoothing: float = 0) -> float:
    """Divides the last layer by the temperature that makes its probabilities honest; returns the temperature.

    Guo et al. 2017, "On Calibration of Modern Neural Networks". The predicted digits stay the same. With label
    smoothing, the probabilities become such as training with it would have them.
    """
    logits = np.log(np.maximum(predict(model, held_out.grids), 1e-12))
    temperatures = np.geomspace(0.2, 5, 200)
    losses = [_cross_entropy(logits / each, held_out.digits, label_smoothing) for each in temperatures]
    best = temperatures[np.argmin(losses)]
    last = model.layers[-1]
    last.set_weights([weights / best for weights in last.get_weights()])
    return float(best)


def _cross_entropy(logits: npt.NDArray[np.float32], digits: npt.NDArray[np.uint8], label_smoothing: float) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    wanted = (1 - label_smoothing) * logits[np.arange(len(digits)), digits] + label_smoothing * logits.mean(axis=1)
    return float((log_sums - wanted).mean())


def save(model: keras.Model, path: Path, threshold: float = DEFAULT_THRESHOLD) -> None:
    """Writes the .h5 and its threshold."""
    model.save(path, include_optimizer=False)
    with h5py.File(path, "r+") as file:
        file.attrs["threshold"] = threshold


def take_place(finished: Path, out: Path) -> None:
    """Moves a saved model, with its compiled form, to where it is served from."""
    for compiled, place in zip(places(finished), places(out), strict=True):
        if compiled.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            compiled.replace(place)
    finished.replace(out)
