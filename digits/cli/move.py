"""`digits move`: copy all uploads elsewhere."""

import sys

import click

from digits.admission.keys import copy_keys
from digits.cli.command import Command
from digits.cli.store import opened, store
from digits.settings import Settings
from digits.uploads import transfer


@click.command(
    cls=Command,
    examples=[
        "digits move --storage /mnt/large/uploads",
        "digits move --storage s3://BUCKET/digits --database postgresql://digits@db.example/digits",
    ],
)
@click.option("--storage", help="Where to: a folder, or s3://BUCKET/PREFIX. By default the pictures stay.")
@click.option("--database", help="Where to: sqlite:///FILE or postgresql://… By default the records stay.")
def move(storage: str | None, database: str | None) -> None:
    """Copies all uploads and API keys to another storage and database, under the same ids.

    Stop the server first. Nothing is deleted here. If the command is interrupted, run it again.
    """  # noqa: DOC501 - It is the help.
    at_hand = store()
    here = at_hand.settings
    there = Settings.read(storage=storage or here.storage, database=database or here.database)
    if (there.storage, there.database) == (here.storage, here.database):
        raise click.UsageError("Name a --storage or --database other than DIGITS_STORAGE and DIGITS_DATABASE.")
    # A new storage has none of the database's pictures yet, and a new database no record of the storage's.
    to = opened(there, adopt=there.database == here.database or there.storage == here.storage)
    copy_keys(at_hand.keys, to.keys)
    moved, shows_progress = transfer.Moved(), sys.stderr.isatty()
    for moved in transfer.move(at_hand.storage, at_hand.records, to.storage, to.records):
        if shows_progress:
            click.echo(f"\r{moved.copied + moved.there:,}\r", nl=False, err=True)
    click.echo(moved)
    # Not a URL that may have a password.
    named = there.database if there.database.startswith("sqlite:") else "the database named here"
    click.echo(f"To use them there, set DIGITS_STORAGE to {there.storage} and DIGITS_DATABASE to {named}.", err=True)
