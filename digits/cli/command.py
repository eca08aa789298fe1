"""What the subcommands share: examples in the help, failures told in a sentence, and tables."""

import errno
import logging
import math
import os
from collections.abc import Iterable, Sequence
from getpass import getuser
from typing import Any

import click

from digits.audit import note
from digits.errors import BadRequest, DigitsError
from digits.uploads.models import Record


class WithExamples(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._examples = examples

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line, and what else there is to say."""
        if self._examples:
            with formatter.section("Examples"):
                for example in self._examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(context, formatter)


class Command(WithExamples):
    """A command that ends with a sentence if something fails: with status 2 if what was asked is wrong, else 1."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command.

        Raises:
            UsageError: what was asked is wrong.
            ClickException: something else failed.
            OSError: nobody reads the output any more.
        """
        try:
            return super().invoke(context)
        except BadRequest as error:
            raise click.UsageError(str(error), context) from error
        except DigitsError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # What reads the output, such as `head`, has seen enough.
                raise
            raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def audit(event: str, **about: str | int | None) -> None:
    """Write a line of the audit log to stderr about what the user of this command has done."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
    try:
        user = getuser()
    except (KeyError, OSError):  # A container may run as a user without a name.
        user = str(os.getuid())
    note(event, **about, by=user)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield the lines of a table whose columns are as broad as their longest cell."""
    cells = [tuple(heads), *(tuple(map(one_line, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def percent(share: float) -> str:
    """Return a probability in per cent, rounded down, for nothing short of certainty to be called 100 %."""
    return f"{math.floor(1000 * share) / 10:.1f}%"


def remark_on(record: Record) -> str:
    """Return what must be said of a record beside its number."""
    return "" if record.recognised else "not recognised"


def one_line(text: str) -> str:
    r"""Return a text with " / " between its lines, and other characters that would spoil a terminal as \escapes."""
    text = text.replace("\n", " / ")
    return text if text.isprintable() else text.encode("unicode_escape").decode()
