"""MNIST from the first place that has it, and ways to divide it."""

import hashlib
import socket
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import DataError
from digits.grids import SIDE, to_grid
from digits.inference.model_file import CLASSES

MNIST = "MNIST"
SPLIT_SEED = 42
"""Of every division, whatever the seed of the training."""

_MNIST = (
    "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
)
"""Fingerprints of its training and test set."""
_PATIENCE = 30
"""Seconds that a download may stand still."""


class Labelled(NamedTuple):
    """Grids uint8 (n, 28, 28) and their digits uint8 (n,)."""

    grids: npt.NDArray[np.uint8]
    digits: npt.NDArray[np.uint8]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all grids and digits."""
        return hashlib.sha256(self.grids.tobytes() + self.digits.tobytes()).hexdigest()

    def part(self, indices: npt.NDArray[np.int64]) -> "Labelled":
        return Labelled(self.grids[indices], self.digits[indices])


class DataSet(NamedTuple):
    """Digits to learn from, and others to be judged by."""

    train: Labelled
    test: Labelled
    name: str
    """MNIST where it is just that, wherever it comes from."""
    source: str
    """Where it comes from."""


def read_npz(path: Path) -> DataSet:
    """MNIST from an .npz in Keras' format: x_train, y_train, x_test, y_test.

    Raises DataError where the file is missing, damaged or not MNIST's shape.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file), np.load(file, allow_pickle=False) as arrays:
            train = _checked(arrays["x_train"], arrays["y_train"])
            test = _checked(arrays["x_test"], arrays["y_test"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Name MNIST's .npz file, or leave it out to download it.") from error
    except Exception as error:  # The decoders below NumPy raise all kinds.
        raise DataError(
            f"{path} is not MNIST in Keras' .npz format ({error}). Get a fresh copy of mnist.npz."
        ) from error
    return _named(train, test, path.name, path.name)


def download_by_keras() -> DataSet:
    """MNIST as Keras has it, kept in ~/.keras."""
    import keras

    train, test = keras.datasets.mnist.load_data()
    return _named(_checked(*train), _checked(*test), "MNIST of Keras", "Keras' download")


def download_from_openml() -> DataSet:
    """MNIST as OpenML has it, kept in ~/scikit_learn_data: all 70,000, in MNIST's order."""
    from sklearn.datasets import fetch_openml

    values, digits = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    pooled = _checked(values.astype(np.uint8).reshape(-1, SIDE, SIDE), digits.astype(np.uint8))
    order = np.arange(len(pooled.digits))
    train, test = pooled.part(order[:60_000]), pooled.part(order[60_000:])
    return _named(train, test, "MNIST of OpenML", "OpenML's download")


def read_bundled() -> DataSet:
    """The 1,797 digits of 8x8 pixels that come with scikit-learn, scaled up, a fifth of them for the test."""
    from sklearn.datasets import load_digits

    small, digits = load_digits(return_X_y=True)
    large = [
        to_grid(cv2.resize(np.rint(picture * (255 / 16)).astype(np.uint8), (20, 20), interpolation=cv2.INTER_CUBIC))
        for picture in small.reshape(-1, 8, 8)
    ]
    pooled = _checked(np.stack(large), digits.astype(np.uint8))
    return DataSet(*divided(pooled, 0.2), "8x8 digits", "scikit-learn's own")


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
                with warnings.catch_warnings(action="ignore"):  # Of every attempt; the last error tells enough.
                    return sources[name]()
            except Exception as error:  # Keras raises no narrower one, and the next source may do.
                print(f"No data from {name}: {str(error).strip() or type(error).__name__}", flush=True)
    finally:
        socket.setdefaulttimeout(before)
    raise DataError("There is no data to learn from. Name MNIST's .npz file with --data.")


def divided(data: Labelled, share: float) -> tuple[Labelled, Labelled]:
    """Two parts, the second with so great a share, as scikit-learn's train_test_split gives them."""
    from sklearn.model_selection import train_test_split

    first, second = train_test_split(np.arange(len(data.digits)), test_size=share, random_state=SPLIT_SEED)
    return data.part(first), data.part(second)


def redivided(data: DataSet, test_share: float) -> DataSet:
    """Training and test set pooled, then divided anew."""
    pooled = Labelled(*(np.concatenate(arrays) for arrays in zip(data.train, data.test, strict=True)))
    return DataSet(*divided(pooled, test_share), f"{data.name}, divided anew", data.source)


def folds(data: Labelled, count: int) -> Iterator[tuple[Labelled, Labelled]]:
    """For each of `count` folds the digits to learn from, and those to be judged by, each digit once.

    Raises DataError where there are fewer of a digit than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if (fewest := int(np.bincount(data.digits).min())) < count:
        raise DataError(f"There are only {fewest} of some digit; that is too few for {count} folds.")
    for learnt, judged in StratifiedKFold(count).split(data.grids, data.digits):
        yield data.part(learnt), data.part(judged)


def _named(train: Labelled, test: Labelled, name: str, source: str) -> DataSet:
    is_mnist = (train.fingerprint, test.fingerprint) == _MNIST
    return DataSet(train, test, MNIST if is_mnist else name, source)


def _checked(grids: npt.NDArray[Any], digits: npt.NDArray[Any]) -> Labelled:
    if grids.dtype != np.uint8 or grids.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"pictures are {grids.dtype} {grids.shape}, not uint8 (n, {SIDE}, {SIDE})")
    if not np.issubdtype(digits.dtype, np.integer) or digits.shape != grids.shape[:1]:
        raise ValueError("the labels are not one digit for each picture")
    if not np.array_equal(np.unique(digits), np.arange(CLASSES)):
        raise ValueError("the labels are not the ten digits")
    return Labelled(grids, digits.astype(np.uint8))
