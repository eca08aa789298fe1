"""Trains a recipe's network, so that it can be stopped and resumed; calibrates it, and saves it."""

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import numpy.typing as npt

from digits.compiled import DEFAULT_THRESHOLD
from digits.grids import to_input
from digits.training.augment import augment
from digits.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from digits.training.data import Labelled
from digits.training.networks import CLASSES, standardise
from digits.training.photographs import all_as_served
from digits.training.recipes import Recipe

PHOTOGRAPHED = 0.2
"""Share of the digits in an augmented epoch that were photographed and came back by serving's road."""


class Batches(keras.utils.PyDataset):
    """Shuffled batches of one epoch after another; a function of seed and epoch, however training came there."""

    def __init__(self, recipe: Recipe, data: Labelled, batch_size: int, seed: int, epoch: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._recipe, self._data, self._batch_size, self._seed = recipe, data, batch_size, seed
        self._photographed: npt.NDArray[np.uint8] | None = None
        if recipe.augmented:
            print(f"Photographing {len(data.digits):,} digits", flush=True)
            self._photographed = all_as_served(data.grids, seed)
        self._shuffle(epoch)

    def _shuffle(self, epoch: int) -> None:
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
            grids = np.stack([augment(grid, rng) for grid in grids])
        return to_input(grids), labels(self._recipe, self._data.digits[chosen])

    def on_epoch_end(self) -> None:
        self._shuffle(self._epoch + 1)


class _Checkpoints(keras.callbacks.Callback):
    """Writes down every epoch that ends."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__()
        self._path, self._progress = path, progress

    def on_epoch_begin(self, epoch: int, *_: Any) -> None:
        self._started = time.monotonic()
        # Keras does not keep the state of dropout's generators: each epoch starts them anew.
        for place, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout):
                state = np.random.SeedSequence([self._progress.seed, epoch, place]).generate_state(2)
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
    run: Progress,
    checkpoint: Path,
) -> tuple[keras.Model, Progress]:
    """The trained network and how it came about; goes on from `checkpoint` where it is this run's.

    The digits `beside` only show how training goes.
    Raises DataError where the checkpoint is damaged or another run's.
    """
    model, run = load_checkpoint(checkpoint, run) or (None, run)
    if model and run.finished == run.epochs:
        return model, run
    batches = Batches(recipe, train, run.batch_size, run.seed, run.finished)
    model = model or _fresh(recipe, train, run.seed, run.epochs * len(batches))
    model.fit(
        batches,
        validation_data=(to_input(beside.grids), labels(recipe, beside.digits)),
        initial_epoch=run.finished,
        epochs=run.epochs,
        callbacks=[_Checkpoints(checkpoint, run)],
        shuffle=False,  # The batches are shuffled already, and by the seed and the epoch alone.
    )
    return model, run


def _fresh(recipe: Recipe, train: Labelled, seed: int, steps: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = recipe.network()
    standardise(model, to_input(train.grids))
    model.compile(optimizer=recipe.optimiser(steps), loss=_loss(recipe), metrics=["accuracy"])
    return model


def _loss(recipe: Recipe) -> keras.losses.Loss:
    if recipe.loss == "sparse_categorical_crossentropy":
        return keras.losses.SparseCategoricalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


def labels(recipe: Recipe, digits: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Digits uint8 (n,) as the recipe's loss takes them: as they are, or one-hot float32 (n, 10)."""
    if recipe.loss == "sparse_categorical_crossentropy":
        return digits
    return np.eye(CLASSES, dtype=np.float32)[digits]


def predict(model: keras.Model, grids: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (n, 28, 28) -> probabilities, float32 (n, 10)."""
    batches = np.split(to_input(grids), range(500, len(grids), 500))
    return np.concatenate([keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches])


def calibrate(model: keras.Model, held_out: Labelled) -> float:
    """Divides the last layer by the temperature that makes its probabilities honest; returns the temperature.

    Guo et al. 2017, "On Calibration of Modern Neural Networks". The predicted digits stay the same.
    """
    logits = np.log(np.maximum(predict(model, held_out.grids), 1e-12))
    temperatures = np.geomspace(0.2, 5, 200)
    best = min(temperatures, key=lambda temperature: _cross_entropy(logits / temperature, held_out.digits))
    last = model.layers[-1]
    last.set_weights([weights / best for weights in last.get_weights()])
    return float(best)


def _cross_entropy(logits: npt.NDArray[np.float32], digits: npt.NDArray[np.uint8]) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    return float((log_sums - logits[np.arange(len(digits)), digits]).mean())


def save(model: keras.Model, path: Path) -> None:
    """Writes the .h5 and its threshold beside the old one, then replaces the old one in one step."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        temporary = Path(folder, path.name)
        model.save(temporary, include_optimizer=False)
        with h5py.File(temporary, "r+") as file:
            file.attrs["threshold"] = DEFAULT_THRESHOLD
        temporary.replace(path)
