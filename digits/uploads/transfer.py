"""Copy all uploads to another storage and database, under the same ids."""

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
    """Ids of uploads whose pictures are gone; their records were copied all the same."""
    damaged: list[str] = field(default_factory=list)
    """Ids of uploads whose pictures are not what was sent once; they were copied all the same."""

    def __str__(self) -> str:
        said = [f"Uploads copied: {self.copied:,}; there already: {self.there:,}."]
        if self.missing:
            said.append(f"The pictures of these had been lost before: {', '.join(self.missing)}.")
        if self.damaged:
            said.append(f"The pictures of these had been damaged before: {', '.join(self.damaged)}.")
        return " ".join(said)


def move(storage: Storage, records: Records, to_storage: Storage, to_records: Records) -> Iterator[Moved]:
    """Copy every upload, and yield after each batch what has been done so far.

    Records are copied first: a sweep of the new storage would delete pictures without one.

    What is there already is not copied again; only a newer label is. So this can be interrupted and repeated, and the
    storage or the database may be the same on both sides. Nothing is deleted from the old ones.

    Raises:
        Unavailable: a storage or database fails, or a copy differs from its original.
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
            raise Unavailable(f"The copy of {key} differs from its original. Nothing is lost; try again.")


def _label(records: list[Record], to_records: Records) -> None:
    for record in records:
        if record.labelled_at and record.labelled_at > (to_records.get(record.id).labelled_at or EPOCH):
            to_records.label(record.id, record.label, record.labelled_at)


def _add(records: list[Record], to_records: Records) -> None:
    standing = {record.id for record in to_records.add(records)}
    # Another upload has this key there, so the key is of no use any more; the upload is copied without it.
    to_records.add([replace(record, idempotency_key=None) for record in records if record.id not in standing])
