"""Run a recipe: cross-validate, train a model for each seed, keep the best, and write its report."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from digits.errors import DataError, ModelError
from digits.inference.model_file import Training, load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.training.classifier.checkpoint import Asked, Progress
from digits.training.classifier.evaluation import Evaluation, Probabilities, Spread, evaluate, read_right
from digits.training.classifier.fit import calibrate, fit, predict, save, take_place
from digits.training.classifier.metrics import Metrics, RunMetrics, Served, machine, versions
from digits.training.classifier.report import write_report
from digits.training.data.datasets import DataSet, Labelled, divided, folds, redivided
from digits.training.networks import multiply_adds
from digits.training.recipes import RECIPES, Recipe


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command, with the recipe's values for those that were not given."""

    recipe: str
    epochs: int
    batch_size: int
    seed: int
    """The first seed."""
    seeds: int
    """Number of seeds, so of models to train."""
    folds: int
    """Folds of the cross-validation; 0 for none."""
    out: Path
    report: Path
    resume: bool

    @property
    def work(self) -> Path:
        """Folder for checkpoints and the unfinished model."""
        return self.out.with_suffix(".training")


@dataclass(frozen=True, slots=True)
class Run:
    """The calibrated model of one seed, and its results."""

    model: keras.Model
    progress: Progress
    temperature: float | None
    """What its last layer was divided by; None if nothing was held out."""
    validation: Evaluation | None
    """On the held-out part of the training set, if there is one."""
    on_test: Probabilities
    """Its answers on the test set."""

    @property
    def loss(self) -> float:
        """Loss by which seeds are compared: on the held-out part, or in the last epoch of training if there is none."""
        return self.validation.loss if self.validation else self.progress.history["loss"][-1]


def run_experiment(options: Options, data: DataSet) -> None:
    """Train as the options say, write the model and the report, and print a summary.

    Both replace older ones at the very end, once the compiled model has been measured. A DataError is raised if a
    checkpoint does not belong to this run.

    Raises:
        ModelError: training diverged for all seeds, or the model cannot be compiled.
    """
    recipe = RECIPES[options.recipe]
    if recipe.test_share:
        data = redivided(data, recipe.test_share)
    train, held_out = divided(data.train, recipe.held_out) if recipe.held_out else (data.train, None)
    print(
        f"Recipe {options.recipe} on {data.name} ({data.source}): {len(train.digits):,} digits to learn from"
        + (f", {len(held_out.digits):,} held out of them" if held_out else "")
        + f", {len(data.test.digits):,} to be judged by.",
        flush=True,
    )
    _make_room(options)
    scores = cross_validate(options, recipe, data.train)
    seeds = range(options.seed, options.seed + options.seeds)
    tried = [_run(options, recipe, train, held_out, data.test, seed) for seed in seeds]
    if not (runs := [run for run in tried if math.isfinite(run.loss)]):
        raise ModelError("Training came to no finite numbers. The model is as it was; try another seed or batch size.")
    for run in tried:
        if not math.isfinite(run.loss):
            print(f"Seed {run.progress.asked.seed} came to no finite numbers, and is left out.", flush=True)
    kept = min(runs, key=lambda run: run.loss)

    measured = [_metrics(run, data.test) for run in runs]
    finished = options.work / options.out.name
    accuracy = evaluate(kept.on_test, data.test.digits).accuracy
    training = Training(options.recipe, data.name, len(data.test.digits), accuracy)
    save(kept.model, finished, training=training)
    metrics = Metrics(
        recipe=options.recipe,
        origin=recipe.origin,
        data=data.name,
        source=data.source,
        learnt_from=len(train.digits),
        held_out=len(held_out.digits) if held_out else 0,
        tested_on=len(data.test.digits),
        epochs=options.epochs,
        batch_size=options.batch_size,
        parameters=kept.model.count_params(),
        multiply_adds=multiply_adds(kept.model),
        accuracy=Spread.of([run.test.accuracy for run in measured]),
        cross_validation=Spread.of(scores) if scores else None,
        kept_seed=kept.progress.asked.seed,
        served=_served(finished, data.test),
        runs=measured,
        machine=machine(),
        versions=versions(),
    )
    write_report(options.report, metrics, data.test, kept.on_test)
    take_place(finished, options.out)
    _clean(options.work)
    print(metrics.summary())
    print(f"{'Written:':<23}{options.out}, and the report in {options.report}", flush=True)


def cross_validate(options: Options, recipe: Recipe, data: Labelled) -> list[float]:
    """Return the accuracy on each fold of a model trained on the other folds."""
    scores = []
    for number, (learnt, judged) in enumerate(folds(data, options.folds) if options.folds else (), 1):
        print(f"Fold {number} of {options.folds}", flush=True)
        asked = _asked(options, learnt, options.seed)
        model, _ = fit(recipe, learnt, judged, asked, options.work / f"fold-{number}.keras")
        scores.append(evaluate(predict(model, judged.grids), judged.digits).accuracy)
        print(f"Fold {number} of {options.folds}: {scores[-1]:.2%}", flush=True)
    if scores:
        print(f"Cross-validation: {Spread.of(scores)}", flush=True)
    return scores


def _run(
    options: Options, recipe: Recipe, train: Labelled, held_out: Labelled | None, test: Labelled, seed: int
) -> Run:
    """Train, calibrate and evaluate the model of one seed."""
    if options.seeds > 1:
        print(f"Seed {seed}, {seed - options.seed + 1} of {options.seeds}", flush=True)
    # Recipes without a held-out part show the test set after each epoch, as their authors did; it decides nothing.
    beside = held_out or test
    model, progress = fit(recipe, train, beside, _asked(options, train, seed), options.work / f"seed-{seed}.keras")
    temperature = calibrate(model, held_out) if held_out else None
    validation = evaluate(predict(model, held_out.grids), held_out.digits) if held_out else None
    return Run(model, progress, temperature, validation, predict(model, test.grids))


def _asked(options: Options, train: Labelled, seed: int) -> Asked:
    """Return what a checkpoint must agree with."""
    return Asked(options.recipe, seed, options.epochs, options.batch_size, train.fingerprint)


def _served(model: Path, test: Labelled) -> Served:
    """Compile a model, and measure accuracy and time per digit on the test set."""
    compiled = load_compiled(model, beside=True)
    recogniser = LiteRTRecogniser(compiled)
    started = time.perf_counter()
    right = read_right(recogniser, test)
    microseconds = (time.perf_counter() - started) / len(right) * 1e6
    return Served(compiled.description.weights, float(right.mean()), int((~right).sum()), round(microseconds, 1))


def _metrics(run: Run, test: Labelled) -> RunMetrics:
    """Return the figures of one seed for the report."""
    return RunMetrics(
        seed=run.progress.asked.seed,
        seconds=round(run.progress.seconds, 1),
        temperature=run.temperature,
        validation=run.validation,
        test=evaluate(run.on_test, test.digits),
        history=run.progress.history,
    )


def _make_room(options: Options) -> None:
    """Make the folders, so that a run does not find out after hours that it cannot; drop old checkpoints.

    Raises:
        DataError: the run is to be resumed, but there is no checkpoint.
    """
    if options.resume:
        if not any(options.work.glob("*.keras")):
            raise DataError(f"There is nothing to go on with in {options.work}. Train without --resume.")
    else:
        _clean(options.work)
    for folder in (options.work, options.report):
        folder.mkdir(parents=True, exist_ok=True)


def _clean(work: Path) -> None:
    """Remove the checkpoints of a run, and the folder if nothing else is in it."""
    for file in work.glob("*.keras"):
        file.unlink()
    if work.exists() and not any(work.iterdir()):
        work.rmdir()
