"""`digits label`: keep a person's correction."""

import click

from digits.cli.command import Command, audit, one_line
from digits.cli.store import store
from digits.errors import BadRequest, NotFound
from digits.uploads.models import ID, is_label
from digits.uploads.service import now


@click.command(
    cls=Command,
    examples=[
        "digits label 0199f3a2-7c41-7b5e-9d3f-0123456789ab 42",
        r"digits label 0199f3a2-7c41-7b5e-9d3f-0123456789ab '45\n6'",
        "digits label 0199f3a2-7c41-7b5e-9d3f-0123456789ab --none",
    ],
)
@click.argument("key", metavar="ID")
@click.argument("number", required=False)
@click.option("--none", "no_digit", is_flag=True, help="There is no digit in the picture.")
@click.option("--remove", is_flag=True, help="Take the label back.")
def label(key: str, number: str | None, no_digit: bool, remove: bool) -> None:
    r"""Keeps what is really written in an upload: the NUMBER's digits, with \n between lines.

    `digits history` shows the ids. `digits train --corrections` learns from labels.
    """  # noqa: DOC501 - It is the help.
    if (number is not None) + no_digit + remove != 1:
        raise click.UsageError("Give either the NUMBER, --none or --remove.")
    if not ID.fullmatch(key):
        raise NotFound("There is no upload with this id. `digits history` shows the ids.")
    said = None if remove else (number or "").replace("\\n", "\n")
    if number == "" or (said and not is_label(said)):
        raise BadRequest(
            r"This is not a number. Give its digits alone, without points or signs, with \n between lines."
        )
    record = store().records.label(key, said, None if said is None else now())
    audit("label removed" if said is None else "labelled", upload_id=key, label=said)
    told = {None: "no label any more", "": "no digit"}.get(said, one_line(said or ""))
    click.echo(f"{record.id}: {told}; it was read as {one_line(record.text)}.")
