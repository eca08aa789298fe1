"""`digits sweep`: delete old uploads and leftovers."""

import click

from digits.cli.command import Command
from digits.cli.store import store
from digits.uploads import retention


@click.command(cls=Command, examples=["DIGITS_KEEP_DAYS=90 digits sweep"])
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help=f"Delete leftovers even if there are more than {retention.MOST_LEFTOVERS:,}.",
)
def sweep(everything: bool) -> None:
    """Deletes uploads older than DIGITS_KEEP_DAYS, and leftovers of interrupted uploads.

    The server does so once a day.
    """
    at_hand = store()
    most = None if everything else retention.MOST_LEFTOVERS
    click.echo(retention.sweep(at_hand.storage, at_hand.records, at_hand.settings.keep_days, most))
