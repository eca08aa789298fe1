"""A worker's place in the server, and the workers that follow one another in it."""

import logging
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from granian.server.mp import WorkerProcess

from digits import metrics
from digits.subprocesses import forking
from digits.web.in_work import InWork

FIRST_PAUSE = 0.25
"""Seconds before a worker is started whose two predecessors died early; each further early death doubles them."""
LONGEST_PAUSE = 5.0
"""At most as many seconds. A worker that lives as long did not die early."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """A worker's process, and what it is working on."""

    process: WorkerProcess
    in_work: InWork
    must_end_by: float = math.inf
    """When it is killed."""

    @property
    def is_alive(self) -> bool:
        """Whether its process has not ended."""
        return self.process.inner.is_alive()

    @property
    def is_young(self) -> bool:
        """Whether it has not shown yet that it can work and live."""
        return not self.in_work.has_begun and time.monotonic() < self.process.birth + LONGEST_PAUSE

    def tell_death(self, what_follows: str) -> None:
        """Count its death, and log how it ended, what it was working on, and what follows."""
        status, request_ids = self.process.inner.exitcode or 0, ", ".join(self.in_work.request_ids())
        how = f"ended with status {status}"
        if status < 0:
            how = f"was killed by signal {-status} ({signal.strsignal(-status)})"
        name = f"Worker {self.process.idx + 1} (process {self.process.inner.pid})"
        metrics.WORKER_DEATHS.inc()
        log.error("%s %s. Requests in work there: %s. %s", name, how, request_ids or "none", what_follows)


class Place:
    """Keeps one worker running. If its workers die early again and again, the pauses before the next one grow.

    A worker that has worked on a request did not die early: it can start, so a pause would only take service away.
    """

    def __init__(self, make: Callable[[InWork], WorkerProcess]) -> None:
        self.worker: Worker | None = None
        self.due = 0.0
        """When the next worker is started, if there is none."""
        self._make = make
        self._early_deaths = 0

    def look(self) -> None:
        """Log the worker's death, and start the next one when it is due."""
        if self.worker and not self.worker.is_alive:
            self._wait_after(self.worker)
        if not self.worker and self.due <= time.monotonic():
            self._start()

    def vacate(self) -> None:
        """Make room for the next worker, which is due now."""
        self.worker, self.due = None, 0.0

    def _wait_after(self, dead: Worker) -> None:
        self._early_deaths = self._early_deaths + 1 if dead.is_young else 0
        pause = min(FIRST_PAUSE * 2 ** (self._early_deaths - 2), LONGEST_PAUSE) if self._early_deaths > 1 else 0
        self.worker, self.due = None, time.monotonic() + pause
        dead.tell_death(f"Another one is started {f'in {pause:g} s' if pause else 'now'}.")

    def _start(self) -> None:
        in_work = InWork()
        process = self._make(in_work)
        try:
            with forking:
                _try_to_fork()
                process.inner.start()
        except OSError as error:
            self.due = time.monotonic() + LONGEST_PAUSE
            log.error("No worker can be started: %s. Trying again in %g s.", error.strerror, LONGEST_PAUSE)  # noqa: TRY400 - It says it all.
        else:
            self.worker = Worker(process, in_work)


def _try_to_fork() -> None:
    """Raise the OSError that forking would raise now. If start() raised it, it would leave four pipe ends open."""
    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)
