"""`digits serve`, `train` and `compile`, which hand over to the module that does it."""

import sys
from importlib import import_module
from pathlib import Path

import click

from digits.cli.command import Command

TRAINING = "digits.training.command"
"""The module that `digits train` runs."""
_AS_GIVEN = {"ignore_unknown_options": True, "help_option_names": []}
"""Context settings that pass all arguments on, for commands that parse their own."""


@click.command(cls=Command, examples=["digits serve", "DIGITS_PORT=8000 DIGITS_STORAGE=/data/uploads digits serve"])
def serve() -> None:
    """Serves over HTTP until SIGINT or SIGTERM, with a page to draw on."""
    from digits.server.main import main

    main()


@click.command(context_settings=_AS_GIVEN)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Trains a network, as keras-mnist.py does; its --help says how."""
    run(TRAINING, list(arguments))


@click.command("compile", cls=Command, examples=["digits compile their-model.h5"])
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="MODEL.h5")
def compile_(model: Path) -> None:
    """Compiles a Keras model, .h5 or .keras, so that it can be served without TensorFlow.

    The compiled model is written beside it, and its path is printed. This needs TensorFlow itself.
    """
    run("digits.inference.convert", [str(model)])


def run(module: str, arguments: list[str]) -> None:
    """Run `main(arguments)` of a module that needs the packages of the extra `train`."""
    try:
        main_of_module = import_module(module).main
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed. `make train` installs what this needs.")
    main_of_module(arguments)
