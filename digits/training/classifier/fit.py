"""Train a network so that it can be stopped and resumed; calibrate it, and save it."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import numpy.typing as npt

from digits.grids import to_input
from digits.inference.model_file import DEFAULT_THRESHOLD, Training, places
from digits.training.classifier.batches import Batches, labels
from digits.training.classifier.checkpoint import Asked, Progress, load_checkpoint, save_checkpoint
from digits.training.data.datasets import Labelled
from digits.training.interrupting import stop_between_batches
from digits.training.networks import standardise
from digits.training.recipes import Recipe

SETTLING_RATE = 0.1
"""Peak of the learning rate while the network settles, as a share of its peak before."""


class _Bookkeeping(keras.callbacks.Callback):
    """Starts each epoch by seed and number alone, and saves a checkpoint when it ends."""

    def __init__(self, path: Path, progress: Progress, batches: Batches) -> None:
        super().__init__()
        self._path, self._progress, self._batches = path, progress, batches

    def on_epoch_begin(self, epoch: int, *_: Any) -> None:
        self._started = time.monotonic()
        self._batches.shuffle(epoch)
        # Keras does not save the state of dropout's random generators, so each epoch sets it.
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
    """Train a network, and return it with its progress. Resumes from `checkpoint` if that exists.

    Training begins with the network `start`, or, without one, with a new network of the recipe. The digits `beside`
    are only evaluated after each epoch. A DataError is raised if the checkpoint is damaged or belongs to another run.
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
            with stop_between_batches() as stop:
                model.fit(
                    batches,
                    validation_data=(to_input(beside.grids), labels(recipe, beside.digits)),
                    initial_epoch=progress.finished,
                    epochs=last,
                    callbacks=[_Bookkeeping(checkpoint, progress, batches), stop],
                    shuffle=False,  # Batches are shuffled already, by seed and epoch alone.
                )
        first = last
    return model, progress


def _fresh(recipe: Recipe, train: Labelled, seed: int) -> keras.Model:
    """Return a new network of the recipe, standardised for these digits if it has such a layer."""
    keras.utils.set_random_seed(seed)
    model = recipe.network()
    standardise(model, to_input(train.grids))
    return model


def _loss(recipe: Recipe) -> keras.losses.Loss:
    """Return the recipe's loss."""
    if recipe.loss == "sparse_categorical_crossentropy":
        return keras.losses.SparseCategoricalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


def fit_shuffled(network: keras.Model, batches: Any, held_out: Any, epochs: int, backup: Path) -> None:
    """Train a compiled network on batches that have a method `shuffle(epoch)`. Held-out ones are only evaluated.

    Resumes from the folder `backup` if an earlier run was stopped.
    """
    shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.shuffle(epoch))
    with stop_between_batches() as stop:
        network.fit(
            batches,
            validation_data=held_out,
            epochs=epochs,
            callbacks=[shuffle, keras.callbacks.BackupAndRestore(backup), stop],
            shuffle=False,
            verbose=2,
        )


def predict(model: keras.Model, grids: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the probabilities, float32 (n, 10), for grids, uint8 (n, 28, 28)."""
    batches = np.split(to_input(grids), range(500, len(grids), 500))
    return np.concatenate([keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches])


def calibrate(model: keras.Model, held_out: Labelled, label_smoothing: float = 0) -> float:
    """Scale the last layer by the temperature with the lowest cross-entropy on held-out digits, and return it.

    This is the temperature scaling of Guo et al. 2017, "On Calibration of Modern Neural Networks". The predicted digits
    stay the same. With `label_smoothing`, the cross-entropy is that of smoothed labels.
    """
    logits = np.log(np.maximum(predict(model, held_out.grids), 1e-12))
    temperatures = np.geomspace(0.2, 5, 200)
    losses = [_cross_entropy(logits / each, held_out.digits, label_smoothing) for each in temperatures]
    best = temperatures[np.argmin(losses)]
    last = model.layers[-1]
    last.set_weights([weights / best for weights in last.get_weights()])
    return float(best)


def _cross_entropy(logits: npt.NDArray[np.float32], digits: npt.NDArray[np.uint8], label_smoothing: float) -> float:
    """Mean cross-entropy with labels smoothed by this share, in nats."""
    logits = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    wanted = (1 - label_smoothing) * logits[np.arange(len(digits)), digits] + label_smoothing * logits.mean(axis=1)
    return float((log_sums - wanted).mean())


def save(
    model: keras.Model, path: Path, threshold: float = DEFAULT_THRESHOLD, training: Training | None = None
) -> None:
    """Write the .h5 file, with the threshold and how it was trained as attributes."""
    model.save(path, include_optimizer=False)
    with h5py.File(path, "r+") as file:
        file.attrs["threshold"] = threshold
        if training:
            file.attrs.update(asdict(training))


def take_place(finished: Path, out: Path) -> None:
    """Move a saved model and its compiled form to where they are served from."""
    for compiled, place in zip(places(finished), places(out), strict=True):
        if compiled.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            compiled.replace(place)
    finished.replace(out)
