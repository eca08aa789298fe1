"""`python app.py`: a parent that prepares once, then runs granian workers over the front."""

import os
import socket
import sys

from digits.errors import StartError
from digits.settings import Settings

STOP_SECONDS = 30
"""How long a worker may take to finish what it has accepted."""


def main() -> None:
    """Serves until SIGINT or SIGTERM; exits with 1 and a sentence where it cannot start."""
    # Each request is one thread's work; more threads for linear algebra would only fight for the processors.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = Settings.read()
        _check_address(settings)
        _serve(settings)
    except StartError as error:
        sys.exit(str(error))


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
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from digits.web.services import prepare

    prepare(settings)
    # Workers are forked on Linux: what is imported here, they share.
    import digits.web.front  # noqa: F401

    server = Granian(
        "digits.web.front:create_front",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGINL,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.on_startup(lambda: _announce(settings))
    server.serve()


def _announce(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    print(f"Listening on {url}, with a page to draw on. Try:", flush=True)
    print(f"  curl -F file=@digit.png {url}/uploads", flush=True)
