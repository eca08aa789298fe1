"""`digits recognise --bulk`: read any number of pictures into Parquet."""

import sys
from collections import Counter

import click

from digits.cli.command import table
from digits.settings import Settings

_MOST_ERRORS = 20
"""Lines of the report; some errors name the size of their picture."""


def recognise_in_bulk(source: str, results: str) -> int:
    """Read all pictures of a source that the results do not have yet. Return the exit status.

    Raises:
        ClickException: Ray is not installed.
    """
    try:
        from digits.bulk import run
        from digits.bulk.reader import READ
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed. Reading in bulk needs Ray: pip install 'digits[ray]'."
        ) from error
    work = run.prepare(source, results, Settings.read())
    errors: Counter[str] = Counter()
    hides_progress = not sys.stderr.isatty()
    with click.progressbar(length=work.pictures, label="Reading", file=sys.stderr, hidden=hides_progress) as bar:
        for more in run.read(work):
            errors.update(more)
            bar.update(sum(more.values()))
    rows = [("read before", work.done), ("read", errors.pop(READ, 0)), *errors.most_common(_MOST_ERRORS)]
    for line in table(("PICTURES", "REMARK"), [(f"{count:,}", remark) for remark, count in rows if count]):
        click.echo(line)
    click.echo(f"{results} has a row for each.", err=True)
    return int(bool(errors))
