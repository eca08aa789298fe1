"""Group commit: uploads that arrive together are made safe together, and share what that takes the disk."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from digits.records import Record, Records
from digits.storage import Storage

MOST_AT_ONCE = 64


class Ledger:
    """Enters the records of pictures that are in the storage already, in a thread of its own."""

    def __init__(self, storage: Storage, records: Records) -> None:
        self._storage, self._records = storage, records
        self._waiting: deque[tuple[Record, Future[None]]] = deque()
        self._lock = Lock()
        self._is_at_work = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    def enter(self, record: Record) -> "Future[None]":
        """Is done once picture and record are safe; where it fails, with what kept them from it, both are gone."""
        entered: Future[None] = Future()
        with self._lock:
            self._waiting.append((record, entered))
            if not self._is_at_work:
                self._is_at_work = True
                self._thread.submit(self._enter_waiting)
        return entered

    def _enter_waiting(self) -> None:
        while batch := self._next_batch():
            try:
                self._enter([record for record, _ in batch])
            except BaseException as error:
                for _, entered in batch:
                    entered.set_exception(error)
            else:
                for _, entered in batch:
                    entered.set_result(None)

    def _next_batch(self) -> list[tuple[Record, "Future[None]"]]:
        """All that came while others were entered; empty once the work is done."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            self._is_at_work = bool(batch)
            return batch

    def _enter(self, records: list[Record]) -> None:
        try:
            self._storage.sync(record.id for record in records)
            self._records.add(records)
        except BaseException:
            for record in records:
                with suppress(Exception):  # What cannot be deleted is left to be swept.
                    self._storage.delete(record.id)
            raise
