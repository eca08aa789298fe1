"""The write batcher, over working fakes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import ParamSpec, TypeVar

import pytest

from digits.errors import StorageFull, Unavailable, Unsettled
from digits.uploads.models import Record
from digits.uploads.service import Upload
from digits.uploads.write_batcher import MOST_AT_ONCE, WriteBatcher
from support.records import record
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage

P = ParamSpec("P")
T = TypeVar("T")


def upload(key: str) -> Upload:
    return Upload(b"picture", record(id=key), ())


class SlowRecords(MemoryRecords):
    """Takes records only once it is told to, and remembers which came together."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.open = threading.Event(), threading.Event()
        self.batches: list[list[str]] = []

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        self.started.set()
        assert self.open.wait(10)
        self.batches.append([record.id for record in records])
        return super().add(records)


def test_what_arrives_meanwhile_is_kept_together() -> None:
    records = SlowRecords()
    batcher = WriteBatcher(MemoryStorage(), records)
    first = batcher.keep(upload("first"))
    assert records.started.wait(10)
    others = [batcher.keep(upload(str(number))) for number in range(MOST_AT_ONCE + 5)]
    assert not first.done()
    records.open.set()
    assert wait([first, *others], 10).not_done == set()
    assert [len(batch) for batch in records.batches] == [1, MOST_AT_ONCE, 5]
    assert list(records.rows) == ["first", *(str(number) for number in range(MOST_AT_ONCE + 5))]


def test_pictures_are_on_the_disk_before_their_records() -> None:
    steps: list[str] = []

    class Storage(MemoryStorage):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            steps.append(f"put {list(pictures)}")

    class Records(MemoryRecords):
        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            steps.append(f"add {[record.id for record in records]}")
            return records

    WriteBatcher(Storage(), Records()).keep(upload("7")).result(10)
    assert steps == ["put ['7']", "add ['7']"]


class FullStorage(MemoryStorage):
    """Has room for one picture."""

    def put(self, pictures: Mapping[str, bytes]) -> None:
        for key, data in pictures.items():
            if self.files:
                raise StorageFull("There is no room to keep the picture.")
            super().put({key: data})


class StuckStorage(MemoryStorage):
    def put(self, pictures: Mapping[str, bytes]) -> None:
        super().put(pictures)
        raise Unavailable("The storage does not answer.")


class Later(Executor):
    """Does nothing until it is told to."""

    def __init__(self) -> None:
        self.submitted: list[Callable[[], object]] = []

    def submit(self, work: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> "Future[T]":
        self.submitted.append(partial(work, *arguments, **options))
        return Future()


@pytest.mark.parametrize(
    ("storage", "records", "error"),
    [
        (FullStorage(), MemoryRecords(), StorageFull),
        (StuckStorage(), MemoryRecords(), Unavailable),
        (MemoryStorage(), AbsentRecords(), Unavailable),
    ],
)
def test_what_cannot_be_kept_is_told_to_each_and_leaves_nothing(
    storage: MemoryStorage, records: MemoryRecords, error: type[Exception]
) -> None:
    later = Later()
    batcher = WriteBatcher(storage, records, later)
    kept = [batcher.keep(upload(key)) for key in "ab"]
    (work,) = later.submitted
    work()
    for each in kept:
        with pytest.raises(error):
            each.result(0)
    assert storage.files == {}
    assert records.rows == {}


def test_the_picture_is_not_taken_from_a_record_that_may_be_there() -> None:
    class Records(MemoryRecords):
        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            super().add(records)
            raise Unsettled("The database went away while it was written.")

    storage, records = MemoryStorage(), Records()
    with pytest.raises(Unsettled):
        WriteBatcher(storage, records).keep(upload("7")).result(10)
    assert storage.files.keys() == records.rows.keys() == {"7"}


def test_what_comes_again_gets_the_first_record_and_leaves_no_picture() -> None:
    storage, records = MemoryStorage(), MemoryRecords()
    batcher = WriteBatcher(storage, records)
    again = [Upload(b"picture", record(id=key, idempotency_key="mine"), ()) for key in "abc"]
    assert [batcher.keep(each).result(10).id for each in again] == ["a", "a", "a"]
    assert storage.files.keys() == records.rows.keys() == {"a"}


def test_it_works_again_after_a_failure() -> None:
    class Records(MemoryRecords):
        failures = 1

        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            if self.failures:
                self.failures -= 1
                raise Unavailable("The database does not answer.")
            return super().add(records)

    records = Records()
    batcher = WriteBatcher(MemoryStorage(), records)
    with pytest.raises(Unavailable):
        batcher.keep(upload("lost")).result(10)
    batcher.keep(upload("kept")).result(10)
    assert list(records.rows) == ["kept"]


def test_one_who_goes_away_does_not_hold_up_the_others() -> None:
    records = SlowRecords()
    batcher = WriteBatcher(MemoryStorage(), records)
    kept = [batcher.keep(upload(key)) for key in "abc"]
    assert not kept[1].cancel()
    records.open.set()
    for each in kept:
        each.result(10)


def test_it_works_again_once_a_thread_can_be_started() -> None:
    class Exhausted(ThreadPoolExecutor):
        refusals = 1

        def submit(self, work: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> "Future[T]":
            if self.refusals:
                self.refusals -= 1
                raise RuntimeError("can't start new thread")
            return super().submit(work, *arguments, **options)

    records = MemoryRecords()
    batcher = WriteBatcher(MemoryStorage(), records, Exhausted(1))
    with pytest.raises(RuntimeError):
        batcher.keep(upload("lost"))
    batcher.keep(upload("kept")).result(10)
    assert list(records.rows) == ["kept"]
