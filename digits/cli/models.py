"""`digits shadow`, `promote` and `rollback`: compare another model with the one that serves, and change them."""

from collections.abc import Sequence
from pathlib import Path

import click

from digits.cli.command import Command, audit, percent, table
from digits.cli.store import store
from digits.inference.model_file import last_of
from digits.inference.promotion import promote as put_in_place
from digits.inference.promotion import roll_back
from digits.settings import Settings
from digits.uploads.disagreements import Disagreement

_HEADS = ("ID", "TIME (UTC)", "MODEL", "READ", "SHADOW", "READ", "CONFIDENCE", "LABEL")
_ON_SIGHUP = "Running servers load it on SIGHUP to the parent process: pkill -HUP -o -f 'python app.py'."


@click.command(cls=Command, examples=["digits shadow --limit 100"])
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
def shadow(limit: int) -> None:
    """Lists the uploads that the model of DIGITS_SHADOW reads differently, the newest first.

    If they are labelled, it says which model is right more often.
    """
    found = store().disagreements.find(limit)
    if not found:
        click.echo("There are no disagreements.", err=True)
        return
    for line in table(_HEADS, map(_row, found)):
        click.echo(line)
    if verdict := _verdict(found):
        click.echo(verdict, err=True)


@click.command(cls=Command, examples=["digits promote other.h5"])
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="MODEL.h5")
def promote(source: Path) -> None:
    """Puts a model in the place of DIGITS_MODEL, and keeps the one before beside it.

    The model is compiled and tried first; if it cannot be served, nothing is changed.
    """
    place = Settings.read().model
    name = put_in_place(source, place)
    audit("model promoted", model=name, source=str(source))
    click.echo(f"{place} is now {name}. {_ON_SIGHUP}")
    if last_of(place).exists():
        click.echo(f"{last_of(place)} is the one before, which `digits rollback` brings back.")


@click.command(cls=Command, examples=["digits rollback"])
def rollback() -> None:
    """Brings back the model that `digits promote` has replaced last."""
    place = Settings.read().model
    name = roll_back(place)
    audit("model rolled back", model=name)
    click.echo(f"{place} is {name} again. {_ON_SIGHUP}")


def _row(found: Disagreement) -> tuple[str, ...]:
    upload = found.upload
    label = {None: "", "": "no digit"}.get(upload.label, upload.label or "")
    time, confidence = f"{upload.created_at:%Y-%m-%d %H:%M:%S}", percent(found.shadow_confidence)
    return upload.id, time, upload.model, upload.number, found.shadow, found.shadow_number, confidence, label


def _verdict(found: Sequence[Disagreement]) -> str:
    labelled = [each for each in found if each.upload.label is not None]
    if not labelled:
        return ""
    by_shadow = sum(each.upload.label == each.shadow_number for each in labelled)
    by_model = sum(each.upload.label == each.upload.number for each in labelled)
    return f"Of {len(labelled)} labelled, the shadow is right in {by_shadow}, the model in {by_model}."
