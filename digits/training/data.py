"""MNIST from the first place that has it, and ways to divide it."""

import hashlib
import socket
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import DataError
from digits.grids import SIDE, to_grid

SPLIT_SEED = 42
"""Of every division but the one into training and validation, as scikit-learn's users have it."""

_MNIST = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
"""Fingerprint of the real one."""
_PATIENCE = 30
"""Seconds that a download may stand still."""


class Labelled(NamedTuple):
    """Grids uint8 (n, 28, 28) and their digits uint8 (n,)."""

    grids: npt.NDArray[np.uint8]
    digits: npt.NDArray[np.uint8]

    def part(self, indices: npt.NDArray[np.int64]) -> "Labelled":
        return Labelled(self.grids[indices], self.digits[indices])


class DataSet(NamedTuple):
    """Digits to learn from, and others to be judged by."""

    train: Labelled
    test: Labelled
    source: str
    """Where they come from, for people."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all grids and digits."""
        digest = hashlib.sha256()
        for array in (*self.train, *self.test):
            digest.update(array.tobytes())
        return digest.hexdigest()

    @property
    def name(self) -> str:
        """MNIST where it is just that, wherever it comes from."""
        return "MNIST" if self.fingerprint == _MNIST else self.source


def read_npz(path: Path) -> DataSet:
    """MNIST from an .npz in Keras' format: x_train, y_train, x_test, y_test.

    Raises DataError where the file is missing, damaged or not MNIST's shape.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            train = _checked(arrays["x_train"], arrays["y_train"])
            test = _checked(arrays["x_test"], arrays["y_test"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Name MNIST's .npz file, or leave it out to download it.") from error
    except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} is not MNIST in Keras' .npz format ({error}). Get a fresh copy of mnist.npz."
        ) from error
    return DataSet(train, test, path.name)


def download_by_keras() -> DataSet:
    """MNIST as Keras has it, kept in ~/.keras."""
    import keras

    train, test = keras.datasets.mnist.load_data()
    return DataSet(_checked(*train), _checked(*test), "Keras' download")


def download_from_openml() -> DataSet:
    """MNIST as OpenML has it, kept in ~/scikit_learn_data: all 70,000, in MNIST's order."""
    from sklearn.datasets import fetch_openml

    values, digits = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    pooled = _checked(values.astype(np.uint8).reshape(-1, SIDE, SIDE), digits.astype(np.uint8))
    order = np.arange(len(pooled.digits))
    return DataSet(pooled.part(order[:60_000]), pooled.part(order[60_000:]), "OpenML's download")


def read_bundled() -> DataSet:
    """The 1,797 digits of 8x8 pixels that come with scikit-learn, scaled up, a fifth of them for the test."""
    from sklearn.datasets import load_digits

    small, digits = load_digits(return_X_y=True)
    large = [
        to_grid(cv2.resize(np.rint(picture * (255 / 16)).astype(np.uint8), (20, 20), interpolation=cv2.INTER_CUBIC))
        for picture in small.reshape(-1, 8, 8)
    ]
    pooled = _checked(np.stack(large), digits.astype(np.uint8))
    return DataSet(*divided(pooled, 0.2), "scikit-learn's 8x8 digits")


SOURCES: Mapping[str, Callable[[], DataSet]] = {
    "keras": download_by_keras,
    "openml": download_from_openml,
    "scikit-learn": read_bundled,
}
"""Places that have digits, in the order in which they are tried."""


def load_data(wanted: str | None, sources: Mapping[str, Callable[[], DataSet]] = SOURCES) -> DataSet:
    """From the file or the source that is `wanted`, else from the first source that can be reached; says which.

    Raises DataError where there is none.
    """
    if wanted and wanted not in sources:
        return read_npz(Path(wanted))
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        for name in [wanted] if wanted else sources:
            try:
                return sources[name]()
            except Exception as error:  # Keras raises no narrower one, and the next source may do.
                print(f"No data from {name}: {str(error).strip() or type(error).__name__}", flush=True)
    finally:
        socket.setdefaulttimeout(before)
    raise DataError("There is no data to learn from. Name MNIST's .npz file with --data.")


def divided(data: Labelled, share: float, seed: int = SPLIT_SEED) -> tuple[Labelled, Labelled]:
    """Two parts, the second with so great a share, as scikit-learn's train_test_split gives them."""
    from sklearn.model_selection import train_test_split

    first, second = train_test_split(np.arange(len(data.digits)), test_size=share, random_state=seed)
    return data.part(first), data.part(second)


def redivided(data: DataSet, test_share: float) -> DataSet:
    """Training and test set pooled, then divided anew."""
    pooled = Labelled(*(np.concatenate(arrays) for arrays in zip(data.train, data.test, strict=True)))
    return DataSet(*divided(pooled, test_share), f"{data.name}, divided anew")


def folds(data: Labelled, count: int) -> Iterator[tuple[Labelled, Labelled]]:
    """For each of `count` folds the digits to learn from, and those to be judged by, each digit once."""
    from sklearn.model_selection import StratifiedKFold

    for learnt, judged in StratifiedKFold(count).split(data.grids, data.digits):
        yield data.part(learnt), data.part(judged)


def _checked(grids: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8]) -> Labelled:
    if grids.dtype != np.uint8 or grids.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"pictures are {grids.dtype} {grids.shape}, not uint8 (n, {SIDE}, {SIDE})")
    if digits.shape != grids.shape[:1] or not np.isin(digits, range(10)).all():
        raise ValueError("the labels are not one digit for each picture")
    if len(np.unique(digits)) < 10:
        raise ValueError("not all ten digits are in it")
    return Labelled(grids, digits)
