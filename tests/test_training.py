import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from digits.errors import DataError
from digits.grids import SIDE, to_grid
from digits.training.augment import augment
from digits.training.data import load_mnist
from tests.conftest import ROOT
from tests.drawing import draw


@pytest.fixture(scope="session")
def mnist_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz of MNIST's form, small, with the digits of tests/drawing.py in place of people's."""
    rng = np.random.default_rng(0)
    originals = []
    for digit in "0123456789":
        ink = draw(digit)
        x, y, width, height = cv2.boundingRect(ink)
        originals.append(to_grid(ink[y : y + height, x : x + width]))
    sets = {}
    for name, count in (("train", 6000), ("test", 100)):
        digits = np.arange(count, dtype=np.uint8) % 10
        sets[f"x_{name}"] = np.stack([augment(originals[digit], rng) for digit in digits])
        sets[f"y_{name}"] = digits
    path = tmp_path_factory.mktemp("data") / "mnist.npz"
    np.savez(path, **sets)
    return path


def test_mnist_is_read_from_a_file(mnist_like: Path) -> None:
    mnist = load_mnist(mnist_like)
    assert mnist.train.grids.shape == (6000, SIDE, SIDE)
    assert mnist.test.digits.tolist() == list(range(10)) * 10
    assert mnist.source == str(mnist_like)


def without_labels(path: Path) -> None:
    np.savez(path, x_train=np.zeros((1, 28, 28), np.uint8))


def with_other_shape(path: Path) -> None:
    x, y = np.zeros((1, 32, 32), np.uint8), np.zeros(1, np.uint8)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_eleven_classes(path: Path) -> None:
    x, y = np.zeros((1, 28, 28), np.uint8), np.full(1, 10, np.uint8)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)


def with_objects(path: Path) -> None:
    np.savez(path, x_train=np.array([{"code": 1}], dtype=object))


@pytest.mark.parametrize(
    "spoil",
    [
        without_labels,
        with_other_shape,
        with_eleven_classes,
        with_objects,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PK\x03\x04 but no archive"),
        lambda path: path.write_text("5,0,0"),
    ],
)
def test_other_data_is_refused_with_a_sentence(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "mnist.npz"
    spoil(path)  # type: ignore[operator]
    with pytest.raises(DataError, match=r"is not MNIST in Keras' \.npz format"):
        load_mnist(path)


def test_a_cut_off_download_is_refused(tmp_path: Path, mnist_like: Path) -> None:
    path = Path(shutil.copy(mnist_like, tmp_path))
    path.write_bytes(mnist_like.read_bytes()[:-2000])
    with pytest.raises(DataError):
        load_mnist(path)
    assert zipfile.is_zipfile(mnist_like)


def test_missing_data_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_mnist(tmp_path / "mnist.npz")


def test_augmentation_changes_a_digit_a_little_and_is_repeated_by_its_seed(mnist_like: Path) -> None:
    grid = load_mnist(mnist_like).train.grids[3]
    one, same, other = (augment(grid, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.shape == (SIDE, SIDE)
    assert one.dtype == np.uint8
    assert 0.5 < one.sum() / grid.sum() < 2


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "keras-mnist.py"), *map(str, arguments)]


@pytest.mark.slow
def test_training_writes_a_model_that_serves(tmp_path: Path, mnist_like: Path) -> None:
    out = tmp_path / "trained.h5"
    done = subprocess.run(
        command("--data", mnist_like, "--out", out, "--epochs", 12, "--batch-size", 50),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Epoch 12/12" in done.stdout
    assert "━" in done.stdout  # Keras' progress bar.
    assert f"Written:               {out}" in done.stdout
    accuracy = float(done.stdout.partition("Test accuracy:")[2].partition("%")[0])
    assert accuracy >= 90
    with h5py.File(out) as file:
        assert file.attrs["threshold"] == 0.5

    from digits.compiled import load_compiled
    from digits.recogniser import LiteRTRecogniser

    test = load_mnist(mnist_like).test
    predictions = LiteRTRecogniser(load_compiled(out)).predict(list(test.grids))
    served = np.mean([prediction.digit for prediction in predictions] == test.digits)
    assert served == pytest.approx(accuracy / 100, abs=0.001)


@pytest.mark.slow
def test_an_interrupted_run_leaves_the_model_as_it_was(tmp_path: Path, mnist_like: Path) -> None:
    out = tmp_path / "model.h5"
    out.write_bytes(b"the model that serves")
    training = subprocess.Popen(
        command("--data", mnist_like, "--out", out, "--epochs", 1000),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert training.stdout is not None
    for line in training.stdout:
        if "Epoch 2/1000" in line:
            break
    time.sleep(0.2)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
    assert training.returncode == 1
    assert errors.strip().endswith(f"Stopped before the end; {out} is as it was.")
    assert out.read_bytes() == b"the model that serves"
    assert [path.name for path in tmp_path.iterdir()] == ["model.h5"]


@pytest.mark.slow
def test_bad_data_stops_the_command_with_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        command("--data", tmp_path / "mnist.npz"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}/mnist.npz does not exist. Name MNIST's .npz file, or leave it out to download it.\n"
    )
