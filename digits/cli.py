"""The command `digits`, with the subcommands serve, recognise, train, compile, sweep, export and move."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

_COMMANDS = {
    "serve": (f"{__name__}:serve", "Serve, until SIGINT or SIGTERM."),
    "recognise": (f"{__name__}:recognise", "Read pictures and keep nothing."),
    "train": (f"{__name__}:train", "Train a network, as keras-mnist.py does."),
    "compile": (f"{__name__}:compile_", "Compile a Keras model, to serve it without TensorFlow."),
    "sweep": ("digits.web.commands:sweep_command", "Delete old uploads and leftovers."),
    "export": ("digits.web.commands:export_command", "Write the labelled pictures to a zip file."),
    "move": ("digits.web.commands:move_command", "Copy all uploads to another storage and database."),
}
"""Of each subcommand: the module and function that run it, and its line in the help."""
TRAINING = "digits.training.command"
"""The module that `digits train` runs."""
_AS_GIVEN = {"ignore_unknown_options": True, "help_option_names": []}
"""Context settings that pass all arguments on, for commands that parse their own."""


class _Lazy(click.Group):
    """Import a subcommand only when it is called, since some take a second to import."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[name][0].partition(":")
        if module != __name__:
            import_module("digits.web.commands").in_own_app(context)
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in _COMMANDS.items()])


@click.group(cls=_Lazy)
def main() -> None:
    """Reads handwritten digits and numbers. Settings come from the environment, as the README says."""


@click.command
def serve() -> None:
    """Serves, until SIGINT or SIGTERM."""
    from digits.server.main import main

    main()


@click.command
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PICTURE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each picture.")
def recognise(files: tuple[Path, ...], as_json: bool) -> None:
    """Reads pictures and keeps nothing. The status is 1 if one cannot be read."""  # noqa: DOC501 - It is the help.
    from digits.errors import DigitsError, StartError
    from digits.inference.model_file import load_compiled
    from digits.inference.recogniser import LiteRTRecogniser
    from digits.settings import Settings
    from digits.uploads.service import recognise_upload

    try:
        settings = Settings.read()
        recogniser = LiteRTRecogniser(load_compiled(settings.model))
    except StartError as error:
        raise click.ClickException(str(error)) from error
    failed = False
    for file in files:
        said: dict[str, Any] = {"file": str(file)}
        try:
            record = recognise_upload(file.read_bytes(), recogniser, settings.max_pixels).record
            said |= {"number": record.number, "confidence": record.confidence, "recognised": record.recognised}
        except OSError as error:
            said["problem"] = f"{error.strerror}."
        except DigitsError as error:
            said["problem"] = str(error)
        failed |= "problem" in said
        click.echo(json.dumps(said) if as_json else _line(said), err=not as_json and "problem" in said)
    sys.exit(failed)


def _line(said: dict[str, Any]) -> str:
    if "problem" in said:
        return f"{said['file']}: {said['problem']}"
    number = said["number"].replace("\n", " / ")
    return f"{said['file']}: {number} ({said['confidence']:.1%}{'' if said['recognised'] else ', not recognised'})"


@click.command(context_settings=_AS_GIVEN)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Trains a network, as keras-mnist.py does; its --help says how."""
    run(TRAINING, list(arguments))


@click.command("compile", context_settings=_AS_GIVEN)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def compile_(arguments: tuple[str, ...]) -> None:
    """Compiles a Keras model, so that it can be served without TensorFlow."""
    run("digits.inference.convert", list(arguments))


def run(module: str, arguments: list[str]) -> None:
    """Run `main(arguments)` of a module that needs the packages of the extra `train`."""
    try:
        main_of_module = import_module(module).main
    except ModuleNotFoundError as error:
        sys.exit(
            f"{error.name} is not installed. `make train` installs what this needs, or pip install 'digits[train]'."
        )
    main_of_module(arguments)
