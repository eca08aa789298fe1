"""Granian's server, extended to load a new model without dropping a request."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from granian.server.mp import MPServer, WorkerProcess

from digits.subprocesses import forking

FAREWELL_SECONDS = 1.0
"""Seconds in which a worker closes each connection after its answer, before it stops accepting new ones."""
LEAVE_SECONDS = 90.0
"""Seconds after which a leaving worker is killed. No request's body takes so long, but a client may read slowly."""


class Workers(MPServer):
    """Worker processes that are replaced one by one on SIGHUP; each new one starts before the old one leaves.

    On Linux each place for a worker has a listening socket that outlives the worker. Otherwise, as granian does it,
    connections that wait on the socket are reset when the worker ends. A leaving worker may finish its requests.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.renew: Callable[[], bool] = lambda: True
        """Prepares what new workers need, in a thread of its own, and returns whether to replace the old ones."""
        self._renewals: SimpleQueue[None] = SimpleQueue()  # Reentrant, unlike Event: a signal may interrupt put().
        self._sockets: list[Any] = []
        self._leaving: list[WorkerProcess] = []
        self._had_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def signal_handler_interrupt(self, *arguments: Any, **options: Any) -> None:
        """Stop the server on the first SIGTERM or SIGINT, and ignore later ones."""
        # A second signal may interrupt the setting of an Event; to set it again then would be a deadlock.
        if not self.interrupt_signal:
            super().signal_handler_interrupt(*arguments, **options)

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        """Ask for new workers on SIGHUP, or stop if it was sent because the terminal was closed."""
        if self._had_terminal and not _has_terminal():
            self.signal_handler_interrupt()
        else:
            self._renewals.put(None)

    def startup(self, *arguments: Any) -> None:
        """Start the workers, and the thread that renews them."""
        super().startup(*arguments)
        # Not in the loop that waits for signals, so that the server can be stopped during a renewal.
        threading.Thread(target=self._renew, name="renew", daemon=True).start()

    def _renew(self) -> None:
        while True:
            self._renewals.get()
            while not self._renewals.empty():
                self._renewals.get()  # One renewal is enough for all requests before it.
            if self.renew():
                super().signal_handler_reload()

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()
        if sys.platform == "linux":
            specification: Any = self._ssp
            self._sockets = [specification.build() for _ in range(self.workers)]

    def _spawn_workers(self, *arguments: Any) -> None:
        with forking:
            super()._spawn_workers(*arguments)

    def _spawn_worker(self, idx: int, *arguments: Any, **options: Any) -> WorkerProcess:
        if self._sockets:
            self._ssp, self._shd = None, self._sockets[idx]
        return super()._spawn_worker(idx, *arguments, **options)

    def _respawn_workers(self, workers: Iterable[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        """Replace workers one by one. Granian's own method waits for each old worker, and kills it soon."""
        places = list(workers)
        for place in places:
            _bid_farewell(self.wrks[place])
        for place in places:
            if self.interrupt_signal:
                return
            self.respawned_wrks[place] = time.monotonic()
            old = self.wrks[place]
            self.wrks[place] = self._spawn_worker(idx=place, target=spawn_target, callback_loader=target_loader)
            with forking:
                self.wrks[place].start()
            time.sleep(delay)
            old.terminate()
            killer = threading.Timer(LEAVE_SECONDS, old.kill)
            killer.daemon = True
            killer.start()
            self._leaving = [*(worker for worker in self._leaving if worker.is_alive()), old]

    def _stop_workers(self) -> None:
        self.wrks += [worker for worker in self._leaving if worker.is_alive()]
        super()._stop_workers()


def _bid_farewell(worker: WorkerProcess) -> None:
    """Tell a worker to close each connection after its answer. To close idle ones could lose the next request."""
    worker.interrupt_by_parent = True  # If it dies now, it is not replaced a second time.
    with suppress(ProcessLookupError):
        if worker.is_alive():
            os.kill(worker.inner.pid, signal.SIGHUP)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
