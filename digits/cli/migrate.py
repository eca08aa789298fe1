"""`digits migrate`: prepare the database, without serving."""

import click

from digits.cli.command import Command
from digits.cli.store import store
from digits.uploads.schema import SCHEMA


@click.command(cls=Command, examples=["digits migrate", "DIGITS_DATABASE=postgresql://… digits migrate"])
def migrate() -> None:
    """Makes the tables of the database, or changes them to those of this version.

    The server does so at its start. Run this before, if that takes long or the server may not change tables.
    """
    store()
    click.echo(f"The database has schema {SCHEMA}, and belongs to this storage.")
