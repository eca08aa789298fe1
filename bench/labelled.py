"""Pictures with what is written in them, from folders with a labels.csv."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from digits.errors import DataError
from digits.uploads.export.labels import COLUMNS, LABELS
from digits.uploads.picture_names import SUFFIXES

_NUMBER = re.compile(r"[0-9]+(\n[0-9]+)*")


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture's file, and the number in it."""

    path: Path
    name: str
    """As labels.csv has it."""
    set: str
    label: str
    """Digits, with a line feed between lines; empty where the picture shows no number."""


def read_folder(folder: Path) -> list[LabelledPicture]:
    """The pictures that the folder's labels.csv names, in its order.

    Raises DataError, which says where, and what to do.
    """
    labels = folder / LABELS
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder. Name one that has a {LABELS} and its pictures.")
    if not labels.is_file():
        raise DataError(
            f"{folder} has no {LABELS}. Make one: a line with {','.join(COLUMNS)}, then one for each picture."
        )
    try:
        with labels.open(encoding="utf-8-sig", newline="") as file:
            pictures = list(_rows(folder, csv.DictReader(file, strict=True)))
    except UnicodeDecodeError as error:
        raise DataError(f"{labels} is not in UTF-8. Save it as such.") from error
    except csv.Error as error:
        raise DataError(f"{labels} is not in CSV format: {error}.") from error
    if not pictures:
        raise DataError(f"{labels} names no picture. Write a line with {','.join(COLUMNS)} for each.")
    return pictures


def without_digits(named: str, pictures: Sequence[LabelledPicture]) -> list[LabelledPicture]:
    """The pictures, and that none of a set has a number in it; or those of another folder, which need no labels.

    Raises DataError where `named` is neither a set of theirs nor a folder of pictures.
    """
    sets = {picture.set for picture in pictures}
    if named in sets:
        return [replace(picture, label="") if picture.set == named else picture for picture in pictures]
    folder = Path(named)
    if not folder.is_dir():
        raise DataError(f"{named} is neither a folder nor one of the sets {', '.join(sorted(sets))}.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise DataError(f"{named} has no pictures in it, that is, no files that end in {', '.join(SUFFIXES)}.")
    name = folder.resolve().name
    return [*pictures, *(LabelledPicture(path, path.relative_to(folder).as_posix(), name, "") for path in paths)]


def at_most(limit: int, pictures: Sequence[LabelledPicture]) -> list[LabelledPicture]:
    """The first `limit` of each set."""
    met: Counter[str] = Counter()
    chosen = []
    for picture in pictures:
        met[picture.set] += 1
        if met[picture.set] <= limit:
            chosen.append(picture)
    return chosen


def _rows(folder: Path, rows: "csv.DictReader[str]") -> Iterator[LabelledPicture]:
    if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
        raise DataError(
            f"{folder / LABELS} has no column {' and no column '.join(missing)}. "
            f"Its first line must name {' and '.join(COLUMNS)}, separated by a comma."
        )
    for row in rows:
        where = f"{folder / LABELS}, line {rows.line_num}"
        name = row["file"]
        if not name or not (folder / name).is_file():
            raise DataError(f"{where}: there is no file {name!r} in {folder}. Bring it, or take the line out.")
        parts = Path(name).parts
        yield LabelledPicture(
            folder / name, name, parts[0] if len(parts) > 1 else folder.resolve().name, _label(row["label"], where)
        )


def _label(text: str | None, where: str) -> str:
    label = (text or "").replace("\\n", "\n").replace("\r\n", "\n").strip()
    if text is None or (label and not _NUMBER.fullmatch(label)):
        raise DataError(
            f"{where}: {text!r} is not a label. Write the number's digits, with \\n between lines, "
            "or nothing after the comma where the picture has no number in it."
        )
    return label
