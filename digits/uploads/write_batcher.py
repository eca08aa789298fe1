"""Group commit: uploads that arrive together are written together, and share what a durable write costs."""

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import Lock

from digits.uploads.blobs import Storage
from digits.uploads.models import Record, Records
from digits.uploads.service import Upload, keep_uploads

MOST_AT_ONCE = 64
"""Uploads that are written together."""


class WriteBatcher:
    """Keep uploads in a thread of its own, or in that of an `executor` with one thread."""

    def __init__(self, storage: Storage, records: Records, executor: Executor | None = None) -> None:
        self._storage, self._records = storage, records
        self._waiting: deque[tuple[Upload, Future[Record]]] = deque()
        self._lock = Lock()
        self._is_at_work = False
        self._thread = executor or ThreadPoolExecutor(1, thread_name_prefix="write-batcher")

    def keep(self, upload: Upload) -> "Future[Record]":
        """Return a future of the record, as keep_uploads returns it, or of the error that it raises."""
        kept: Future[Record] = Future()
        kept.set_running_or_notify_cancel()  # Not to be cancelled if its client goes away: a batch is kept whole.
        with self._lock:
            if not self._is_at_work:
                self._thread.submit(self._keep_waiting)
                self._is_at_work = True
            self._waiting.append((upload, kept))
        return kept

    def _keep_waiting(self) -> None:
        while batch := self._next_batch():
            try:
                standing = keep_uploads([upload for upload, _ in batch], self._storage, self._records)
            except BaseException as error:
                for _, kept in batch:
                    kept.set_exception(error)
            else:
                for (_, kept), record in zip(batch, standing, strict=True):
                    kept.set_result(record)

    def _next_batch(self) -> list[tuple[Upload, "Future[Record]"]]:
        """Take what arrived while the last batch was written; empty if nothing did."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            self._is_at_work = bool(batch)
            return batch
