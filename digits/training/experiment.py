"""A recipe from beginning to end: cross-validation, a model for each seed, the one that is kept, and its figures."""

import platform
import shutil
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from digits.compiled import load_compiled
from digits.recogniser import LiteRTRecogniser
from digits.settings import usable_cpus
from digits.training.checkpoint import Progress
from digits.training.data import DataSet, Labelled, divided, folds, redivided
from digits.training.evaluation import Evaluation, Probabilities, evaluate
from digits.training.fit import calibrate, fit, predict, save
from digits.training.networks import multiply_adds
from digits.training.recipes import RECIPES, Recipe
from digits.training.report import write_report

LIBRARIES = ("ai-edge-litert", "keras", "numpy", "opencv-python-headless", "tensorflow", "tensorflow-cpu")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked for; where it said nothing, the recipe did."""

    recipe: str
    epochs: int
    batch_size: int
    seed: int
    seeds: int
    folds: int
    out: Path
    report: Path
    resume: bool

    @property
    def work(self) -> Path:
        """Where unfinished runs are kept."""
        return self.out.with_suffix(".training")


@dataclass(frozen=True, slots=True)
class Run:
    """One seed's model, calibrated, and what it came to."""

    model: keras.Model
    progress: Progress
    temperature: float | None
    validation: Evaluation | None
    test: Probabilities


def run_experiment(options: Options, data: DataSet) -> None:
    """Writes the model and the report, and prints a summary. Raises DataError where a checkpoint does not fit.

    Nothing is chosen from the test set: of several seeds' models the one with the least loss on the held-out part
    of the training set is kept, the first where nothing is held out.
    """
    recipe = RECIPES[options.recipe]
    if recipe.test_share:
        data = redivided(data, recipe.test_share)
    if not options.resume:
        shutil.rmtree(options.work, ignore_errors=True)
    for folder in (options.work, options.report):  # Now, not after hours of training.
        folder.mkdir(parents=True, exist_ok=True)
    scores = cross_validate(options, recipe, data)
    runs = [_run(options, recipe, data, options.seed + number) for number in range(options.seeds)]
    kept = min(runs, key=lambda run: run.validation.loss if run.validation else 0)
    save(kept.model, options.out)
    served = _served(options.out, data.test)
    metrics = _metrics(options, recipe, data, scores, runs, kept) | {"served": served}
    write_report(options.report, metrics, kept.progress.history, data.test, kept.test)
    shutil.rmtree(options.work)
    _summarise(options, metrics, len(data.test.digits))


def cross_validate(options: Options, recipe: Recipe, data: DataSet) -> list[float]:
    """The accuracy on each fold of the training set, of a model that learnt from the others."""
    scores = []
    for number, (learnt, judged) in enumerate(folds(data.train, options.folds) if options.folds else (), 1):
        print(f"Fold {number} of {options.folds}", flush=True)
        asked = _asked(options, data, options.seed)
        model, _ = fit(recipe, learnt, judged, asked, options.work / f"fold-{number}.keras")
        scores.append(evaluate(predict(model, judged.grids), judged.digits).accuracy)
        print(f"Fold {number} of {options.folds}: {scores[-1]:.2%}", flush=True)
    if scores:
        print(f"Cross-validation: {np.mean(scores):.2%} ± {np.std(scores):.2%}", flush=True)
    return scores


def _run(options: Options, recipe: Recipe, data: DataSet, seed: int) -> Run:
    if options.seeds > 1:
        print(f"Seed {seed}, {seed - options.seed + 1} of {options.seeds}", flush=True)
    train, held_out = divided(data.train, recipe.held_out) if recipe.held_out else (data.train, None)
    checkpoint = options.work / f"seed-{seed}.keras"
    model, progress = fit(recipe, train, held_out or data.test, _asked(options, data, seed), checkpoint)
    temperature = calibrate(model, held_out) if held_out else None
    validation = evaluate(predict(model, held_out.grids), held_out.digits) if held_out else None
    return Run(model, progress, temperature, validation, predict(model, data.test.grids))


def _asked(options: Options, data: DataSet, seed: int) -> Progress:
    return Progress(options.recipe, data.fingerprint, seed, options.epochs, options.batch_size)


def _served(model: Path, test: Labelled) -> dict[str, float]:
    """Accuracy and time as the server has them, compiled for LiteRT, on one thread."""
    recogniser = LiteRTRecogniser(load_compiled(model))
    started = time.perf_counter()
    read = [prediction.digit for prediction in recogniser.predict(list(test.grids))]
    seconds = time.perf_counter() - started
    errors = int((np.array(read) != test.digits).sum())
    return {
        "accuracy": 1 - errors / len(read),
        "errors": errors,
        "microseconds": round(seconds / len(read) * 1e6, 1),
    }


def _metrics(
    options: Options, recipe: Recipe, data: DataSet, scores: list[float], runs: list[Run], kept: Run
) -> dict[str, Any]:
    accuracies = [evaluate(run.test, data.test.digits).accuracy for run in runs]
    return {
        "recipe": options.recipe,
        "origin": recipe.origin,
        "data": {
            "name": data.name,
            "source": data.source,
            "train": len(data.train.digits),
            "held_out": round(recipe.held_out * len(data.train.digits)),
            "test": len(data.test.digits),
        },
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "parameters": kept.model.count_params(),
        "multiply_adds": multiply_adds(kept.model),
        "accuracy": {"mean": float(np.mean(accuracies)), "deviation": float(np.std(accuracies))},
        "cross_validation": {"mean": float(np.mean(scores)), "deviation": float(np.std(scores)), "folds": scores}
        if scores
        else None,
        "seconds": round(float(np.mean([run.progress.seconds for run in runs])), 1),
        "kept_seed": kept.progress.seed,
        "curve": "held-out" if recipe.held_out else "test",
        "runs": [
            {
                "seed": run.progress.seed,
                "seconds": round(run.progress.seconds, 1),
                "temperature": run.temperature,
                "validation": asdict(run.validation) if run.validation else None,
                "test": asdict(evaluate(run.test, data.test.digits)),
                "history": run.progress.history,
            }
            for run in runs
        ],
        "machine": f"{usable_cpus()} CPUs, {platform.machine()}",
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # One of TensorFlow's two packages.
            continue
    return found


def _summarise(options: Options, metrics: dict[str, Any], pictures: int) -> None:
    run = next(run for run in metrics["runs"] if run["seed"] == metrics["kept_seed"])
    print(f"Recipe:                {options.recipe}, {metrics['origin']}")
    print(f"Parameters:            {metrics['parameters']:,}")
    print(f"Multiply-adds:         {metrics['multiply_adds']:,} a digit")
    if run["validation"]:
        print(f"Held-out accuracy:     {run['validation']['accuracy']:.2%} of {metrics['data']['held_out']:,}")
    if len(metrics["runs"]) > 1:
        spread = metrics["accuracy"]
        print(f"Mean test accuracy:    {spread['mean']:.2%} ± {spread['deviation']:.2%}; seed {run['seed']} is kept")
    print(f"Test accuracy:         {run['test']['accuracy']:.2%} of {pictures:,}")
    served = metrics["served"]
    print(f"As served:             {served['accuracy']:.2%}, {served['microseconds']:.0f} µs a digit")
    print(f"Calibration error:     {run['test']['calibration_error']:.2%}")
    print(f"Training time:         {metrics['seconds']:.0f} s a model")
    print(f"Written:               {options.out}, and the report in {options.report}")
