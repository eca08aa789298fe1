"""What a move copies, and where it goes on."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digits.errors import Unavailable
from digits.uploads.blobs import Storage
from digits.uploads.models import Records, Wanted, every
from digits.uploads.transfer import move
from support.records import record
from tests.fakes import MemoryRecords, MemoryStorage


def filled() -> tuple[MemoryStorage, MemoryRecords]:
    """Fifty uploads, some labelled, some with a key of their client's."""
    storage, records = MemoryStorage(), MemoryRecords()
    at = datetime(2026, 11, 26, 8, 0, 0, 5000, UTC)
    for number in range(50):
        data = f"picture {number}".encode()
        label = {"label": str(number), "labelled_at": at} if number % 5 == 0 else {}
        key = f"key-{number}" if number % 7 == 0 else None
        row = record(sha256=hashlib.sha256(data).hexdigest(), idempotency_key=key, owner=f"owner-{number % 3}", **label)
        storage.put({row.id: data})
        records.add([row])
    return storage, records


def told(storage: Storage, records: Records, to_storage: Storage, to_records: Records) -> str:
    *_, moved = move(storage, records, to_storage, to_records)
    return str(moved)


def test_all_is_moved_under_the_same_ids() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    assert told(storage, records, to_storage, to_records) == "Uploads copied: 50; there already: 0."
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_a_move_goes_on_where_it_was_broken_off_and_brings_labels_again() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    next(move(storage, records, to_storage, to_records))
    (newest,) = records.find(Wanted(), 1)
    labelled = records.label(newest.id, "8", datetime(2026, 11, 27, tzinfo=UTC))
    assert told(storage, records, to_storage, to_records) == "Uploads copied: 30; there already: 20."
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)
    assert to_records.get(newest.id) == labelled


def test_what_is_there_already_is_not_copied_again() -> None:
    class Complete(MemoryStorage):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            raise AssertionError("It is copied again")

    storage, records = filled()
    complete, to_records = Complete(), MemoryRecords()
    complete.files = dict(storage.files)
    to_records.add(list(records.rows.values()))
    assert told(storage, records, complete, to_records) == "Uploads copied: 0; there already: 50."


def test_a_label_that_is_newer_over_there_stays() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    told(storage, records, to_storage, to_records)
    labelled = next(key for key, row in records.rows.items() if row.label)
    newer = to_records.label(labelled, "9", datetime(2026, 11, 27, tzinfo=UTC))
    told(storage, records, to_storage, to_records)
    assert to_records.get(labelled) == newer


def test_a_sweep_over_there_never_meets_a_picture_without_its_record() -> None:
    storage, records = filled()
    to_records = MemoryRecords()

    class Watched(MemoryStorage):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            assert to_records.known(pictures) == pictures.keys()
            super().put(pictures)

    told(storage, records, Watched(), to_records)


def test_pictures_may_move_alone_and_records_alone() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    assert told(storage, records, to_storage, records).startswith("Uploads copied: 50;")
    assert told(storage, records, storage, to_records).startswith("Uploads copied: 50;")
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_what_was_lost_or_damaged_before_is_named_and_its_record_moved() -> None:
    storage, records = filled()
    lost, damaged = list(records.rows)[:3:2], list(records.rows)[1:4:2]
    storage.delete(lost)
    storage.put(dict.fromkeys(damaged, b"something else"))
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    said = told(storage, records, to_storage, to_records)
    assert f"had been lost before: {lost[1]}, {lost[0]}." in said
    assert f"had been damaged before: {damaged[1]}, {damaged[0]}." in said
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_an_upload_whose_idempotency_key_is_taken_there_is_moved_without_it() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    to_records.add([record(idempotency_key="key-0")])
    told(storage, records, to_storage, to_records)
    expected = [
        replace(row, idempotency_key=None) if row.idempotency_key == "key-0" else row
        for row in every(records, Wanted())
    ]
    assert [to_records.get(row.id) for row in expected] == expected


def test_a_copy_that_differs_stops_the_move_and_is_copied_the_next_time() -> None:
    class Careless(MemoryStorage):
        def get(self, key: str) -> bytes:
            return super().get(key)[:-1]

    storage, records = filled()
    to_records, careless = MemoryRecords(), Careless()
    with pytest.raises(Unavailable, match="differs from its original"):
        told(storage, records, careless, to_records)
    told(storage, records, to_storage := MemoryStorage(), to_records)
    assert to_storage.files == storage.files
    assert len(careless.files) == 19
    assert all(key in storage.files for key in to_records.rows)
