"""Read MNIST from the first source that has it, and split it."""

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
"""Name of a data set that is exactly MNIST."""
SPLIT_SEED = 42
"""Seed of every split, whatever the seed of the training."""

_MNIST = (
    "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
    "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
)
"""Fingerprints of MNIST's training and test set."""
_PATIENCE = 30
"""Seconds that a download may stall."""


class Labelled(NamedTuple):
    """Grids uint8 (n, 28, 28) and their digits uint8 (n,)."""

    grids: npt.NDArray[np.uint8]
    digits: npt.NDArray[np.uint8]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all grids and digits."""
        return hashlib.sha256(self.grids.tobytes() + self.digits.tobytes()).hexdigest()

    def part(self, indices: npt.NDArray[np.int64]) -> "Labelled":
        """Return the grids and digits at these indices."""
        return Labelled(self.grids[indices], self.digits[indices])


class DataSet(NamedTuple):
    """Digits to train on, and others to test on."""

    train: Labelled
    test: Labelled
    name: str
    """MNIST if it is exactly that, wherever it comes from; else a name of its own."""
    source: str
    """Where it comes from, in words."""


def read_npz(path: Path) -> DataSet:
    """Read MNIST from an .npz file in Keras' format: x_train, y_train, x_test, y_test.

    Raises:
        DataError: the file is missing, damaged, or not of MNIST's shape.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file), np.load(file, allow_pickle=False) as arrays:
            train = _checked(arrays["x_train"], arrays["y_train"])
            test = _checked(arrays["x_test"], arrays["y_test"])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist. Name MNIST's .npz file, or leave it out to download it.") from error
    except Exception as error:  # The decoders that NumPy calls raise many kinds.
        raise DataError(
            f"{path} is not MNIST in Keras' .npz format ({error}). Get a fresh copy of mnist.npz."
        ) from error
    return _named(train, test, path.name, path.name)


def download_by_keras() -> DataSet:
    """Download MNIST with Keras, which keeps it in ~/.keras."""
    import keras

    train, test = keras.datasets.mnist.load_data()
    return _named(_checked(*train), _checked(*test), "MNIST of Keras", "Keras' download")


def download_from_openml() -> DataSet:
    """Download MNIST from OpenML, all 70,000 in MNIST's order. scikit-learn keeps them in ~/scikit_learn_data."""
    from sklearn.datasets import fetch_openml

    values, digits = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    pooled = _checked(values.astype(np.uint8).reshape(-1, SIDE, SIDE), digits.astype(np.uint8))
    order = np.arange(len(pooled.digits))
    train, test = pooled.part(order[:60_000]), pooled.part(order[60_000:])
    return _named(train, test, "MNIST of OpenML", "OpenML's download")


def read_bundled() -> DataSet:
    """Read the 1,797 digits of 8x8 pixels that come with scikit-learn, and enlarge them. A fifth is the test set."""
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
"""Where digits can come from, in the order in which the sources are tried."""


def load_data(wanted: str | None, sources: Mapping[str, Callable[[], DataSet]] = SOURCES) -> DataSet:
    """Read the file or the source that is `wanted`, else the first source that can be reached.

    Prints a line for each source that fails.

    Raises:
        DataError: no source has data.
    """
    if wanted and wanted not in sources:
        return read_npz(Path(wanted))
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        for name in [wanted] if wanted else sources:
            try:
                with warnings.catch_warnings(action="ignore"):  # One for each attempt; the last error is enough.
                    return sources[name]()
            except Exception as error:  # Keras raises nothing narrower, and another source may work.
                print(f"No data from {name}: {str(error).strip() or type(error).__name__}", flush=True)
    finally:
        socket.setdefaulttimeout(before)
    raise DataError("There is no data to learn from. Name MNIST's .npz file with --data.")


def divided(data: Labelled, share: float) -> tuple[Labelled, Labelled]:
    """Split into two random parts, the second with this share, with scikit-learn's train_test_split."""
    from sklearn.model_selection import train_test_split

    first, second = train_test_split(np.arange(len(data.digits)), test_size=share, random_state=SPLIT_SEED)
    return data.part(first), data.part(second)


def redivided(data: DataSet, test_share: float) -> DataSet:
    """Pool training and test set, and split them again."""
    pooled = Labelled(*(np.concatenate(arrays) for arrays in zip(data.train, data.test, strict=True)))
    return DataSet(*divided(pooled, test_share), f"{data.name}, divided anew", data.source)


def folds(data: Labelled, count: int) -> Iterator[tuple[Labelled, Labelled]]:
    """Yield for each of `count` stratified folds the digits to train on, and those to test on.

    Raises:
        DataError: there are fewer examples of some digit than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if (fewest := int(np.bincount(data.digits).min())) < count:
        raise DataError(f"There are only {fewest} of some digit; that is too few for {count} folds.")
    for learnt, judged in StratifiedKFold(count).split(data.grids, data.digits):
        yield data.part(learnt), data.part(judged)


def _named(train: Labelled, test: Labelled, name: str, source: str) -> DataSet:
    """Return a data set, named MNIST if it is exactly that."""
    is_mnist = (train.fingerprint, test.fingerprint) == _MNIST
    return DataSet(train, test, MNIST if is_mnist else name, source)


def _checked(grids: npt.NDArray[Any], digits: npt.NDArray[Any]) -> Labelled:
    """Return pictures and labels as they are, if they have MNIST's form.

    Raises:
        ValueError: a type, a shape or the set of labels is another one.
    """
    if grids.dtype != np.uint8 or grids.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"pictures are {grids.dtype} {grids.shape}, not uint8 (n, {SIDE}, {SIDE})")
    if not np.issubdtype(digits.dtype, np.integer) or digits.shape != grids.shape[:1]:
        raise ValueError("the labels are not one digit for each picture")
    if not np.array_equal(np.unique(digits), np.arange(CLASSES)):
        raise ValueError("the labels are not the ten digits")
    return Labelled(grids, digits.astype(np.uint8))
