"""Where the server listens: checked before it starts, and told once it does."""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from digits.errors import StartError

if TYPE_CHECKING:
    from pathlib import Path

    from digits.settings import Settings


PATIENCE = 2.0
"""Seconds to wait for the server when it is asked whether it lives."""
ACCEPT_SECONDS = 0.1
"""Seconds for which a server that is to accept no more may go on, so that no connection waits."""
_ANY_ADDRESS: dict[int, Any] = {
    socket.AF_UNIX: "",
    socket.AF_INET: ("127.0.0.1", 0),
    socket.AF_INET6: ("::1", 0),
}
"""By kind of socket: what to bind it to for an address on this machine that Linux chooses."""


def check_listening(settings: Settings) -> None:
    """Check that the server can listen as it is set.

    Raises:
        StartError: it cannot; the sentence says what to do.
    """
    if settings.socket:
        _check_socket(settings.socket)
    else:
        _check_port(settings.host, settings.port, "DIGITS_PORT")
    if settings.metrics_port:
        _check_port(settings.host, settings.metrics_port, "DIGITS_METRICS_PORT")
    check_tls(settings)


def check_tls(settings: Settings) -> None:
    """Check the certificate and its key, if there are any.

    Raises:
        StartError: they cannot be used.
    """
    if not (settings.tls_cert and settings.tls_key):
        return
    for setting, path in (("DIGITS_TLS_CERT", settings.tls_cert), ("DIGITS_TLS_KEY", settings.tls_key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise StartError(f"{setting}: {path} cannot be read: {error.strerror}.") from error
    try:
        # The password is asked for at the terminal if it is not given here.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except ssl.SSLError as error:
        raise StartError(
            f"DIGITS_TLS_CERT and DIGITS_TLS_KEY: {settings.tls_cert} and {settings.tls_key} are not a certificate and "
            "its key, both in PEM and without a password."
        ) from error


def accept_no_more(descriptor: int, inode: int) -> None:
    """Leave new connections on a listening socket, of this inode, to the processes that share it.

    The server goes on to accept from its descriptor, which must not be closed under it. So a socket to which nobody
    connects takes its place: one of the same kind, since the server may still have to ask for its address. Nothing is
    done once the server has closed the socket: then the descriptor may be that of a connection.

    If no process shares it, the connections that wait on it are reset. So the server may accept them first, for up to
    ACCEPT_SECONDS.
    """
    with (
        suppress(OSError),
        socket.socket(fileno=os.dup(descriptor)) as listening,
        socket.socket(listening.family) as nobody,
    ):
        nobody.setblocking(False)
        nobody.bind(_ANY_ADDRESS[listening.family])
        nobody.listen()
        waiting = select.poll()
        waiting.register(listening, select.POLLIN)
        end = time.monotonic() + ACCEPT_SECONDS
        while os.fstat(descriptor).st_ino == inode:
            is_late = time.monotonic() >= end
            # Nothing comes between the look and the change, since a connection that arrives meanwhile is reset.
            if is_late or not waiting.poll(0):
                os.dup2(nobody.fileno(), descriptor)
                break
            time.sleep(0.001)


def how_to_call(settings: Settings) -> tuple[str, str]:
    """Return where the server listens, and the beginning of a URL as curl takes it."""
    scheme = "https" if settings.tls_cert else "http"
    if settings.socket:
        return str(settings.socket), f"--unix-socket {settings.socket} {scheme}://localhost"
    host = _own_address(settings.host)
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"
    return url, url


def connected(settings: Settings) -> socket.socket:
    """Connect to the server that listens there, on this machine; its certificate may be for another name."""
    if settings.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(str(settings.socket))
    else:
        connection = socket.create_connection((_own_address(settings.host), settings.port), PATIENCE)
    if not settings.tls_cert:
        return connection
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def _own_address(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104


def _check_port(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise StartError(
            f"Cannot listen on {host} port {port}: {error.strerror}. "
            f"Stop what uses it, or choose another with {setting}."
        ) from error


def _check_socket(path: Path) -> None:
    """Check a Unix socket's path, and remove what a killed server has left there.

    Raises:
        StartError: no socket can be made there.
    """
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        raise StartError(f"Another program listens on {path}. Stop it, or choose another path with DIGITS_SOCKET.")
    try:
        if path.is_socket():
            path.unlink()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
        path.unlink()
    except OSError as error:
        raise StartError(
            f"Cannot listen on {path}: {error.strerror or error}. Choose another path with DIGITS_SOCKET."
        ) from error
