"""Granian's server, extended to outlive its workers' deaths, and to load a new model without dropping a request."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import Any

import granian._signals as granian_signals
from granian._granian import WorkerSignal
from granian.server.mp import MPServer, WorkerProcess

from digits.server.listening import accept_no_more
from digits.server.place import Place, Worker
from digits.web.in_work import InWork

FAREWELL_SECONDS = 1.0
"""Seconds that a leaving worker still accepts connections, and closes each after its answer.

It waits as long again before it ends, so that the connection it accepted last can send its request: granian closes
those that have not.
"""
STOP_FAREWELL_SECONDS = 0.3
"""The same when the server stops, where somebody waits for its end: new connections are refused at once, and those that
are open are closed after their next answer."""
LEAVE_SECONDS = 90.0
"""Seconds after which a leaving worker is killed. No request's body takes so long, but a client may read slowly."""
LOOK_SECONDS = 1.0
"""How often the parent looks after its workers if no signal wakes it: one that another thread takes does not."""


class Workers(MPServer):
    """Worker processes, each in a place. One that dies is followed by another; on SIGHUP all are replaced, one by one.

    On Linux each place has a listening socket that outlives the worker. Otherwise, as granian does it, connections that
    wait on the socket are reset when the worker ends. A Unix socket is shared by all places.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.renew: Callable[[], bool] = lambda: True
        """Prepares what new workers need, in a thread of its own, and returns whether to replace the old ones."""
        # Reentrant, unlike Event: a signal may interrupt put().
        self._renewals: SimpleQueue[None] = SimpleQueue()
        self._wakings: SimpleQueue[None] = SimpleQueue()
        self._sockets: list[Any] = []
        self._places: list[Place] = []
        self._leaving: list[Worker] = []
        self._had_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """Stop the server on SIGTERM or SIGINT."""
        self.interrupt_signal = True
        self._wakings.put(None)

    def signal_handler_reload(self, *_: Any, **__: Any) -> None:
        """Ask for new workers on SIGHUP, or stop if it was sent because the terminal was closed."""
        if self._had_terminal and not _has_terminal():
            self.signal_handler_interrupt()
        else:
            self._renewals.put(None)

    def startup(self, *arguments: Any) -> None:
        """Start the workers, and the thread that renews them."""
        signal.signal(signal.SIGCHLD, lambda *_: self._wakings.put(None))
        super().startup(*arguments)
        # Not in the loop that waits for signals, so that the server can be stopped during a renewal.
        threading.Thread(target=self._renew, name="renew", daemon=True).start()

    def _renew(self) -> None:
        while True:
            self._renewals.get()
            while not self._renewals.empty():
                self._renewals.get()  # One renewal is enough for all requests before it.
            if self.renew():
                self.reload_signal = True
                self._wakings.put(None)

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()
        if sys.platform == "linux" and not self.bind_uds:
            specification: Any = self._ssp
            self._sockets = [specification.build() for _ in range(self.workers)]

    def _make_worker(self, number: int, target: Any, loader: Callable[[InWork], Any], in_work: InWork) -> WorkerProcess:
        own: Any = self._sockets[number] if self._sockets else self._shd
        if self._sockets:
            self._ssp, self._shd = None, own
        others = [holder.get_fd() for holder in self._sockets if holder is not own]
        return self._spawn_worker(number, target, partial(_load, loader, in_work, own.get_fd(), others))

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        makers = (partial(self._make_worker, number, spawn_target, target_loader) for number in range(self.workers))
        self._places = [Place(make) for make in makers]
        self._look()

    def _serve_loop(self, *_: Any) -> None:
        """Look after the workers until a signal ends it. Granian's own loop gives up after a few deaths."""
        while not self.interrupt_signal:
            self._look()
            self._wait(LOOK_SECONDS)
            if self.reload_signal:
                self.reload_signal = False
                self._replace_workers()

    def _look(self) -> None:
        """Start workers that are due, and kill those that should have left."""
        for place in self._places:
            place.look()
        for worker in tuple(self._leaving):
            is_late = time.monotonic() >= worker.must_end_by
            if worker.is_alive:
                if is_late:
                    worker.process.inner.kill()
                continue
            self._leaving.remove(worker)
            if worker.process.inner.exitcode and not is_late:
                worker.tell_death("It was leaving.")

    def _wait(self, seconds: float) -> None:
        """Wait until a worker is due, a signal comes, or so many seconds have passed."""
        now = time.monotonic()
        until_due = [place.due - now for place in self._places if not place.worker]
        with suppress(Empty):
            self._wakings.get(timeout=max(0, min([seconds, *until_due])))

    def _replace_workers(self) -> None:
        """Start a new worker in each place before the old one leaves. Granian's own method soon kills the old one."""
        old = [place.worker for place in self._places]
        for worker in old:
            _signal(worker, signal.SIGHUP)
        for place, worker in zip(self._places, old, strict=True):
            if not worker or place.worker is not worker:
                continue  # It has died, and a new one follows anyway.
            place.vacate()
            self._leaving.append(worker)
            self._look_on(FAREWELL_SECONDS, place)
            _signal(worker, signal.SIGUSR2)
            self._look_on(FAREWELL_SECONDS, place)
            if self.interrupt_signal:
                return
            worker.process.terminate()
            worker.must_end_by = time.monotonic() + LEAVE_SECONDS

    def _look_on(self, seconds: float, place: Place) -> None:
        """Look after the workers for so many seconds, and longer if none can be started in this place."""
        end = time.monotonic() + seconds
        while not self.interrupt_signal and ((left := end - time.monotonic()) > 0 or not place.worker):
            self._look()
            self._wait(left if left > 0 else LOOK_SECONDS)

    def _drop_shared_socket(self) -> None:
        """Leave the sockets to the workers. Each then refuses connections as soon as its worker stops accepting them.

        On one that stays open they would wait for nobody, and be reset when this process ends.
        """
        for holder in self._sockets or [self._shd]:
            os.close(holder.get_fd())

    def _stop_workers(self) -> None:
        workers = [*(place.worker for place in self._places if place.worker), *self._leaving]
        self.wrks = [worker.process for worker in workers]
        for worker in workers:
            _signal(worker, signal.SIGHUP)
            _signal(worker, signal.SIGUSR2)
        time.sleep(STOP_FAREWELL_SECONDS)
        super()._stop_workers()


def _load(loader: Callable[[InWork], Any], in_work: InWork, own: int, others: Sequence[int]) -> Any:
    """Make the application in its worker, which accepts connections from its own socket, not from those of others."""
    for descriptor in others:
        os.close(descriptor)
    if sys.platform == "linux":
        inode = os.fstat(own).st_ino
        signal.signal(signal.SIGUSR2, lambda *_: accept_no_more(own, inode))
    granian_signals.set_loop_signals = _stop_once
    return loader(in_work)


def _stop_once(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """Stop this worker on the first SIGTERM or SIGINT; granian's own handlers can hang on a second one.

    There are two if a terminal or systemd tells all processes to stop, and then their parent does.
    """
    told = WorkerSignal()
    stop = cache(told.set)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return told


def _signal(worker: Worker | None, number: signal.Signals) -> None:
    """Tell a worker to close each connection after its answer (SIGHUP), or to accept no more of them (SIGUSR2).

    To close idle ones could lose the next request.
    """
    if worker and worker.is_alive:
        os.kill(worker.process.inner.pid, number)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
