"""What an operator can do with the uploads: `flask --app app sweep`, `export` or `move`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Blueprint, Flask
from flask.cli import ScriptInfo

from digits.errors import DigitsError
from digits.settings import Settings
from digits.uploads.blobs import open_storage, prepare_storage
from digits.uploads.database import open_records
from digits.uploads.export import export_labelled
from digits.uploads.retention import MOST_LEFTOVERS, sweep
from digits.uploads.schema import prepare_records
from digits.uploads.transfer import Moved, move
from digits.web.services import services

bp = Blueprint("commands", __name__, cli_group=None)


def in_own_app(context: click.Context) -> None:
    """Let these commands run without `flask --app`: the context gets an application of its own."""
    from digits.web import create_app

    def created() -> Flask:
        with _told():
            return create_app()

    context.obj = ScriptInfo(create_app=created)


@bp.cli.command("sweep")
@click.option(
    "--all", "everything", is_flag=True, help=f"Delete leftovers even if there are more than {MOST_LEFTOVERS:,}."
)
def sweep_command(everything: bool) -> None:
    """Deletes uploads older than DIGITS_KEEP_DAYS, and leftovers of interrupted uploads."""
    at_hand = services()
    with _told():
        most = None if everything else MOST_LEFTOVERS
        click.echo(sweep(at_hand.storage, at_hand.records, at_hand.settings.keep_days, most))


@bp.cli.command("export")
@click.option("--labelled", "out", type=click.Path(path_type=Path), required=True, metavar="OUT.ZIP")
def export_command(out: Path) -> None:
    """Writes the labelled pictures, and their labels, to a zip file."""
    at_hand = services()
    with _told():
        exported = export_labelled(at_hand.storage, at_hand.records, out)
    click.echo(f"Written: {out}; labelled pictures: {exported.pictures:,}.")
    if exported.missing:
        click.echo(f"Labelled pictures that are gone: {exported.missing:,}.", err=True)


@bp.cli.command("move")
@click.option("--storage", help="Where to: a folder, or s3://BUCKET/PREFIX. By default the pictures stay.")
@click.option("--database", help="Where to: sqlite:///FILE or postgresql://… By default the records stay.")
def move_command(storage: str | None, database: str | None) -> None:
    """Copies all uploads to another storage and database, under the same ids."""  # noqa: DOC501 - It is the help.
    at_hand = services()
    here = at_hand.settings
    with _told():
        there = Settings.read(storage=storage or here.storage, database=database or here.database)
        if (there.storage, there.database) == (here.storage, here.database):
            raise click.UsageError("Name a --storage or --database other than DIGITS_STORAGE and DIGITS_DATABASE.")
        prepare_storage(there.storage)
        prepare_records(there.database)
        to_storage, to_records = open_storage(there.storage), open_records(there.database)
        moved = Moved()
        for moved in move(at_hand.storage, at_hand.records, to_storage, to_records):
            click.echo(f"\r{moved.copied + moved.there:,}", nl=False, err=True)
        click.echo("\r", nl=False, err=True)
        click.echo(moved)


@contextmanager
def _told() -> Iterator[None]:
    """End the command with a sentence and exit status 1 if something fails.

    Raises:
        ClickException: it failed.
    """
    try:
        yield
    except DigitsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
