"""keras-mnist.py as its users run it, on digits drawn for the test."""

import json
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from digits.errors import ModelError
from digits.grids import to_input
from digits.training.classifier.checkpoint import Asked, Progress, save_checkpoint
from digits.training.command import main
from digits.training.data.datasets import read_npz
from digits.training.recipes import RECIPES, nesterov
from support import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Of Keras' own making.
]

REPORT = {"confusion.png", "curves.png", "metrics.json", "mistakes.png", "reliability.png"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "keras-mnist.py"), *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)


def figures(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text())


def weights(path: Path) -> list[npt.NDArray[np.float32]]:
    import keras

    return keras.models.load_model(path, compile=False).get_weights()


def test_training_writes_a_model_that_serves_and_its_report(tmp_path: Path, mnist_like: Path) -> None:
    (train, test, *_), few = read_npz(mnist_like), tmp_path / "few.npz"
    np.savez(few, x_train=train.grids[:600], y_train=train.digits[:600], x_test=test.grids, y_test=test.digits)
    out, report = tmp_path / "trained.h5", tmp_path / "report"
    done = run("--data", few, "--out", out, "--report", report, "--epochs", 3, "--batch-size", 12)
    assert done.returncode == 0, done.stderr
    counts = "550 digits to learn from, 50 held out of them, 100 to be judged by."
    assert f"Recipe cnn on few.npz (few.npz): {counts}" in done.stdout
    assert "accuracy on few.npz is not accuracy on MNIST" in done.stdout
    assert not re.search(r"(?<![.\d])600(?!\d)", done.stdout)  # But in a fraction such as 0.600.
    assert "550/550" in done.stdout  # Photographed.
    assert "Epoch 3/3" in done.stdout
    assert "━" in done.stdout  # Keras' progress bar.
    assert f"Written:               {out}, and the report in {report}" in done.stdout
    with h5py.File(out) as file:
        assert file.attrs["threshold"] == 0.5
    assert {path.name for path in report.iterdir()} == REPORT
    assert {path.name for path in tmp_path.iterdir()} == {"few.npz", "trained.h5", "trained.tflite", "report"}

    from digits.inference.model_file import Training, load_compiled
    from digits.inference.recogniser import LiteRTRecogniser

    metrics = figures(report)
    predictions = LiteRTRecogniser(load_compiled(out)).predict(list(test.grids))
    served = np.mean([prediction.digit for prediction in predictions] == test.digits)
    assert served >= 0.9
    assert served == metrics["served"]["accuracy"]
    assert served == pytest.approx(metrics["accuracy"]["mean"], abs=0.011)
    assert metrics["served"]["weights"] == "int8"
    told = load_compiled(out).description.training
    assert told == Training("cnn", metrics["data"], 100, metrics["accuracy"]["mean"])
    assert [metrics[name] for name in ("learnt_from", "held_out", "tested_on")] == [550, 50, 100]
    assert len(metrics["runs"][0]["history"]["val_accuracy"]) == 3


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "cnn"])
def test_each_older_recipe_serves(
    tmp_path: Path, mnist_like: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.inference.model_file import load_compiled
    from digits.inference.recogniser import LiteRTRecogniser

    out, report = tmp_path / "older.h5", tmp_path / "report"
    monkeypatch.setitem(RECIPES, recipe, replace(RECIPES[recipe], folds=min(2, RECIPES[recipe].folds)))
    options = ["--recipe", recipe, "--data", str(mnist_like), "--out", str(out), "--report", str(report)]
    main([*options, "--epochs", "8", "--batch-size", "16"])
    test = read_npz(mnist_like).test
    read = [prediction.digit for prediction in LiteRTRecogniser(load_compiled(out)).predict(list(test.grids))]
    assert np.mean(read == test.digits) >= 0.8
    metrics = figures(report)
    assert metrics["recipe"] == recipe
    assert (metrics["cross_validation"] is not None) == (RECIPES[recipe].folds > 0)


def test_of_several_seeds_the_one_with_the_least_held_out_loss_is_kept(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(RECIPES, "cnn", replace(RECIPES["dense-50x50"], held_out=0.25))
    out, report = tmp_path / "model.h5", tmp_path / "report"
    arguments = ["--data", str(mnist_like), "--out", str(out), "--report", str(report), "--epochs", "1"]
    main([*arguments, "--seed", "5", "--seeds", "3", "--folds", "2"])
    metrics = figures(report)
    losses = {run["seed"]: run["validation"]["loss"] for run in metrics["runs"]}
    assert list(losses) == [5, 6, 7]
    assert metrics["kept_seed"] == min(losses, key=losses.__getitem__)
    assert len(set(losses.values())) == 3
    folds = metrics["cross_validation"]["values"]
    assert len(folds) == 2
    assert f"Cross-validation: {np.mean(folds):.2%} ± {np.std(folds):.2%}" in capsys.readouterr().out
    kept = weights(out)

    main([*arguments, "--seed", str(metrics["kept_seed"])])
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(kept, weights(out), strict=True))


def test_a_run_that_is_stopped_leaves_the_model_and_goes_on_where_it_was(
    tmp_path: Path, mnist_like: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.h5"
    out.write_bytes(b"the model that serves")
    options = ["--recipe", "dropout-128x128", "--data", mnist_like, "--out", out, "--report", tmp_path / "report"]
    status, errors = stopped(command(*options, "--epochs", 16))
    assert status == 1, errors
    again = errors.strip().splitlines()[-1].partition("To go on after the last whole epoch: ")[2]
    assert again.endswith("--resume"), errors
    assert out.read_bytes() == b"the model that serves"

    assert shlex.split(again)[:2] == command()
    main(shlex.split(again)[2:])
    resumed = capsys.readouterr().out
    assert "Going on after epoch " in resumed
    assert "Epoch 3/16" not in resumed
    assert "Epoch 16/16" in resumed
    assert len(figures(tmp_path / "report")["runs"][0]["history"]["loss"]) == 16
    assert {path.name for path in tmp_path.iterdir()} == {"model.h5", "model.tflite", "report"}


def stopped(command: list[str]) -> tuple[int, str]:
    """Press Ctrl-C in the fourth epoch. Return the status, and what was written to stderr."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as training:
        assert training.stdout
        for line in training.stdout:
            if "Epoch 4/16" in line:
                break
        training.send_signal(signal.SIGINT)
        _, errors = training.communicate(timeout=60)
    return training.returncode, errors


@pytest.mark.usefixtures("eagerly")
def test_a_run_that_was_stopped_comes_to_the_same_as_one_that_was_not(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.training.classifier import fit as fitting

    def stop_after_each(path: Path, model: object, progress: Progress) -> None:
        save_checkpoint(path, model, progress)
        raise KeyboardInterrupt

    data = read_npz(mnist_like)
    train = data.train.part(np.arange(60))
    recipe = replace(RECIPES["dropout-128x128"], augmented=True, settling=0.5, optimiser=nesterov)
    asked = Asked("mixed", seed=0, epochs=4, batch_size=20, data=train.fingerprint)
    straight, _ = fitting.fit(recipe, train, data.test, asked, tmp_path / "straight.keras")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "save_checkpoint", stop_after_each)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                fitting.fit(recipe, train, data.test, asked, tmp_path / "stopped.keras")
    stopped, progress = fitting.fit(recipe, train, data.test, asked, tmp_path / "stopped.keras")
    assert len(progress.history["val_loss"]) == 4
    pairs = zip(straight.get_weights(), stopped.get_weights(), strict=True)
    assert all(np.allclose(one, other, atol=1e-6) for one, other in pairs)


def test_a_network_settles_in_the_last_of_its_epochs() -> None:
    assert RECIPES["cnn"].learning_epochs(42) == 30
    assert RECIPES["cnn"].learning_epochs(3) == 3
    assert RECIPES["dense-128"].learning_epochs(10) == 10


def test_a_checkpoint_of_another_run_is_not_gone_on_with(tmp_path: Path, mnist_like: Path) -> None:
    import keras

    from digits.training.networks import dense

    model = dense(4)
    model.compile(optimizer=keras.optimizers.Adam())
    checkpoint = tmp_path / "model.training" / "seed-0.keras"
    checkpoint.parent.mkdir()
    save_checkpoint(checkpoint, model, Progress(Asked("dense-128", 0, 10, 32, "other data"), 1.0, {"loss": [0.5]}))
    options = ["--recipe", "dense-128", "--data", str(mnist_like), "--out", str(tmp_path / "model.h5")]
    options += ["--report", str(tmp_path / "report"), "--resume"]
    with pytest.raises(SystemExit, match="belongs to another run: recipe dense-128, seed 0, 10 epochs"):
        main(options)
    checkpoint.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(SystemExit, match="is damaged"):
        main(options)
    assert not (tmp_path / "model.h5").exists()


def test_training_that_comes_to_nothing_leaves_the_model(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    diverging = replace(RECIPES["dense-50x50"], optimiser=lambda steps, scale: keras.optimizers.SGD(1e30))
    monkeypatch.setitem(RECIPES, "dense-50x50", diverging)
    out = tmp_path / "model.h5"
    out.write_bytes(b"the model that serves")
    options = ["--recipe", "dense-50x50", "--data", str(mnist_like), "--out", str(out), "--epochs", "1"]
    with pytest.raises(SystemExit, match="came to no finite numbers"):
        main([*options, "--report", str(tmp_path / "report")])
    assert out.read_bytes() == b"the model that serves"


def test_of_several_seeds_one_that_comes_to_nothing_is_left_out(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    optimisers = iter([keras.optimizers.SGD(1e30), keras.optimizers.SGD(0.1)])
    monkeypatch.setitem(
        RECIPES, "dense-50x50", replace(RECIPES["dense-50x50"], optimiser=lambda steps, scale: next(optimisers))
    )
    out, report = tmp_path / "model.h5", tmp_path / "report"
    options = ["--recipe", "dense-50x50", "--data", str(mnist_like), "--out", str(out), "--report", str(report)]
    main([*options, "--epochs", "1", "--seeds", "2"])
    assert "Seed 0 came to no finite numbers, and is left out." in capsys.readouterr().out
    assert [run["seed"] for run in figures(report)["runs"]] == [1]


def test_a_model_that_cannot_be_served_does_not_take_the_place_of_one_that_can(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.training.classifier import experiment

    def refuse(model: Path, *, beside: bool) -> None:
        raise ModelError(f"{model.name} cannot be compiled")

    monkeypatch.setattr(experiment, "load_compiled", refuse)
    out = tmp_path / "model.h5"
    out.write_bytes(b"the model that serves")
    options = ["--recipe", "dense-50x50", "--data", str(mnist_like), "--out", str(out), "--epochs", "1"]
    with pytest.raises(SystemExit, match=r"model\.h5 cannot be compiled"):
        main([*options, "--report", str(tmp_path / "report")])
    assert out.read_bytes() == b"the model that serves"


def test_an_epoch_of_our_recipe_has_digits_in_another_hand_and_photographs_and_is_repeated(mnist_like: Path) -> None:
    from digits.training.classifier import batches
    from digits.training.classifier.batches import Batches

    data = read_npz(mnist_like).train.part(np.arange(200))
    ours, older = RECIPES["cnn"], RECIPES["dense-128"]
    asked = Asked("cnn", seed=3, epochs=8, batch_size=64, data="")
    one, same, later = (Batches(ours, data, asked, epoch) for epoch in (0, 0, 1))
    assert len(one) == 4
    assert all(np.array_equal(one[index][0], same[index][0]) for index in range(4))
    assert not np.array_equal(one[0][0], later[0][0])
    one.shuffle(1)
    assert np.array_equal(one[0][0], later[0][0])

    pictures, labels = Batches(older, data, replace(asked, batch_size=200), 0)[0]
    known = {grid.tobytes() for grid in to_input(data.grids)}
    assert all(picture.tobytes() in known for picture in pictures)
    assert labels.argmax(axis=1).sum() == data.digits.sum()

    served = one._photographed
    assert served is not None
    assert served.shape == data.grids.shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "augment", lambda grid, rng, strength: grid)
        unmoved = np.concatenate([later[index][0] for index in range(4)])
    photographs = {grid.tobytes() for grid in to_input(served)} - known
    share = np.mean([picture.tobytes() in photographs for picture in unmoved])
    assert 0.1 < share < 0.3
    clean = np.mean([picture.tobytes() in known | photographs for picture in unmoved])
    assert 0.65 < clean < 0.9


def test_standardised_pixels_that_never_vary_keep_their_scale(tmp_path: Path) -> None:
    import keras

    from digits.training.networks import dense, standardise

    network = dense(standardised=True)
    pictures = np.random.default_rng(0).random((1437, 28, 28, 1), np.float32)
    pictures[:, 0] = np.float32(100 / 255)
    standardise(network, pictures)
    network.save(tmp_path / "standardised.h5")
    for model in (network, keras.models.load_model(tmp_path / "standardised.h5", compile=False)):
        seen = np.asarray(model.layers[1](model.layers[0](pictures))).reshape(pictures.shape)
        assert np.allclose(seen[:, 0], 0, atol=1e-6)
        assert np.allclose(seen[:, 1:].mean(axis=0), 0, atol=1e-5)
        assert np.allclose(seen[:, 1:].std(axis=0), 1, atol=1e-3)


def test_multiply_adds_are_those_worked_out_by_hand() -> None:
    from digits.training.networks import cnn, dense, multiply_adds

    assert multiply_adds(dense(50, 50)) == 784 * 50 + 50 * 50 + 50 * 10
    convolutions = [(24, 1, 5, 24), (20, 24, 5, 32), (8, 32, 5, 64), (6, 64, 3, 128), (4, 128, 3, 128)]
    by_hand = sum(side**2 * channels * size**2 * filters for side, channels, size, filters in convolutions)
    assert multiply_adds(cnn()) == by_hand + 4 * 4 * 128 * 10


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "x"),
        ("--seed", "-1"),
        ("--epochs", "0"),
        ("--folds", "1"),
        ("--out", "model.keras"),
        ("--out", "nowhere/model.h5"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([option, value])
    assert f"argument {option}: '{value}' is no " in capsys.readouterr().err


def test_more_folds_than_digits_are_refused(tmp_path: Path, mnist_like: Path) -> None:
    options = ["--recipe", "dense-128", "--data", str(mnist_like), "--out", str(tmp_path / "model.h5")]
    with pytest.raises(SystemExit, match=r"only 1\d\d of some digit; that is too few for 121 folds"):
        main([*options, "--report", str(tmp_path / "report"), "--folds", "121"])


def test_there_must_be_something_to_resume(tmp_path: Path, mnist_like: Path) -> None:
    options = ["--recipe", "dense-128", "--data", str(mnist_like), "--out", str(tmp_path / "model.h5")]
    with pytest.raises(SystemExit, match="nothing to go on with"):
        main([*options, "--resume"])


def test_the_command_to_go_on_names_the_data_that_the_environment_did(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.training.classifier import fit as fitting

    def stop_at_once(path: Path, model: object, progress: Progress) -> None:
        save_checkpoint(path, model, progress)
        raise KeyboardInterrupt

    monkeypatch.setenv("MNIST_NPZ", str(mnist_like))
    monkeypatch.setattr(fitting, "save_checkpoint", stop_at_once)
    with pytest.raises(SystemExit, match=f"--data {mnist_like} --resume"):
        main(["--recipe", "dense-128", "--out", str(tmp_path / "model.h5")])
    assert (tmp_path / "model.training" / "seed-0.keras").exists()


def test_bad_data_stops_the_command_with_a_sentence(tmp_path: Path) -> None:
    done = run("--data", tmp_path / "mnist.npz")
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}/mnist.npz does not exist. Name MNIST's .npz file, or leave it out to download it.\n"
    )
