"""`digits recognise --bulk`: read any number of pictures into Parquet."""

import os
import secrets
import sys
from collections import Counter
from importlib.util import find_spec

import click

from digits.cli.command import table
from digits.settings import Settings, ray_address

_MOST_ERRORS = 20
"""Lines of the report; some errors name the size of their picture."""


def recognise_in_bulk(source: str, results: str) -> int:
    """Read all pictures of a source that the results do not have yet. Return the exit status.

    Raises:
        ClickException: Ray is not installed.
    """
    if not (find_spec("ray") and find_spec("pyarrow")):
        raise click.ClickException("Reading in bulk needs Ray: `make ray` installs it.")
    _configure_ray()
    from digits.bulk import run
    from digits.bulk.results import READ

    work = run.prepare(source, results, Settings.read())
    errors = Counter(work.before)
    read_before = errors.pop(READ, 0)
    hides_progress = not sys.stderr.isatty()
    try:
        with click.progressbar(length=work.pictures, label="Reading", file=sys.stderr, hidden=hides_progress) as bar:
            for more in run.read(work):
                errors.update(more)
                bar.update(sum(more.values()))
    except KeyboardInterrupt:
        kept, before = read_before + errors.total(), sum(work.before.values())
        sys.exit(
            f"\nStopped. {results} has rows for at least {kept:,} of {before + work.pictures:,} pictures. "
            "Repeat the command to read the others."
        )
    rows = [("read before", read_before), ("read", errors.pop(READ, 0)), *errors.most_common(_MOST_ERRORS)]
    for line in table(("PICTURES", "REMARK"), [(f"{count:,}", remark) for remark, count in rows if count]):
        click.echo(line)
    click.echo(f"{results} has a row for each.", err=True)
    return int(bool(errors))


def _configure_ray() -> None:
    """Set what Ray reads when it is imported, unless the user has set it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # It would tell its makers.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # It warns of what Ray Data itself does.
    if not ray_address():
        # What it starts here listens on all addresses, and runs whatever it is sent.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
