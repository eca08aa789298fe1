"""`python app.py`: a parent process prepares once, then runs the granian workers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, TextIO

from digits.errors import ModelError, StartError
from digits.subprocesses import complaint, start, stop_with_parent

if TYPE_CHECKING:
    from pathlib import Path

    from digits.inference.model_file import CompiledModel
    from digits.server.supervisor import Workers
    from digits.settings import Settings
    from digits.web.asgi import Front

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_DAY = 24 * 60 * 60

STOP_SECONDS = 8
"""How long a worker may take to finish what it has accepted; Docker kills after ten."""


KEPT_BYTES = 1 << 25
"""Freed memory that malloc keeps for the next picture instead of returning it to the system."""


def main() -> None:
    """Serves until SIGINT or SIGTERM; exits with 1 and a sentence where it cannot start."""
    _stop_on_signals()
    keep_memory()
    # Imported after that, since it takes a while.
    from digits.settings import Settings

    # Each request is one thread's work; more threads for linear algebra would only fight for the processors.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = Settings.read()
        _check_address(settings)
        _serve(settings)
    except StartError as error:
        sys.exit(str(error))


def _stop_on_signals() -> None:
    """Until granian sets handlers of its own: a first process (PID 1) without one ignores SIGTERM.

    Workers are forked with the parent's handlers, which would only note the signal; they stop at once instead, as
    long as they have not accepted anything.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not sys.exit(): an exception in the middle of an import becomes an ImportError.
        signal.signal(number, lambda *_: os._exit(0))
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: None)  # The model that it tells of is being taken up anyway.
    if hasattr(os, "register_at_fork"):
        # Else workers of a parent that was killed would keep the port.
        os.register_at_fork(after_in_child=partial(_begin_as_worker, os.getpid()))


def _begin_as_worker(parent: int) -> None:
    signal.signal(signal.SIGUSR1, _stop_alone)
    stop_with_parent(parent, signal.SIGUSR1)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # Until there is something to say farewell to.


def _stop_alone(*_: object) -> None:
    """As the parent would have stopped this worker, and killed it where that takes too long.

    The system kills it, since granian's threads may wait for each other for ever:
    https://github.com/emmett-framework/granian/issues/875
    """
    signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def keep_memory() -> None:
    """Has freed memory kept for the next picture: to get it from the system anew can take longer than to read one.

    For glibc, whose own rules are made for programs that are not sure to need it again; others decide for themselves.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def _check_address(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise StartError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Stop what uses it, or choose another with DIGITS_PORT."
        ) from error


def _serve(settings: Settings) -> None:
    from digits.web.services import prepare

    application = _Application(settings, prepare(settings))
    # Workers are forked on Linux: what is imported and set here, they share.
    import cv2

    import digits.web.asgi  # noqa: F401

    cv2.setNumThreads(1)  # As with OPENBLAS_NUM_THREADS.

    server = create_server(settings)
    server.renew = application.renew
    server.on_startup(lambda: _announce(settings))
    server.on_startup(_sweep_daily)
    server.serve(target_loader=application, wrap_loader=False)


class _Application:
    """Builds the application in each worker, from the settings and the model that the parent has checked."""

    def __init__(self, settings: Settings, model: CompiledModel) -> None:
        self._settings, self._model = settings, model

    def __call__(self) -> Front:
        from digits.web.asgi import create_front

        return create_front(self._settings, self._model)

    def renew(self) -> bool:
        """Loads the model file again. If it cannot be served, says so and keeps the current model."""
        old = self._model.description.name
        try:
            model = _tried(self._settings.model)
        except Exception as error:
            _say(f"The new model is not taken up, and {old} goes on: {error}", sys.stderr)
            return False
        self._model = model
        _say(f"Taking up {self._model.description.name} in place of {old}.", sys.stdout)
        return True


def _say(line: str, stream: TextIO) -> None:
    """Prints a line, if there is somebody to read it: the terminal may be gone."""
    with contextlib.suppress(OSError):
        print(line, file=stream, flush=True)


def _tried(source: Path) -> CompiledModel:
    """The compiled form of a model that can be run here. Raises ModelError."""
    from digits.inference.model_file import load_compiled

    model = load_compiled(source)
    # Apart, since this process forks others.
    if said := complaint("digits.inference.recogniser", str(source.absolute())):
        raise ModelError(said)
    return model


def create_server(settings: Settings) -> Workers:
    """The server of an ASGI application, which its serve() takes."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from digits.server.supervisor import FAREWELL_SECONDS, Workers

    return Workers(
        "digits",
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # Only there do connections that say nothing run out of time.
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=FAREWELL_SECONDS,
        workers_kill_timeout=STOP_SECONDS,
    )


def _sweep_daily() -> None:
    def sweep() -> None:
        while True:
            # Apart, since this process forks others.
            start("digits.uploads.retention").wait()
            time.sleep(_DAY)

    threading.Thread(target=sweep, name="sweep", daemon=True).start()


def _announce(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    print(f"Listening on {url}, with a page to draw on. Try:", flush=True)
    print(f"  curl -F file=@digit.png {url}/uploads", flush=True)
