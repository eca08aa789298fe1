"""MNIST, from a file or from Keras' download."""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from digits.errors import DataError
from digits.grids import SIDE


class Labelled(NamedTuple):
    """Grids uint8 (n, 28, 28) and their digits uint8 (n,)."""

    grids: npt.NDArray[np.uint8]
    digits: npt.NDArray[np.uint8]


class Mnist(NamedTuple):
    """60,000 grids to learn from and 10,000 to be judged by, and where they came from."""

    train: Labelled
    test: Labelled
    source: str


def load_mnist(path: Path | None) -> Mnist:
    """MNIST from an .npz in Keras' format (x_train, y_train, x_test, y_test), or downloaded by Keras.

    Raises DataError where the file is missing, damaged or not MNIST's shape.
    """
    if path is None:
        import keras

        train, test = keras.datasets.mnist.load_data()
        return Mnist(Labelled(*train), Labelled(*test), "Keras' download of MNIST")
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
    return Mnist(train, test, str(path))


def _checked(grids: npt.NDArray[np.uint8], digits: npt.NDArray[np.uint8]) -> Labelled:
    if grids.dtype != np.uint8 or grids.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"pictures are {grids.dtype} {grids.shape}, not uint8 (n, {SIDE}, {SIDE})")
    if digits.shape != grids.shape[:1] or not np.isin(digits, range(10)).all():
        raise ValueError("the labels are not one digit for each picture")
    return Labelled(grids, digits)
