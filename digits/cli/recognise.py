"""`digits recognise`: read pictures and keep nothing."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from digits.cli.boxes import draw_boxes
from digits.cli.command import Command, percent, remark_on, table
from digits.cli.pictures import Picture, pictures_of
from digits.errors import DigitsError
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.settings import Settings
from digits.uploads.service import Upload, recognise_upload


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was read in a picture, or why it was not."""

    name: str
    upload: Upload | None
    problem: str = ""


@click.command(
    cls=Command,
    examples=[
        "digits recognise digit.png",
        "digits recognise scans/ --boxes checked/",
        "digits recognise scans/ --json > answers.jsonl",
        "digits recognise --bulk s3://BUCKET/scans --out results.parquet",
        "curl -s https://example.org/7.png | digits recognise -",
    ],
    epilog="The exit status is 0 if all pictures were read, recognised or not; 1 if one could not be read; "
    "2 if the command was called wrongly.",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each picture, as the server answers.")
@click.option(
    "--boxes",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each picture there, as PNG, with boxes and digits drawn.",
)
@click.option(
    "--bulk",
    metavar="SOURCE",
    help="Read all pictures of a folder, s3://BUCKET/PREFIX, a zip or a Parquet file, on all CPUs, with Ray.",
)
@click.option("--out", metavar="RESULTS.parquet", help="With --bulk: folder, or s3://BUCKET/PREFIX, for a row of each.")
def recognise(files: Sequence[Path], as_json: bool, boxes: Path | None, bulk: str | None, out: str | None) -> None:
    """Reads pictures, and keeps nothing.

    Of a folder, all pictures in it and in its subfolders are read, except hidden ones. Files whose names have another
    ending than pictures have are skipped. A FILE of - is standard input.

    In bulk, pictures that RESULTS.parquet has a row for are not read again: if the command is interrupted, repeat it.
    """  # noqa: DOC501 - It is the help.
    if bool(files) == bool(bulk) or bool(bulk) != bool(out) or (bulk and (as_json or boxes)):
        raise click.UsageError("Name each FILE to read, or else --bulk SOURCE and --out RESULTS.parquet alone.")
    if bulk and out:
        from digits.cli.bulk import recognise_in_bulk

        sys.exit(recognise_in_bulk(bulk, out))
    pictures = pictures_of(files, boxes)
    hides_progress = len(pictures) == 1 or not sys.stderr.isatty() or (as_json and sys.stdout.isatty())
    failed, rows = False, []
    with click.progressbar(
        _answers(pictures), len(pictures), "Reading", file=sys.stderr, hidden=hides_progress
    ) as answers:
        for answer in answers:
            failed |= bool(answer.problem)
            if as_json:
                click.echo(_json(answer))
            else:
                rows.append(_row(answer))
    for line in table(("FILE", "NUMBER", "CONFIDENCE", "REMARK"), rows) if rows else ():
        click.echo(line)
    sys.exit(failed)


def _answers(pictures: Sequence[Picture]) -> Iterator[_Answer]:
    settings = Settings.read()
    recogniser = LiteRTRecogniser(load_compiled(settings.model))
    for picture in pictures:
        upload, problem = None, ""
        try:
            upload = recognise_upload(picture.read(), recogniser, settings.max_pixels)
            if picture.drawn:
                draw_boxes(upload, settings.max_pixels, picture.drawn)
        except OSError as error:
            named = "" if str(error.filename or picture.name) == picture.name else f"{error.filename}: "
            problem = f"{named}{error.strerror or error}."
        except DigitsError as error:
            problem = str(error)
        yield _Answer(picture.name, upload, problem)


def _row(answer: _Answer) -> tuple[str, str, str, str]:
    if answer.upload is None:
        return answer.name, "", "", answer.problem
    record = answer.upload.record
    return answer.name, record.text, percent(record.confidence), answer.problem or remark_on(record)


def _json(answer: _Answer) -> str:
    from digits.web.schemas import recognition_answer  # Only now, since it takes a while.

    said: dict[str, Any] = {"file": answer.name}
    if answer.upload is not None:
        said |= recognition_answer(answer.upload).model_dump(mode="json", exclude_unset=True)
    if answer.problem:
        said["problem"] = answer.problem
    return json.dumps(said)
