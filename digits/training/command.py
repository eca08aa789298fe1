"""The command behind keras-mnist.py: its options, and how it ends."""

import argparse
import logging
import os
import shlex
import sys
from pathlib import Path

from digits.errors import DataError, ModelError, SettingsError
from digits.settings import TrainingSettings
from digits.training.data import load_data
from digits.training.recipes import RECIPES
from digits.training.table import recipe_table

SHIPPED = "cnn"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; exits with a sentence where it cannot do what was asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    if options.list:
        print(recipe_table())
        return
    try:
        _train(options)
    except (DataError, ModelError, SettingsError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or 'A file'} cannot be written: {error.strerror or error}.")
    except KeyboardInterrupt:
        same = (word for word in arguments if word != "--resume")
        again = shlex.join(["python", "keras-mnist.py", *same, "--resume"])
        sys.exit(f"\nStopped; the model that serves is as it was. To go on after the last whole epoch: {again}")


def _train(chosen: argparse.Namespace) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras calls .h5 legacy; here it is what was asked for.
    recipe = RECIPES[chosen.recipe]
    wanted = chosen.data or TrainingSettings.read().mnist_npz
    data = load_data(str(wanted) if wanted else None)
    print(
        f"Recipe {chosen.recipe} on {data.source}: {len(data.train.digits):,} digits to learn from, "
        f"{len(data.test.digits):,} to be judged by.",
        flush=True,
    )
    name = chosen.recipe
    if data.name != "MNIST":
        print("This is not MNIST: accuracy on it is not accuracy on MNIST.", flush=True)
        name += "-on-other-data"  # What serves, and its figures, are not replaced by these unless they are named.
    from digits.training.experiment import Options, run_experiment

    options = Options(
        recipe=chosen.recipe,
        epochs=chosen.epochs or recipe.epochs,
        batch_size=chosen.batch_size or recipe.batch_size,
        seed=chosen.seed,
        seeds=chosen.seeds,
        folds=recipe.folds if chosen.folds is None else chosen.folds,
        out=chosen.out or Path("mnist-neural.h5" if name == SHIPPED else f"{name}.h5"),
        report=chosen.report or Path("reports", name),
        resume=chosen.resume,
    )
    run_experiment(options, data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-mnist.py", description="Train a digit model, evaluate it, and put it where the server finds it."
    )
    add = parser.add_argument
    add("--recipe", choices=RECIPES, default=SHIPPED, metavar="NAME", help=f"{', '.join(RECIPES)}; default %(default)s")
    add("--list", action="store_true", help="print the recipes with their measured figures, and do nothing else")
    add(
        "--data",
        metavar="FILE.npz",
        help="MNIST in Keras' format, or keras, openml or scikit-learn for that source alone; default MNIST_NPZ, "
        "else the first of these sources that can be reached",
    )
    add("--out", type=_h5, metavar="FILE.h5", help=f"default mnist-neural.h5 for {SHIPPED} on MNIST, else NAME.h5")
    add("--report", type=Path, metavar="FOLDER", help="plots, the worst mistakes, metrics.json; default reports/NAME")
    add("--epochs", type=_positive, metavar="N", help="default: the recipe's")
    add("--batch-size", type=_positive, metavar="N", help="default: the recipe's")
    add("--seed", type=_whole, default=0, metavar="N", help="of weights, order and augmentation; default %(default)s")
    add("--seeds", type=_positive, default=1, metavar="N", help="train so many models, from --seed on; keep the best")
    add("--folds", type=_folds, metavar="K", help="cross-validate first, in K parts; 0 for not; default: the recipe's")
    add("--resume", action="store_true", help="go on where the same command was stopped")
    return parser


def _h5(text: str) -> Path:
    if not text.endswith(".h5"):
        raise argparse.ArgumentTypeError(f"{text} does not end in .h5")
    return Path(text)


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


def _folds(text: str) -> int:
    number = int(text)
    if number < 0 or number == 1:
        raise argparse.ArgumentTypeError(f"{text} is not 0, nor 2 or more")
    return number
