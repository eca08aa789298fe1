"""Fits the model, calibrates it on held-out pictures, and saves it."""

import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np
import numpy.typing as npt

from digits.compiled import DEFAULT_THRESHOLD
from digits.grids import to_input
from digits.training.augment import augment
from digits.training.data import Labelled

PEAK_LEARNING_RATE = 0.2
LABEL_SMOOTHING = 0.05


class AugmentedBatches(keras.utils.PyDataset):
    """Shuffled batches of augmented grids; the same seed gives the same batches."""

    def __init__(self, data: Labelled, batch_size: int, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._data, self._batch_size = data, batch_size
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(data.digits))

    def __len__(self) -> int:
        return len(self._data.digits) // self._batch_size

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng(self._rng.bit_generator.seed_seq.spawn(1)[0])  # type: ignore[attr-defined]
        grids = np.stack([augment(grid, rng) for grid in self._data.grids[chosen]])
        return to_input(grids), one_hot(self._data.digits[chosen])

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._data.digits))


def fit(model: keras.Model, train: Labelled, validation: Labelled, epochs: int, batch_size: int, seed: int) -> None:
    """Trains in place: SGD with Nesterov momentum, one warm-up epoch, then cosine decay to zero."""
    batches = AugmentedBatches(train, batch_size, seed)
    steps = epochs * len(batches)
    warm_up = min(len(batches), steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=steps - warm_up, warmup_target=PEAK_LEARNING_RATE, warmup_steps=warm_up
    )
    model.compile(
        optimizer=keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )
    held_out = (to_input(validation.grids), one_hot(validation.digits))
    model.fit(batches, validation_data=held_out, epochs=epochs)


def calibrate(model: keras.Model, validation: Labelled) -> float:
    """Divides the last layer by the temperature that makes its probabilities honest; returns the temperature.

    Guo et al. 2017, "On Calibration of Modern Neural Networks". The predicted digits stay the same.
    """
    probabilities = model.predict(to_input(validation.grids), batch_size=500, verbose=0)
    logits = np.log(np.maximum(probabilities, 1e-12))
    temperatures = np.geomspace(0.2, 5, 200)
    best = min(temperatures, key=lambda temperature: _cross_entropy(logits / temperature, validation.digits))
    last = model.layers[-1]
    last.set_weights([weights / best for weights in last.get_weights()])
    return float(best)


def _cross_entropy(logits: npt.NDArray[np.float32], digits: npt.NDArray[np.uint8]) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    return float((log_sums - logits[np.arange(len(digits)), digits]).mean())


def accuracy(model: keras.Model, data: Labelled) -> float:
    """The share of right answers."""
    probabilities = model.predict(to_input(data.grids), batch_size=500, verbose=0)
    return float((probabilities.argmax(axis=1) == data.digits).mean())


def save(model: keras.Model, path: Path) -> None:
    """Writes the .h5 and its threshold beside the old one, then replaces the old one in one step."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        temporary = Path(folder, path.name)
        model.save(temporary, include_optimizer=False)
        with h5py.File(temporary, "r+") as file:
            file.attrs["threshold"] = DEFAULT_THRESHOLD
        temporary.replace(path)


def one_hot(digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.eye(10, dtype=np.float32)[digits]


def split(data: Labelled, held_out: int, seed: int) -> tuple[Labelled, Labelled]:
    """A shuffled split: all but `held_out` pictures to learn from, and those held out."""
    order = np.random.default_rng(seed).permutation(len(data.digits))
    kept, held = order[: len(order) - held_out], order[len(order) - held_out :]
    return Labelled(data.grids[kept], data.digits[kept]), Labelled(data.grids[held], data.digits[held])
