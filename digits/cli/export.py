"""`digits export`: write uploads to a zip file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from digits.cli.command import Command
from digits.cli.store import store
from digits.uploads.export.archive import Format
from digits.uploads.export.archive import export as exported
from digits.uploads.export.coco import Coco
from digits.uploads.export.label_studio import LabelStudio
from digits.uploads.export.labels import Labels
from digits.uploads.models import Wanted

_OUT = click.Path(path_type=Path, dir_okay=False)
_FORMATS: Mapping[str, Callable[[Path], Format]] = {
    "csv": lambda _: Labels(),
    "coco": lambda _: Coco(),
    "label-studio": lambda out: LabelStudio(out.stem),
}


@click.command(
    cls=Command,
    examples=[
        "digits export out.zip",
        "digits export --format coco --all coco.zip",
        "digits export --format label-studio tasks.zip",
    ],
)
@click.argument("out", required=False, type=_OUT, metavar="OUT.zip")
@click.option(
    "--format",
    "name",
    type=click.Choice(list(_FORMATS)),
    default="csv",
    show_default=True,
    help="What is written beside the pictures.",
)
@click.option("--all", "everything", is_flag=True, help="Export uploads without a label too, with what was read.")
@click.option("--labelled", type=_OUT, hidden=True, help="The former name of OUT.zip.")
def export(out: Path | None, name: str, everything: bool, labelled: Path | None) -> None:
    """Writes the labelled pictures, as they were sent, to a zip file.

    csv: labels.csv has the column label, and readings.csv what was read.

    coco: annotations.json has a box and a category for each digit. The boxes are what was found; the categories are
    the label's digits, or what was read if there is no label. Pictures whose label has more or fewer digits than were
    found are left out.

    label-studio: tasks.json has what was read as predictions and labels as annotations; config.xml is the labelling
    interface. Unpack the zip below Label Studio's folder of local files, into a folder named like the zip.
    """  # noqa: DOC501 - It is the help.
    place = out or labelled
    if place is None or (out and labelled):
        raise click.UsageError("Name one file to write, such as out.zip.")
    at_hand = store()
    wanted = Wanted() if everything else Wanted(labelled=True)
    done = exported(at_hand.storage, at_hand.records, place, _FORMATS[name](place), wanted)
    click.echo(f"Written: {place}; {'' if everything else 'labelled '}pictures: {done.pictures:,}.")
    if done.missing:
        click.echo(f"Pictures that are gone: {done.missing:,}.", err=True)
    if done.left_out:
        click.echo(f"Left out, since the label has more or fewer digits than were found: {done.left_out:,}.", err=True)
