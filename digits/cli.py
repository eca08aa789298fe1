"""`digits`: serve, recognise, train, compile, sweep, export and move, with one command."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

_COMMANDS = {
    "serve": f"{__name__}:serve",
    "recognise": f"{__name__}:recognise",
    "train": f"{__name__}:train",
    "compile": f"{__name__}:compile_",
    "sweep": "digits.web.commands:sweep_command",
    "export": "digits.web.commands:export_command",
    "move": "digits.web.commands:move_command",
}
_AS_GIVEN = {"ignore_unknown_options": True, "help_option_names": []}
"""Settings of commands that parse their own arguments."""


class _Lazy(click.Group):
    """Imports a command when it is wanted, since some take a second to import."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, function = _COMMANDS[name].partition(":")
        if module != __name__:
            import_module("digits.web.commands").in_own_app(context)
        command: click.Command = getattr(import_module(module), function)
        return command


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
    """Reads pictures and keeps nothing. The status is 1 if one cannot be read."""
    from digits.errors import DigitsError, Refused, StartError
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
            said["problem"] = f"{file}: {error.strerror}."
        except (Refused, DigitsError) as error:
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
    from digits.training.command import main

    main(list(arguments))


@click.command("compile", context_settings=_AS_GIVEN)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def compile_(arguments: tuple[str, ...]) -> None:
    """Compiles a Keras model, so that it can be served without TensorFlow."""
    from digits.inference.convert import main

    main(list(arguments))
