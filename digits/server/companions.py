"""Processes beside the workers, each kept by a thread of the parent.

They are processes of their own because the parent forks workers: a lock that another thread holds meanwhile would stay
locked in the worker for good.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable

from digits.subprocesses import start
from digits.vision.decode import Decoders
from digits.vision.sandbox import Sandbox

_DAY = 24 * 60 * 60
DECODERS_NICENESS = 10
"""Nice value of decoders. It is above that of the threads that read what was decoded: these hold Python's lock even
while they wait for a core. At theirs, a quarter fewer small pictures are answered beside photos
(`python -m bench.beside`). At 19, a large picture could wait for longer than a decoder may take."""
_REST_SECONDS = 1

log = logging.getLogger(__name__)


def sweep_daily() -> None:
    """Delete old uploads and leftovers, now and each day."""
    _keep_running(_DAY, "digits.uploads.retention")


def tell_metrics(host: str, port: int) -> None:
    """Serve the workers' metrics on a port of their own."""
    _keep_running(_REST_SECONDS, "digits.server.metrics_port", host, str(port))


def _keep_running(rest_seconds: float, module: str, *arguments: str) -> None:
    def run() -> None:
        while True:
            rest = rest_seconds
            try:
                start(module, *arguments).wait()
            except OSError as error:
                log.error("%s cannot be started: %s. Trying again.", module, error.strerror)  # noqa: TRY400 - It says it all.
                rest = _REST_SECONDS
            time.sleep(rest)

    _keep(run, module)


def decode_pictures(sandbox: Sandbox) -> None:
    """Decode pictures that may take long, or harm, for the workers."""

    def decode() -> None:
        while True:
            try:
                sandbox.run(DECODERS_NICENESS)
            except OSError as error:
                log.error("No pictures can be decoded: %s. Trying again.", error.strerror)  # noqa: TRY400 - It says it all.
            time.sleep(_REST_SECONDS)

    _keep(decode, "decoders")


def own_decoders(max_pixels: int) -> Decoders | None:
    """Return what decodes pictures for this process alone, in processes beside it; None where there is no Linux."""
    if sys.platform != "linux":
        return None
    sandbox = Sandbox(max_pixels)
    decode_pictures(sandbox)
    return sandbox


def _keep(target: Callable[[], None], name: str) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()
