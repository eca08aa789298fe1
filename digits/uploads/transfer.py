"""Copies all uploads to another storage and database, under the same ids."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from digits.errors import Unavailable
from digits.uploads.blobs import Storage, picture_in
from digits.uploads.models import EPOCH, Record, Records, Wanted, every

BATCH = 20
"""Uploads per batch; their pictures are in memory at the same time."""


@dataclass(slots=True)
class Moved:
    """What was copied so far."""

    copied: int = 0
    there: int = 0
    """Uploads that had been copied before."""
    missing: list[str] = field(default_factory=list)
    """Ids of records, copied too, whose pictures are gone from where they were."""
    damaged: list[str] = field(default_factory=list)
    """Ids of pictures, copied too, that are not what was once sent."""

    def __str__(self) -> str:
        said = [f"Uploads copied: {self.copied:,}; there already: {self.there:,}."]
        if self.missing:
            said.append(f"The pictures of these had been lost before: {', '.join(self.missing)}.")
        if self.damaged:
            said.append(f"The pictures of these had been damaged before: {', '.join(self.damaged)}.")
        return " ".join(said)


def move(storage: Storage, records: Records, to_storage: Storage, to_records: Records) -> Iterator[Moved]:
    """Copies every upload, and tells after each batch what is done so far.

    Records first: a sweep over there would take a picture without one for a leftover.

    What is there already is not copied again, but labelled if that is newer: so it can be broken off and repeated, and
    either side may stay where it is. Nothing is deleted. Raises Unavailable, also where a copy is not what was copied.
    """
    moved = Moved()
    pictures = set(to_storage.every_key())
    rows = every(records, Wanted())
    while batch := list(islice(rows, BATCH)):
        known = to_records.known({record.id for record in batch})
        _add([record for record in batch if record.id not in known], to_records)
        _label([record for record in batch if record.id in known], to_records)
        _copy([record for record in batch if record.id not in pictures], storage, to_storage, moved)
        there = len(known & pictures)
        moved.copied += len(batch) - there
        moved.there += there
        yield moved


def _copy(records: list[Record], storage: Storage, to_storage: Storage, moved: Moved) -> None:
    copies: dict[str, bytes] = {}
    for record in records:
        if (data := picture_in(storage, record.id)) is None:
            moved.missing.append(record.id)
            continue
        copies[record.id] = data
        if hashlib.sha256(data).hexdigest() != record.sha256:
            moved.damaged.append(record.id)
    if copies:
        to_storage.put(copies)
    for key, data in copies.items():
        if to_storage.get(key) != data:
            to_storage.delete([key])
            raise Unavailable(f"The copy of {key} is not what was copied. Nothing is lost; try again.")


def _label(records: list[Record], to_records: Records) -> None:
    for record in records:
        if record.labelled_at and record.labelled_at > (to_records.get(record.id).labelled_at or EPOCH):
            to_records.label(record.id, record.label, record.labelled_at)


def _add(records: list[Record], to_records: Records) -> None:
    standing = {record.id for record in to_records.add(records)}
    # A key that is another upload's there is of no use any more, but the upload is.
    to_records.add([replace(record, idempotency_key=None) for record in records if record.id not in standing])
