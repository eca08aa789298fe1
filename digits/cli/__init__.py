"""The command `digits`. Each subcommand has a module of its own, which is imported when it is called."""

from importlib import import_module

import click

from digits import __version__
from digits.cli.command import WithExamples

_COMMANDS = {
    "Read": {
        "serve": ("digits.cli.run:serve", "Serve over HTTP, with a page to draw on."),
        "recognise": ("digits.cli.recognise:recognise", "Read pictures and folders, and keep nothing."),
    },
    "Uploads that are kept": {
        "history": ("digits.cli.history:history", "List them, with what was read."),
        "label": ("digits.cli.label:label", "Correct what was read in one."),
        "export": ("digits.cli.export:export", "Write them to a zip file, for training or other programs."),
        "move": ("digits.cli.move:move", "Copy all to another storage and database."),
        "drift": ("digits.cli.drift:drift", "Say whether recent ones differ from those before."),
        "sweep": ("digits.cli.sweep:sweep", "Delete old ones, and leftovers."),
        "migrate": ("digits.cli.migrate:migrate", "Prepare the database for this version."),
    },
    "Access": {"keys": ("digits.cli.keys:keys", "Make, list and revoke API keys.")},
    "Models": {
        "train": ("digits.cli.run:train", "Train a network, as keras-mnist.py does."),
        "compile": ("digits.cli.run:compile_", "Compile a Keras model, to serve it without TensorFlow."),
        "shadow": ("digits.cli.models:shadow", "List what a second model reads differently."),
        "promote": ("digits.cli.models:promote", "Serve with another model from now on."),
        "rollback": ("digits.cli.models:rollback", "Bring the last model back."),
    },
}
"""By heading, each subcommand: the module and function that run it, and its line in the help."""


class _Lazy(WithExamples, click.Group):
    """Import a subcommand only when it is called, since some take a second to import."""

    def list_commands(self, _: click.Context) -> list[str]:
        return [name for commands in _COMMANDS.values() for name in commands]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        for commands in _COMMANDS.values():
            if name in commands:
                module, function = commands[name][0].split(":")
                command: click.Command = getattr(import_module(module), function)
                return command
        return None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        broadest = max(map(len, self.list_commands(context)))
        for heading, commands in _COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(broadest), help_) for name, (_, help_) in commands.items()])


@click.group(
    cls=_Lazy,
    examples=("digits recognise photo.jpg scans/", "digits history --not-recognised", "digits COMMAND --help"),
    epilog="Settings, such as DIGITS_STORAGE, come from the environment; docs/operating.md lists them all.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Reads handwritten digits and numbers in pictures."""
