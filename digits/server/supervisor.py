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
"""How long a worker closes connections after each answer before it stops accepting new ones."""
LEAVE_SECONDS = 90.0
"""After this a leaving worker is killed. No request body takes as long; a client that does not read its answer may."""


class Workers(MPServer):
    """Processes that are replaced one after another when SIGHUP comes, the next one being there before one leaves.

    On Linux each place has a listening socket that outlives its worker: in granian's own way connections that wait
    there are reset when the worker goes. And a worker that leaves is given as long as its requests may take.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.renew: Callable[[], bool] = lambda: True
        """Prepares what new workers need, in a thread. Returns whether to replace the old workers."""
        self._renewals: SimpleQueue[None] = SimpleQueue()  # Unlike Event, it may be used in the middle of its own use.
        self._sockets: list[Any] = []
        self._leaving: list[WorkerProcess] = []
        self._had_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def signal_handler_interrupt(self, *arguments: Any, **options: Any) -> None:
        # A signal in the middle of another would set the event that is being set, and wait for ever.
        if not self.interrupt_signal:
            super().signal_handler_interrupt(*arguments, **options)

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        if self._had_terminal and not _has_terminal():
            self.signal_handler_interrupt()  # It was closed, and that is what SIGHUP says.
        else:
            self._renewals.put(None)

    def startup(self, *arguments: Any) -> None:
        super().startup(*arguments)
        # Apart from the loop that waits for signals, so that the server can be stopped meanwhile.
        threading.Thread(target=self._renew, name="renew", daemon=True).start()

    def _renew(self) -> None:
        while True:
            self._renewals.get()
            while not self._renewals.empty():
                self._renewals.get()  # One renewal answers all that came before it.
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
        """Replaces granian's own, which waits for each old worker and soon kills it."""
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
    """Tells a worker to close connections after each answer. Closing an idle one could lose the next request."""
    worker.interrupt_by_parent = True  # Should it die now, that is no reason to replace it again.
    with suppress(ProcessLookupError):
        if worker.is_alive():
            os.kill(worker.inner.pid, signal.SIGHUP)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
