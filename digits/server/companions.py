"""Processes beside the workers, each kept by a thread of the parent.

They are processes of their own because the parent forks workers: a lock that another thread holds meanwhile would stay
locked in the worker for good.
"""

import threading
import time
from collections.abc import Callable

from digits.subprocesses import start

_DAY = 24 * 60 * 60
_REST_SECONDS = 1


def sweep_daily() -> None:
    """Delete old uploads and leftovers, now and each day."""

    def sweep() -> None:
        while True:
            start("digits.uploads.retention").wait()
            time.sleep(_DAY)

    _keep(sweep)


def tell_metrics(host: str, port: int) -> None:
    """Serve the workers' metrics on a port of their own."""

    def tell() -> None:
        while True:
            start("digits.server.metrics_port", host, str(port)).wait()
            time.sleep(_REST_SECONDS)

    _keep(tell)


def _keep(target: Callable[[], None]) -> None:
    threading.Thread(target=target, name=target.__name__, daemon=True).start()
