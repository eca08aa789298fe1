"""Write uploads to a zip file: their pictures, and what a format says of them."""

import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from digits.uploads.blobs import Storage, picture_in
from digits.uploads.models import Record, Records, Wanted, every


@dataclass(frozen=True, slots=True)
class Exported:
    """How many pictures were written, how many are gone from the storage, and how many the format cannot tell."""

    pictures: int = 0
    missing: int = 0
    left_out: int = 0


class Format(Protocol):
    """What is said of the pictures, beside them in the zip."""

    @property
    def folder(self) -> str:
        """The folder of the pictures in the zip."""

    def takes(self, record: Record) -> bool:
        """Whether this format can tell what is in the picture."""

    def add(self, record: Record, file: str) -> None:
        """Note a picture that was written under this name."""

    def files(self) -> Mapping[str, str]:
        """What to write beside the pictures, by name."""


def export(storage: Storage, records: Records, out: Path, form: Format, wanted: Wanted) -> Exported:
    """Write a zip of the wanted pictures as they were sent, the newest first. It appears once it is complete.

    Raises:
        Unavailable: the database or the storage does not answer.
        OSError: the zip cannot be written.
    """
    pictures = missing = left_out = 0
    temporary = out.with_name(f".{out.name}")
    try:
        # Pictures are compressed already.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for record in every(records, wanted):
                if not form.takes(record):
                    left_out += 1
                elif (data := picture_in(storage, record.id)) is None:
                    missing += 1
                else:
                    name = f"{form.folder}/{record.id}.{record.format.lower()}"
                    archive.writestr(name, data)
                    form.add(record, name)
                    pictures += 1
            for name, text in form.files().items():
                archive.writestr(name, text, zipfile.ZIP_DEFLATED)
        temporary.replace(out)
    except OSError as error:
        error.filename = str(out)  # Nobody has asked for the temporary file.
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Exported(pictures, missing, left_out)


def label_digits(record: Record) -> list[int] | None:
    """Return the label's digits in the order of the boxes; None if it has others than were found, or there is none."""
    if record.label is None:
        return None
    lines, found = record.label.split("\n"), record.number.split("\n")
    if record.label and [len(line) for line in lines] != [len(line) for line in found]:
        return None
    return [int(digit) for line in lines for digit in line]
