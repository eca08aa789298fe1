"""`digits drift`: compare recent uploads with those before."""

import click

from digits.cli.command import Command
from digits.cli.store import store
from digits.uploads import drift as statistics
from digits.uploads.service import now

CHANGED = 3
"""Exit status if something changed; 1 and 2 say that something went wrong."""


@click.command(cls=Command, examples=["digits drift", "digits drift --days 1 --before 14 --quiet"])
@click.option("--days", type=click.IntRange(1), default=7, show_default=True, help="Recent days that are compared.")
@click.option("--before", type=click.IntRange(1), default=28, show_default=True, help="Days before, to compare with.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something changed, as cron likes it.")
@click.pass_context
def drift(context: click.Context, days: int, before: int, quiet: bool) -> None:
    """Says whether recent uploads differ from those before: in confidence, in digits, in how many are not recognised.

    The exit status is 0 if nothing changed or there are too few uploads, and 3 if something changed.
    """
    found = statistics.drift(store().records, now(), days, before)
    if found.changed or not quiet:
        click.echo(found.sentence)
    context.exit(CHANGED * found.changed)
