"""The command behind keras-mnist.py: its options, and the sentence with which it ends if something is wrong."""

import argparse
import logging
import os
import re
import shlex
import sys
from pathlib import Path

from digits.errors import ModelError
from digits.settings import Settings, TrainingSettings
from digits.training.classifier.table import recipe_table
from digits.training.command_line import exit_with_a_sentence, file_to_write, whole
from digits.training.data.datasets import MNIST, load_data
from digits.training.finder import command as finding
from digits.training.recipes import RECIPES

SHIPPED = "cnn"
"""Recipe of the model that ships."""
FINDER = "--finder"
"""Option that hands over to digits.training.finder.command."""
_NOT_WITH_CORRECTIONS = ("recipe", "list", "report", "seeds", "folds", "resume")
"""Options that cannot be combined with --corrections."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command. If it cannot do what was asked, exit with a sentence that says why."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if FINDER in arguments:
        finding.main([word for word in arguments if word != FINDER])
        return
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.corrections and (others := [name for name in _NOT_WITH_CORRECTIONS if _is_given(parser, chosen, name)]):
        parser.error(f"argument --corrections: does not go with {', '.join(f'--{name}' for name in others)}")
    with exit_with_a_sentence("Stopped before training began."):
        if chosen.list:
            print(recipe_table())
        elif chosen.corrections:
            _learn(chosen)
        else:
            _train(chosen, arguments)


def _train(chosen: argparse.Namespace, arguments: list[str]) -> None:
    """Train a recipe, and write its model and its report."""
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
        # MNIST_NPZ may not be set next time, so the command that resumes names the file.
        data_said = ["--data", wanted] if wanted and not chosen.data else []
        sys.exit(f"\nStopped; {out} is as it was. " + _how_to_go_on(options.work, [*arguments, *data_said]))


def _learn(chosen: argparse.Namespace) -> None:
    """Train the serving model further on corrected uploads.

    Raises:
        ModelError: the file to write does not end in .h5.
    """
    _quieten_keras()
    settings = Settings.read()
    data = load_data(_wanted(chosen))
    model = settings.model
    out = chosen.out or (model if data.name == MNIST else _default_out(model.stem, data.name))
    if out.suffix != ".h5":
        raise ModelError(f"The new model is written as .h5, but {out} ends otherwise. Name a file with --out FILE.h5.")
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
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns that .h5 is legacy, but it is wanted here.


def _wanted(chosen: argparse.Namespace) -> str | None:
    """Return the file or the source of the data: --data, else MNIST_NPZ, else None."""
    wanted = chosen.data or TrainingSettings.read().mnist_npz
    return str(wanted) if wanted else None


def _warn(data: str, out: Path) -> None:
    """Print a warning if the data set with this name is not MNIST."""
    if data != MNIST:
        print(
            f"This is not MNIST: accuracy on {data} is not accuracy on MNIST. The model goes to {out}. "
            "For MNIST, stop with Ctrl-C and name its file with --data.",
            flush=True,
        )


def _default_out(recipe: str, data: str) -> Path:
    """Return the file to write without --out. Only a model trained on MNIST replaces the one that ships."""
    if data != MNIST:
        return Path(f"{recipe}-{re.sub('[^a-z0-9]+', '-', data.lower())}.h5")
    return Path("mnist-neural.h5" if recipe == SHIPPED else f"{recipe}.h5")


def _how_to_go_on(work: Path, arguments: list[str]) -> str:
    """Return a sentence with the command that resumes the run, or one that says that there is nothing to resume."""
    if not any(work.glob("*.keras")):
        return "No epoch was finished, so there is nothing to go on with."
    same = [word for word in arguments if word != "--resume"]
    return f"To go on after the last whole epoch: {shlex.join([sys.executable, sys.argv[0], *same, '--resume'])}"


def _is_given(parser: argparse.ArgumentParser, chosen: argparse.Namespace, name: str) -> bool:
    """Whether an option differs from its default."""
    return bool(getattr(chosen, name) != parser.get_default(name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-mnist.py",
        description="Train a digit model, evaluate it, and put it where the server finds it.",
        allow_abbrev=False,  # main() looks for --finder before parsing, and would miss an abbreviation.
    )
    add = parser.add_argument
    add("--recipe", choices=RECIPES, default=SHIPPED, metavar="NAME", help=f"{', '.join(RECIPES)}; default %(default)s")
    add(
        "--corrections",
        action="store_true",
        help="train the serving model further on corrected uploads, and replace it if the new one reads better; "
        "DIGITS_MODEL, DIGITS_STORAGE and DIGITS_DATABASE say where the model and the uploads are",
    )
    add(FINDER, action="store_true", help="train the networks that find digits instead; see --finder --help")
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
    add("--seeds", type=whole(1), default=1, metavar="N", help="train a model for each of N seeds; keep the best")
    add("--folds", type=_folds, metavar="K", help="cross-validate first in K folds (0: none); default: the recipe's")
    add("--resume", action="store_true", help="go on where the same command was stopped")
    return parser


def _folds(text: str) -> int:
    """Argparse type: 0, or a whole number from 2 on."""
    return 0 if text == "0" else whole(2)(text)
