"""Run the server: a parent process prepares everything once, then starts granian's workers."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from digits.errors import StartError
from digits.memory import keep_memory
from digits.server.listening import check_listening, check_tls, how_to_call
from digits.server.metrics_folder import metrics_folder
from digits.subprocesses import stop_with_parent

if TYPE_CHECKING:
    from digits.inference.model_file import CompiledModel
    from digits.server.supervisor import Workers
    from digits.settings import Settings
    from digits.vision.sandbox import Sandbox
    from digits.web.asgi import Front
    from digits.web.in_work import InWork

STOP_SECONDS = 8
"""Seconds that a worker may take to finish the requests that it has accepted; Docker kills after ten."""

log = logging.getLogger(__name__)


def main() -> None:
    """Serve until SIGINT or SIGTERM. If the server cannot start, exit with status 1 and a sentence."""
    try:
        with metrics_folder() as folder:
            _stop_on_signals(folder)
            _start(folder)
    except StartError as error:
        sys.exit(str(error))


def _start(folder: str) -> None:
    keep_memory()
    # Imported only now, since it takes a while, and signals must be handled from the start.
    from digits.settings import Settings

    # Each request has one thread; more threads for linear algebra would only compete for the CPUs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    # First, since it may be why a setting is missing.
    for name, alike in Settings.misspelt().items():
        log.warning("%s is no setting. Did you mean %s?", name, alike)
    settings = Settings.read()
    check_listening(settings)
    _serve(settings)


def _stop_on_signals(folder: str) -> None:
    """Exit at once on SIGTERM and SIGINT, until granian sets its own handlers: PID 1 ignores signals without one.

    Workers are forked with granian's handlers of the parent, which would only note a signal. So each gets the system's
    own when it is forked, which end it at once, until granian sets others. The parent removes the folder; a worker does
    so only if its parent was killed.
    """

    def leave(*_: object) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # Not sys.exit(): an exception in the middle of an import becomes an ImportError.

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: None)  # It means a new model, which is being loaded anyway.
    if hasattr(os, "register_at_fork"):
        # Without this, the workers of a killed parent would go on and keep the port.
        os.register_at_fork(after_in_child=partial(_begin_as_worker, os.getpid(), folder))


def _begin_as_worker(parent: int, folder: str) -> None:
    signal.signal(signal.SIGUSR1, partial(_stop_alone, folder))
    stop_with_parent(parent, signal.SIGUSR1)
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # Until it has connections to close, or to leave to others.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _stop_alone(folder: str, *_: object) -> None:
    """Stop this worker as its parent would: with SIGTERM, and by killing it if that takes longer than STOP_SECONDS.

    A timer's signal kills it, which needs no thread: granian's threads may be in a deadlock.
    https://github.com/emmett-framework/granian/issues/875

    The folder of the metrics is removed; open files in it can still be written.
    """
    signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(settings: Settings) -> None:
    from digits.vision.sandbox import Sandbox
    from digits.web.services import prepare

    sandbox = Sandbox(settings.max_pixels) if sys.platform == "linux" else None
    application = _Application(settings, prepare(settings), sandbox)
    # On Linux the workers are forked, so they share what is imported and set here.
    import cv2

    import digits.web.asgi  # noqa: F401
    from digits.server.companions import decode_pictures, sweep_daily, tell_metrics
    from digits.web.logs import log_at_once

    cv2.setNumThreads(1)  # For the same reason as OPENBLAS_NUM_THREADS.

    server = create_server(settings)
    if settings.log == "json":
        log_at_once(settings.log)
    server.renew = application.renew
    server.on_startup(lambda: _announce(settings))
    server.on_startup(sweep_daily)
    if sandbox:
        server.on_startup(partial(decode_pictures, sandbox))
    if settings.metrics_port:
        server.on_startup(partial(tell_metrics, settings.host, settings.metrics_port))
    server.serve(target_loader=application, wrap_loader=False)


class _Application:
    """Builds the application in each worker, from the settings and the model that the parent has checked."""

    def __init__(self, settings: Settings, model: CompiledModel, sandbox: Sandbox | None) -> None:
        self._settings, self._model, self._sandbox = settings, model, sandbox
        self._shadow = self._load_shadow()

    def __call__(self, in_work: InWork) -> Front:
        """Create it. On SIGHUP it begins to close its connections."""
        from digits.web.asgi import create_front

        front = create_front(self._settings, self._model, in_work, self._sandbox, self._shadow)
        signal.signal(signal.SIGHUP, lambda *_: front.bid_farewell())
        return front

    def renew(self) -> bool:
        """Check the certificate, load the model file again, and the shadow's, and return True.

        If certificate or model cannot be used, say so, and keep the current workers.
        """
        from digits.inference.recogniser import load_tried

        old = self._model.description.name
        try:
            check_tls(self._settings)
        except StartError as error:
            log.error("The new certificate cannot be used, and the workers stay: %s", error)  # noqa: TRY400
            return False
        try:
            self._model = load_tried(self._settings.model)
        except Exception as error:
            log.error("The new model cannot be used, and %s stays: %s", old, error)  # noqa: TRY400 - The sentence says it all.
            return False
        new = self._model.description.name
        what = (
            f"The model is unchanged: {new}. Replacing the workers." if new == old else f"Replacing {old} with {new}."
        )
        _say(what)
        self._shadow = self._load_shadow()
        return True

    def _load_shadow(self) -> CompiledModel | None:
        from digits.uploads.shadow import load_shadow

        shadow = load_shadow(self._settings.shadow, self._model)
        if shadow:
            share = f"{100 * self._settings.shadow_share:g} %"
            _say(f"{shadow.description.name} reads {share} of the pictures beside {self._model.description.name}.")
        return shadow


def _say(line: str) -> None:
    """Print a line, unless the terminal is gone."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def create_server(settings: Settings) -> Workers:
    """Granian's server with the settings of this product.

    Its serve() takes what makes the ASGI application in each worker, given a place to note what is in work.
    """
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from digits.server.supervisor import Workers

    return Workers(
        "digits",
        address=settings.host,
        port=settings.port,
        uds=settings.socket,
        uds_permissions=0o666,  # The permissions of its folder decide who may connect.
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # Only with HTTP/1 does granian close connections that send nothing.
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level=LogLevels.warning,
        workers_kill_timeout=STOP_SECONDS,
    )


def _announce(settings: Settings) -> None:
    place, url = how_to_call(settings)
    _say(f"Listening on {place}, with a page to draw on. Try:")
    _say(f"  curl -F file=@digit.png {url}/uploads")
