"""Requests that are no HTTP: the HTTP server answers them before the application sees them, and no worker minds."""

import socket
from collections.abc import Iterator

import pytest
import requests

from support.server import Server, running, workers_of

pytestmark = pytest.mark.slow

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /uploads HTTP/1.1\r\nHost: x\r\n"
REFUSED = {
    "a method with a strange character": (b"G@T / HTTP/1.1\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\n\r\n", 400),
    "HTTP/2 in a line of HTTP/1": (b"GET / HTTP/2.0\r\n\r\n", 400),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "a path with a control character": (b"GET /\x01 HTTP/1.1\r\n\r\n", 400),
    "a long path": (b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a header without a colon": (GET + b"X\r\n\r\n", 400),
    "a header's name with a space": (GET + b"X Y: z\r\n\r\n", 400),
    "a header with a zero": (GET + b"X: \x00\r\n\r\n", 400),
    "a header that goes on in the next line": (GET + b"X: y\r\n z\r\n\r\n", 400),
    "over a hundred headers": (GET + b"X: y\r\n" * 100 + b"\r\n", 431),
    "a header of a megabyte": (GET + b"X: " + b"y" * (1 << 20) + b"\r\n\r\n", 431),
    "a length that is no number": (POST + b"Content-Length: x\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    "an unknown transfer coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "a second request that is none": (GET + b"\r\nG@T\r\n\r\n", 200),
    "the beginning of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
}
TOLD = {
    "a chunk whose size is no number": POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    "a chunk of more bytes than can be counted": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 17 + b"\r\n",
    "a length beside chunks": POST + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("malformed"), workers="1") as server:
        yield server


def answer(server: Server, sent: bytes) -> bytes:
    """All that comes back, until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_http_is_refused_and_harms_no_worker(server: Server, kind: str) -> None:
    sent, status = REFUSED[kind]
    workers = workers_of(server)
    received = answer(server, sent)
    assert received.startswith(b"HTTP/1.1 %d " % status) if status else not received
    assert requests.get(f"{server.url}/healthz", timeout=10).ok
    assert workers_of(server) == workers


@pytest.mark.parametrize("kind", TOLD)
def test_a_body_that_is_no_http_is_refused_as_a_problem(server: Server, kind: str) -> None:
    received = answer(server, TOLD[kind].replace(b"Host: x", b"Host: x\r\nConnection: close"))
    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json\r\n" in received
    assert b"access-control-allow-origin: *\r\n" in received
