"""The ledger, over working fakes."""

import threading
from collections.abc import Sequence
from concurrent.futures import wait

import pytest

from digits.errors import Unavailable
from digits.ledger import MOST_AT_ONCE, Ledger
from digits.records import Record
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage
from tests.test_records import record


class SlowRecords(MemoryRecords):
    """Takes records only once it is told to, and remembers which came together."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.open = threading.Event(), threading.Event()
        self.batches: list[list[str]] = []

    def add(self, records: Sequence[Record]) -> None:
        self.started.set()
        assert self.open.wait(10)
        self.batches.append([record.id for record in records])
        super().add(records)


def test_what_arrives_meanwhile_is_entered_together() -> None:
    records = SlowRecords()
    ledger = Ledger(MemoryStorage(), records)
    first = ledger.enter(record(id="first"))
    assert records.started.wait(10)
    others = [ledger.enter(record(id=str(number))) for number in range(MOST_AT_ONCE + 5)]
    assert not first.done()
    records.open.set()
    assert wait([first, *others], 10).not_done == set()
    assert [len(batch) for batch in records.batches] == [1, MOST_AT_ONCE, 5]
    assert list(records.rows) == ["first", *(str(number) for number in range(MOST_AT_ONCE + 5))]


def test_the_picture_is_on_the_disk_before_its_record() -> None:
    steps: list[str] = []

    class Storage(MemoryStorage):
        def sync(self, keys: object) -> None:
            steps.append(f"sync {list(keys)}")  # type: ignore[call-overload]

    class Records(MemoryRecords):
        def add(self, records: Sequence[Record]) -> None:
            steps.append(f"add {[record.id for record in records]}")

    Ledger(Storage(), Records()).enter(record(id="7")).result(10)
    assert steps == ["sync ['7']", "add ['7']"]


@pytest.mark.parametrize("what", ["storage", "records"])
def test_what_cannot_be_entered_is_told_to_each_and_leaves_no_picture(what: str) -> None:
    class StuckStorage(MemoryStorage):
        def sync(self, keys: object) -> None:
            raise Unavailable("The storage does not answer.")

    storage = StuckStorage() if what == "storage" else MemoryStorage()
    records = MemoryRecords() if what == "storage" else AbsentRecords()
    ledger = Ledger(storage, records)
    for key in "ab":
        storage.put(key, b"picture")
    entered = [ledger.enter(record(id=key)) for key in "ab"]
    for each in entered:
        with pytest.raises(Unavailable):
            each.result(10)
    assert storage.files == {}
    assert records.rows == {}


def test_it_works_again_after_a_failure() -> None:
    records = AbsentRecords()
    ledger = Ledger(MemoryStorage(), records)
    with pytest.raises(Unavailable):
        ledger.enter(record(id="lost")).result(10)
    records.add = MemoryRecords.add.__get__(records)  # type: ignore[method-assign]
    ledger.enter(record(id="kept")).result(10)
    assert list(records.rows) == ["kept"]
