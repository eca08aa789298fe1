from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digits.errors import DataError
from digits.grids import DIGIT_SIDE, SIDE
from digits.training.data.datasets import (
    DataSet,
    Labelled,
    divided,
    folds,
    load_data,
    read_bundled,
    read_npz,
    redivided,
)


def test_mnist_is_read_from_a_file(mnist_like: Path) -> None:
    data = load_data(str(mnist_like))
    assert data.train.grids.shape == (1200, SIDE, SIDE)
    assert data.test.digits.tolist() == list(range(10)) * 10
    assert data.source == "mnist.npz"


def test_only_mnist_itself_is_called_so(mnist_like: Path) -> None:
    assert read_npz(mnist_like).name == "mnist.npz"


@pytest.mark.mnist
def test_mnist_is_known_by_its_pictures(mnist: DataSet) -> None:
    assert mnist.name == "MNIST"
    assert (len(mnist.train.digits), len(mnist.test.digits)) == (60_000, 10_000)


def without_labels(path: Path) -> None:
    np.savez(path, x_train=np.zeros((1, 28, 28), np.uint8))


def with_other_shape(path: Path) -> None:
    x, y = np.zeros((1, 32, 32), np.uint8), np.zeros(1, np.uint8)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_eleven_classes(path: Path) -> None:
    x, y = np.zeros((1, 28, 28), np.uint8), np.full(1, 10, np.uint8)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_a_digit_missing(path: Path) -> None:
    x, y = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 9
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_labels_that_are_no_whole_numbers(path: Path) -> None:
    x, y = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10 * 1.0
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_a_header_that_makes_no_sense(path: Path) -> None:
    np.savez(path, x_train=np.zeros((20, 28, 28), np.uint8))
    path.write_bytes(path.read_bytes().replace(b"(20, 28, 28)", b"(20, '28, 28"))


def with_objects(path: Path) -> None:
    np.savez(path, x_train=np.array([{"code": 1}], dtype=object))


@pytest.mark.parametrize(
    "spoil",
    [
        without_labels,
        with_other_shape,
        with_eleven_classes,
        with_a_digit_missing,
        with_labels_that_are_no_whole_numbers,
        with_a_header_that_makes_no_sense,
        with_objects,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PK\x03\x04 but no archive"),
        lambda path: path.write_text("5,0,0"),
    ],
)
def test_other_data_is_refused_with_a_sentence(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "mnist.npz"
    spoil(path)
    with pytest.raises(DataError, match=r"is not MNIST in Keras' \.npz format"):
        read_npz(path)


def test_a_cut_off_download_is_refused(tmp_path: Path, mnist_like: Path) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(mnist_like.read_bytes()[:-2000])
    with pytest.raises(DataError):
        read_npz(path)


def test_labels_of_any_whole_numbers_are_the_same_digits(tmp_path: Path, mnist_like: Path) -> None:
    data = read_npz(mnist_like)
    np.savez(
        tmp_path / "wide.npz",
        x_train=data.train.grids,
        y_train=data.train.digits.astype(np.int64),
        x_test=data.test.grids,
        y_test=data.test.digits.astype(np.int32),
    )
    again = read_npz(tmp_path / "wide.npz")
    assert again.train.digits.dtype == np.uint8
    assert again.train.fingerprint == data.train.fingerprint


def test_missing_data_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_data(str(tmp_path / "mnist.npz"))


def unreachable() -> DataSet:
    raise OSError("Name or service not known")


def test_the_first_source_that_can_be_reached_is_used_and_the_others_are_told(
    mnist_like: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load_data(None, {"keras": unreachable, "openml": lambda: read_npz(mnist_like), "scikit-learn": unreachable})
    assert data.source == "mnist.npz"
    assert capsys.readouterr().out == "No data from keras: Name or service not known\n"


def test_without_any_source_a_sentence_says_what_to_do() -> None:
    with pytest.raises(DataError, match="with --data"):
        load_data(None, {"keras": unreachable})


def test_a_source_that_is_asked_for_is_not_replaced_by_another(mnist_like: Path) -> None:
    with pytest.raises(DataError):
        load_data("keras", {"keras": unreachable, "openml": lambda: read_npz(mnist_like)})


def test_the_bundled_digits_have_the_form_of_mnist() -> None:
    data = read_bundled()
    assert (len(data.train.digits), len(data.test.digits)) == (1437, 360)
    assert data.name == "8x8 digits"
    assert data.train.grids.shape == (1437, SIDE, SIDE)
    rows, columns = (np.any(data.train.grids, axis=axis).sum(axis=1) for axis in (2, 1))
    assert np.maximum(rows, columns).max() <= DIGIT_SIDE
    assert np.maximum(rows, columns).mean() > DIGIT_SIDE - 2


def numbered(count: int) -> Labelled:
    """Pictures that can be told apart: their number is in their first pixels."""
    grids = np.zeros((count, SIDE, SIDE), np.uint8)
    grids[:, 0, 0], grids[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Labelled(grids, (np.arange(count) % 10).astype(np.uint8))


def numbers(part: Labelled) -> list[int]:
    return (part.grids[:, 0, 0].astype(int) * 256 + part.grids[:, 0, 1]).tolist()


def test_a_division_has_every_picture_once_with_its_digit() -> None:
    first, second = divided(numbered(500), 0.2)
    assert len(second.digits) == 100
    assert sorted(numbers(first) + numbers(second)) == list(range(500))
    assert [number % 10 for number in numbers(second)] == second.digits.tolist()


def test_dividing_anew_pools_training_and_test() -> None:
    data = redivided(DataSet(numbered(300), numbered(100), "here", "a file"), 0.2)
    assert (len(data.train.digits), len(data.test.digits)) == (320, 80)
    assert (data.name, data.source) == ("here, divided anew", "a file")


def test_folds_judge_every_picture_once() -> None:
    parts = list(folds(numbered(100), 5))
    assert sorted(number for _, judged in parts for number in numbers(judged)) == list(range(100))
    for learnt, judged in parts:
        assert sorted(numbers(learnt) + numbers(judged)) == list(range(100))
        assert np.bincount(judged.digits).tolist() == [2] * 10
