"""The command behind keras-mnist.py: its options, and how it ends."""

import argparse
import logging
import os
import re
import shlex
import sys
from pathlib import Path

from digits.errors import DigitsError, ModelError
from digits.settings import Settings, TrainingSettings
from digits.training.arguments import file_to_write, whole
from digits.training.classifier.table import recipe_table
from digits.training.data.datasets import MNIST, load_data
from digits.training.finder import command as finding
from digits.training.recipes import RECIPES

SHIPPED = "cnn"
FINDER = "--finder"
_NOT_WITH_CORRECTIONS = ("recipe", "list", "report", "seeds", "folds", "resume")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; exits with a sentence where it cannot do what was asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if FINDER in arguments:
        finding.main([word for word in arguments if word != FINDER])
        return
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.corrections and (others := [name for name in _NOT_WITH_CORRECTIONS if _is_given(parser, chosen, name)]):
        parser.error(f"argument --corrections: does not go with {', '.join(f'--{name}' for name in others)}")
    try:
        if chosen.list:
            print(recipe_table())
        elif chosen.corrections:
            _learn(chosen)
        else:
            _train(chosen, arguments)
    except DigitsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or 'A file'}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit("\nStopped before training began.")


def _train(chosen: argparse.Namespace, arguments: list[str]) -> None:
    _quieten_keras()
    wanted = _wanted(chosen)
    data = load_data(wanted)
    out = chosen.out or _default_out(chosen.recipe, data.name)
    _warn(data.name, out)
    from digits.training.classifier.experiment import Options, run_experiment

    recipe = RECIPES[chosen.recipe]
    options = Options(
        recipe=chosen.recipe,
        epochs=chosen.epochs or recipe.epochs,
        batch_size=chosen.batch_size or recipe.batch_size,
        seed=chosen.seed,
        seeds=chosen.seeds,
        folds=recipe.folds if chosen.folds is None else chosen.folds,
        out=out,
        report=chosen.report or out.with_suffix(".report"),
        resume=chosen.resume,
    )
    try:
        run_experiment(options, data)
    except KeyboardInterrupt:
        # What the environment said may not be said again.
        data_said = ["--data", wanted] if wanted and not chosen.data else []
        sys.exit(f"\nStopped; {out} is as it was. " + _how_to_go_on(options.work, [*arguments, *data_said]))


def _learn(chosen: argparse.Namespace) -> None:
    _quieten_keras()
    settings = Settings.read()
    data = load_data(_wanted(chosen))
    model = settings.model
    out = chosen.out or (model if data.name == MNIST else _default_out(model.stem, data.name))
    if out.suffix != ".h5":
        raise ModelError(f"What learns is written as .h5, and {out} is none. Name a file for it with --out FILE.h5.")
    _warn(data.name, out)
    from digits.training.classifier.corrections import open_corrections
    from digits.training.classifier.learning import RECIPE, Options, learn

    options = Options(
        model=model,
        out=out,
        epochs=chosen.epochs or RECIPE.epochs,
        batch_size=chosen.batch_size or RECIPE.batch_size,
        seed=chosen.seed,
        max_pixels=settings.max_pixels,
    )
    try:
        learn(options, data, open_corrections(settings))
    except KeyboardInterrupt:
        sys.exit(f"\nStopped; {out} is as it was.")


def _quieten_keras() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras calls .h5 legacy; here it is what was asked for.


def _wanted(chosen: argparse.Namespace) -> str | None:
    wanted = chosen.data or TrainingSettings.read().mnist_npz
    return str(wanted) if wanted else None


def _warn(data: str, out: Path) -> None:
    if data != MNIST:
        print(
            f"This is not MNIST: accuracy on {data} is not accuracy on MNIST. The model goes to {out}. "
            "For MNIST, stop with Ctrl-C and name its file with --data.",
            flush=True,
        )


def _default_out(recipe: str, data: str) -> Path:
    """What serves is not replaced by a model of other data, unless it is named."""
    if data != MNIST:
        return Path(f"{recipe}-{re.sub('[^a-z0-9]+', '-', data.lower())}.h5")
    return Path("mnist-neural.h5" if recipe == SHIPPED else f"{recipe}.h5")


def _how_to_go_on(work: Path, arguments: list[str]) -> str:
    if not any(work.glob("*.keras")):
        return "No epoch was finished, so there is nothing to go on with."
    same = [word for word in arguments if word != "--resume"]
    return f"To go on after the last whole epoch: {shlex.join([sys.executable, sys.argv[0], *same, '--resume'])}"


def _is_given(parser: argparse.ArgumentParser, chosen: argparse.Namespace, name: str) -> bool:
    return bool(getattr(chosen, name) != parser.get_default(name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-mnist.py",
        description="Train a digit model, evaluate it, and put it where the server finds it.",
        allow_abbrev=False,  # Of options that are told apart before they are parsed.
    )
    add = parser.add_argument
    add("--recipe", choices=RECIPES, default=SHIPPED, metavar="NAME", help=f"{', '.join(RECIPES)}; default %(default)s")
    add(
        "--corrections",
        action="store_true",
        help="let the model that serves learn from what people corrected, where that makes it better; "
        "DIGITS_MODEL, DIGITS_STORAGE and DIGITS_DATABASE say where all that is",
    )
    add(FINDER, action="store_true", help="train what finds digits in pictures instead; --finder --help tells more")
    add("--list", action="store_true", help="print the recipes with their measured figures, and do nothing else")
    add(
        "--data",
        metavar="FILE.npz",
        help="MNIST in Keras' format, or keras, openml or scikit-learn for that source alone; default MNIST_NPZ, "
        "else the first of these sources that can be reached",
    )
    add(
        "--out",
        type=file_to_write(".h5"),
        metavar="FILE.h5",
        help=f"default mnist-neural.h5 for {SHIPPED} on MNIST, the model that serves for corrections, else NAME.h5",
    )
    add("--report", type=Path, metavar="FOLDER", help="plots, the worst mistakes, metrics.json; default FILE.report")
    add("--epochs", type=whole(1), metavar="N", help="default: the recipe's")
    add("--batch-size", type=whole(1), metavar="N", help="default: the recipe's")
    add("--seed", type=whole(0), default=0, metavar="N", help="of weights, order and augmentation; default %(default)s")
    add("--seeds", type=whole(1), default=1, metavar="N", help="train so many models, from --seed on; keep the best")
    add("--folds", type=_folds, metavar="K", help="cross-validate first, in K parts; 0 for not; default: the recipe's")
    add("--resume", action="store_true", help="go on where the same command was stopped")
    return parser


def _folds(text: str) -> int:
    return 0 if text == "0" else whole(2)(text)
