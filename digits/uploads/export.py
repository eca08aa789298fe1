"""Export the pictures that people labelled, in a form that bench/recognition.py and other programs read."""

import csv
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from digits.uploads.blobs import Storage, picture_in
from digits.uploads.models import Records, Wanted, every

FOLDER = "uploads"
LABELS = "labels.csv"
COLUMNS = ("file", "label")


@dataclass(frozen=True, slots=True)
class Exported:
    """How many pictures were written, and how many are gone from the storage."""

    pictures: int
    missing: int


def export_labelled(storage: Storage, records: Records, out: Path) -> Exported:
    r"""Write a zip of the labelled pictures and a labels.csv with the columns `file` and `label`.

    In a label, `\n` (two characters) separates lines. The zip appears at its path once it is complete.

    Raises:
        Unavailable: the database or the storage does not answer.
        OSError: the zip cannot be written.
    """
    labels = StringIO()
    rows = csv.writer(labels, lineterminator="\n")
    rows.writerow(COLUMNS)
    pictures = missing = 0
    temporary = out.with_name(f".{out.name}")
    try:
        # Pictures are compressed already.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for record in every(records, Wanted(labelled=True)):
                if (data := picture_in(storage, record.id)) is None:
                    missing += 1
                    continue
                name = f"{FOLDER}/{record.id}.{record.format.lower()}"
                archive.writestr(name, data)
                rows.writerow([name, (record.label or "").replace("\n", "\\n")])
                pictures += 1
            archive.writestr(LABELS, labels.getvalue())
        temporary.replace(out)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Exported(pictures, missing)
