"""Trains the verifier, which tells how likely a grid holds a digit: `python -m digits.training.verifier`.

It learns from MNIST's digits in many hands, as photographs and as cut from digits that touch, against what is no
digit (negatives.py, segments.py), half of each, and writes digits/verifier.tflite.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from digits.compile import export
from digits.compiled import DEFAULT_THRESHOLD
from digits.errors import DataError
from digits.grids import SIDE, to_grid, to_input
from digits.recogniser import VERIFIER
from digits.settings import usable_cpus
from digits.training.augment import augment
from digits.training.data import Labelled, divided, load_data
from digits.training.disturbances import disturbed
from digits.training.negatives import negative
from digits.training.networks import verifier
from digits.training.photographs import as_served
from digits.training.recipes import RECIPES, nesterov
from digits.training.segments import segments
from digits.training.styles import in_another_style

Grids = npt.NDArray[np.uint8]

EPOCHS, BATCH_SIZE = 16, 256
NEGATIVES, PHOTOGRAPHS, ROWS = 100_000, 16_000, 8_000
"""How many of each are made: things that are no digits, photographs of digits, and rows of digits that touch."""
PHOTOGRAPHED, CUT = 0.25, 0.25
"""Shares of the digits that come from photographs and from rows."""
WRONGLY_CUT = 0.3
"""Share of what is no digit that comes from rows."""
DISTURBED = 0.1
_AT_ONCE = 500


class Examples(keras.utils.PyDataset):
    """Batches of digits and of what is none, in turn: float32 (n, 28, 28, 1) and float32 (n, 1)."""

    def __init__(self, data: Labelled, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._data = data
        self._rng = np.random.default_rng(seed)
        self._photographs = made(_photographs, data, PHOTOGRAPHS, seed)
        self._right, self._wrong = cut_from_rows(data, ROWS, seed)
        self._negatives = made(_negatives, data, NEGATIVES, seed)

    def __len__(self) -> int:
        return 2 * len(self._data.digits) // BATCH_SIZE

    def __getitem__(self, _: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        is_digit = self._rng.random(BATCH_SIZE) < 0.5
        grids = [self._seen(self._digit() if wanted else self._no_digit()) for wanted in is_digit]
        return to_input(np.stack(grids)), is_digit.astype(np.float32)[:, np.newaxis]

    def _digit(self) -> npt.NDArray[np.uint8]:
        chance = self._rng.random()
        if chance < PHOTOGRAPHED:
            return self._one_of(self._photographs)
        if chance < PHOTOGRAPHED + CUT:
            return self._one_of(self._right)
        place = self._rng.integers(len(self._data.digits))
        return in_another_style(self._data.grids[place], self._data.digits[place], self._rng)

    def _no_digit(self) -> npt.NDArray[np.uint8]:
        return self._one_of(self._wrong if self._rng.random() < WRONGLY_CUT else self._negatives)

    def _one_of(self, grids: Grids) -> npt.NDArray[np.uint8]:
        return grids[self._rng.integers(len(grids))]

    def _seen(self, grid: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        grid = augment(grid, self._rng, 0.7)
        return disturbed(grid, self._rng) if self._rng.random() < DISTURBED else grid


def made(make: Callable[[Labelled, int, list[int]], Grids], data: Labelled, count: int, seed: int) -> Grids:
    """uint8 (count, 28, 28) by `make`, in a process for each CPU; the same for a seed, however many there are."""
    return np.concatenate(list(_shared(make, data, count, seed)))


def cut_from_rows(data: Labelled, rows: int, seed: int) -> tuple[Grids, Grids]:
    """Segments of so many rows of touching digits: those that are digits, and those that are none."""
    parts = list(_shared(_segments, data, rows, seed))
    return np.concatenate([right for right, _ in parts]), np.concatenate([wrong for _, wrong in parts])


def _shared(make: Callable[..., object], data: Labelled, count: int, seed: int) -> Iterator:
    print(f"Making {count:,}: {make.__name__.strip('_')}", flush=True)
    starts = range(0, count, _AT_ONCE)
    with ProcessPoolExecutor(usable_cpus(), initializer=partial(cv2.setNumThreads, 1)) as processes:
        yield from processes.map(partial(make, data, _AT_ONCE), [[seed, start] for start in starts])


def _negatives(data: Labelled, count: int, seed: list[int]) -> Grids:
    rng = np.random.default_rng(seed)
    sheets = (negative(data.grids[rng.integers(0, len(data.grids), 3)], rng) for _ in range(count))
    return np.stack([to_grid(np.clip(sheet * 255, 0, 255).astype(np.uint8)) for sheet in sheets])


def _photographs(data: Labelled, count: int, seed: list[int]) -> Grids:
    rng = np.random.default_rng(seed)
    places = rng.integers(0, len(data.grids), count)
    return np.stack([as_served(_styled(data, place, rng), rng) for place in places])


def _segments(data: Labelled, count: int, seed: list[int]) -> tuple[Grids, Grids]:
    rng = np.random.default_rng(seed)
    cut: dict[bool, list[npt.NDArray[np.uint8]]] = {True: [], False: []}
    for _ in range(count):
        places = rng.integers(0, len(data.grids), int(rng.integers(2, 5)))
        for grid, is_digit in segments(np.stack([_styled(data, place, rng) for place in places]), rng):
            cut[is_digit].append(grid)
    return np.stack(cut[True]), np.stack(cut[False])


def _styled(data: Labelled, place: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    return in_another_style(data.grids[place], data.digits[place], rng)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m digits.training.verifier", description=__doc__)
    parser.add_argument("--data", metavar="FILE.npz", help="MNIST in Keras' format; default MNIST_NPZ, else downloaded")
    parser.add_argument("--epochs", type=int, default=EPOCHS, metavar="N", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.add_argument("--out", type=Path, default=VERIFIER, metavar="FILE.tflite", help="default %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        data = load_data(chosen.data or os.environ.get("MNIST_NPZ"))
    except DataError as error:
        sys.exit(str(error))
    train, held_out = divided(data.train, RECIPES["cnn"].held_out)
    keras.utils.set_random_seed(chosen.seed)
    examples, network = Examples(train, chosen.seed), verifier()
    network.compile(optimizer=nesterov(chosen.epochs * len(examples), 1), loss="binary_crossentropy")
    network.fit(examples, epochs=chosen.epochs, verbose=2)
    report(network, held_out, chosen.seed)
    chosen.out.write_bytes(export(keras.Model(picture := keras.Input((SIDE, SIDE, 1), 1), network(picture)), int8=True))


def report(network: keras.Model, held_out: Labelled, seed: int) -> None:
    """Prints how well digits, and what is none, of hands that were not learnt from are told apart."""
    right, wrong = cut_from_rows(held_out, 500, seed)
    digits = {
        "digits": held_out.grids,
        "photographs of digits": made(_photographs, held_out, 2000, seed),
        "digits cut from rows": right,
    }
    others = {"no digits": made(_negatives, held_out, 5000, seed), "wrongly cut": wrong}
    seen = {name: network.predict(to_input(grids), verbose=0)[:, 0] for name, grids in (digits | others).items()}
    refused = np.concatenate([seen[name] for name in others])
    for name in digits:
        auroc = roc_auc_score([1] * len(seen[name]) + [0] * len(refused), np.concatenate([seen[name], refused]))
        print(f"{name:<24}AUROC {auroc:.4f}, refused {(seen[name] < DEFAULT_THRESHOLD).mean():.2%}")
    for name in others:
        print(f"{name:<24}taken for digits {(seen[name] >= DEFAULT_THRESHOLD).mean():.2%}")


if __name__ == "__main__":
    main()
