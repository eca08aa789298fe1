"""What of listening can be tested without a server."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from digits.server.listening import accept_no_more

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")


@pytest.fixture(params=["IPv4", "IPv6", "Unix"])
def leaving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    kinds: dict[str, tuple[int, Any]] = {
        "IPv4": (socket.AF_INET, ("127.0.0.1", 0)),
        "IPv6": (socket.AF_INET6, ("::1", 0)),
        "Unix": (socket.AF_UNIX, str(tmp_path / "socket")),
    }
    family, address = kinds[request.param]
    with socket.socket(family) as listening:
        try:
            listening.bind(address)
        except OSError:
            pytest.skip(f"{request.param} is not available here")
        listening.listen()
        listening.setblocking(False)
        yield listening


@linux
def test_one_that_accepts_no_more_leaves_new_connections_to_the_others(leaving: socket.socket) -> None:
    with leaving.dup() as staying:
        address = staying.getsockname()
        accept_no_more(leaving.fileno(), os.fstat(leaving.fileno()).st_ino)
        with socket.socket(staying.family) as client:
            client.connect(address)
            with pytest.raises(BlockingIOError):
                leaving.accept()
            accepted, _ = staying.accept()
            with accepted:
                client.sendall(b"7")
                assert accepted.recv(1) == b"7"


@linux
def test_a_connection_that_waits_is_accepted_first(leaving: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.server.listening.ACCEPT_SECONDS", 10)

    def accept_soon() -> socket.socket:
        time.sleep(0.02)
        return leaving.accept()[0]

    with socket.socket(leaving.family) as client, ThreadPoolExecutor(1) as server:
        client.connect(leaving.getsockname())
        accepting = server.submit(accept_soon)
        accept_no_more(leaving.fileno(), os.fstat(leaving.fileno()).st_ino)
        with accepting.result() as accepted:
            client.sendall(b"7")
            assert accepted.recv(1) == b"7"


@linux
def test_its_new_address_is_of_the_same_kind_and_on_this_machine_only(leaving: socket.socket) -> None:
    with leaving.dup() as before:
        address = before.getsockname()
    accept_no_more(leaving.fileno(), os.fstat(leaving.fileno()).st_ino)
    with socket.socket(fileno=os.dup(leaving.fileno())) as after:
        assert after.family == leaving.family
        assert after.getsockname() != address
        assert after.family == socket.AF_UNIX or after.getsockname()[0] in ("127.0.0.1", "::1")


@linux
def test_one_that_nobody_accepts_is_waited_for_only_so_long(leaving: socket.socket) -> None:
    with socket.socket(leaving.family) as client:
        client.connect(leaving.getsockname())
        accept_no_more(leaving.fileno(), os.fstat(leaving.fileno()).st_ino)
        with pytest.raises(BlockingIOError):
            leaving.accept()


def test_what_has_the_descriptor_of_a_closed_socket_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        inode = os.fstat(closed.fileno()).st_ino
    ours, theirs = socket.socketpair()
    with ours, theirs:
        accept_no_more(ours.fileno(), inode)
        theirs.sendall(b"7")
        assert ours.recv(1) == b"7"
