"""`keras-mnist.py --corrections` as its users run it, on digits drawn for the test."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.pictures.backhand import photos
from digits.inference.model_file import load_compiled, sha256_of
from digits.settings import Settings
from digits.training.command import main
from digits.training.data.datasets import Labelled, read_npz
from digits.uploads.blobs import open_storage, prepare_storage
from digits.uploads.database import SqlRecords
from digits.uploads.service import keep_uploads, recognise_upload
from support.drawing import png
from tests.databases import made
from tests.fakes import TemplateRecogniser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Of Keras' own making.
]

Correct = Callable[[list[tuple[str, bytes]]], None]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, mnist_like: Path) -> Path:
    """A folder with a small model of little training, and its report."""
    folder = tmp_path_factory.mktemp("trained")
    options = ["--recipe", "dense-128", "--data", str(mnist_like), "--out", str(folder / "small.h5"), "--epochs", "1"]
    main([*options, "--report", str(folder / "report")])
    return folder


@pytest.fixture
def model(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that model, which serves."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("DIGITS_MODEL", str(tmp_path / "small.h5"))
    return tmp_path / "small.h5"


@pytest.fixture
def correct(tmp_path: Path, recogniser: TemplateRecogniser, monkeypatch: pytest.MonkeyPatch) -> Correct:
    """Keeps pictures as a server does, with what a person says is written in them."""
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "uploads"))

    def keep(corrected: list[tuple[str, bytes]]) -> None:
        settings = Settings.read()
        prepare_storage(settings.storage)
        uploads = [recognise_upload(picture, recogniser, settings.max_pixels) for _, picture in corrected]
        with made(settings.database) as engine:
            records = SqlRecords(engine)
            keep_uploads(uploads, open_storage(settings.storage), records)
            for upload, (label, _) in zip(uploads, corrected, strict=True):
                records.label(upload.record.id, label, datetime.now(UTC))

    return keep


def test_a_model_learns_a_hand_and_takes_the_place_of_the_one_that_is_kept(
    tmp_path: Path,
    mnist_like: Path,
    model: Path,
    correct: Correct,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("digits.training.classifier.learning.LEARNT", 1)  # What knows little has little to lose.
    monkeypatch.setattr("digits.training.classifier.batches.all_as_served", lambda grids, seed: grids)  # It takes long.
    correct([(number, photo.data) for number, photo in photos(0, 120)])
    before, sha256 = model.read_bytes(), sha256_of(model)
    main(["--corrections", "--data", str(mnist_like), "--out", str(model), "--epochs", "8"])
    kept = tmp_path / f"small.{sha256[:8]}.h5"
    assert kept.read_bytes() == before
    assert sha256_of(model) != sha256
    compiled = tmp_path / "small.tflite"
    written = compiled.stat().st_mtime_ns
    assert load_compiled(model).description.name == f"small@{sha256_of(model)[:8]}"
    assert compiled.stat().st_mtime_ns == written  # Compiled ahead.
    assert {path.name for path in tmp_path.iterdir()} == {"report", "uploads", "uploads.db"} | {
        path.name for path in (model, compiled, kept)
    }
    printed = capsys.readouterr().out
    assert "accuracy on mnist.npz is not accuracy on MNIST" in printed
    assert re.search(r"Corrections: \d+ pictures with \d+ digits to learn from, \d+ held out to judge by", printed)
    assert re.search(r"mnist\.npz, held out, wrong of 100 +\d+ +\d+ +[-+]\d+", printed)
    assert re.search(r"Held-out corrections, right of \d+ +\d+ +\d+ +\+\d+", printed)
    assert f"Written: {model}; the one before is {kept}." in printed
    assert "send SIGHUP" in printed


def test_a_model_that_became_worse_on_the_digits_does_not_take_the_place(
    mnist_like: Path, model: Path, correct: Correct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    def forget(*arguments: object, start: keras.Model) -> tuple[keras.Model, None]:
        start.layers[-1].set_weights([np.zeros((128, 10)), 5.0 * (np.arange(10) == 7)])
        return start, None

    correct([("7", png("7", size=size)) for size in range(60, 100)])
    before, folder = model.read_bytes(), set(model.parent.iterdir())
    monkeypatch.setattr("digits.training.classifier.learning.fit", forget)
    with pytest.raises(SystemExit, match=r"does not take the place of .*small\.h5: it reads \d+ more digits") as ended:
        main(["--corrections", "--data", str(mnist_like), "--out", str(model)])
    assert isinstance(ended.value.code, str)  # Which Python prints, and exits with 1.
    assert "mnist.npz, held out, wrong of 100" in capsys.readouterr().out
    assert model.read_bytes() == before
    assert set(model.parent.iterdir()) == folder


def test_too_few_corrections_end_the_command_before_anything_is_trained(
    mnist_like: Path, model: Path, correct: Correct, capsys: pytest.CaptureFixture[str]
) -> None:
    correct([(number, photo.data) for number, photo in photos(0, 5)])
    with pytest.raises(SystemExit, match="20 pictures to learn from are needed"):
        main(["--corrections", "--data", str(mnist_like), "--out", str(model)])
    assert "Photographing" not in capsys.readouterr().out


def test_what_takes_no_grids_cannot_learn(
    tmp_path: Path, mnist_like: Path, correct: Correct, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    flat = tmp_path / "flat.h5"
    keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")]).save(flat)
    monkeypatch.setenv("DIGITS_MODEL", str(flat))
    correct([("7", png("7", size=size)) for size in range(60, 100)])
    with pytest.raises(SystemExit, match=r"flat\.h5 cannot learn"):
        main(["--corrections", "--data", str(mnist_like), "--out", str(flat)])


def test_one_digit_in_ten_comes_from_corrections_however_few_they_are(mnist_like: Path) -> None:
    from digits.training.classifier.learning import _mixed

    train = read_npz(mnist_like).train
    learnt = Labelled(np.full((3, 28, 28), 200, np.uint8), np.array([7, 8, 9], np.uint8))
    mixed = _mixed(train, learnt, seed=0)
    corrected = (mixed.grids == 200).all(axis=(1, 2))
    assert corrected.mean() == pytest.approx(0.1, abs=0.002)
    assert np.bincount(mixed.digits[corrected]).tolist() == [0] * 7 + [44] * 3
    assert mixed.part(np.flatnonzero(~corrected)).grids.sum() == train.grids.sum()


def test_calibrating_with_label_smoothing_makes_a_model_as_doubtful_as_training_would(
    mnist_like: Path, model: Path
) -> None:
    import keras

    from digits.training.classifier.fit import calibrate, predict

    learner, data = keras.models.load_model(model, compile=False), read_npz(mnist_like)
    calibrate(learner, data.train)
    honest = predict(learner, data.test.grids)
    calibrate(learner, data.train, label_smoothing=0.5)
    doubtful = predict(learner, data.test.grids)
    assert np.array_equal(doubtful.argmax(axis=1), honest.argmax(axis=1))
    assert doubtful.max(axis=1).mean() < 0.55 < honest.max(axis=1).mean()


@pytest.mark.parametrize(
    "others", [["--recipe", "dense-128"], ["--list"], ["--seeds", "3"], ["--folds", "5"], ["--resume", "--report", "r"]]
)
def test_what_makes_no_sense_with_corrections_is_refused(others: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--corrections", *others])
    error = capsys.readouterr().err
    assert "argument --corrections: does not go with --" in error
    assert all(other in error for other in others if other.startswith("--"))
