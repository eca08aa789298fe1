"""The front, driven as an ASGI server drives it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from digits.web.asgi import BODIES, NICENESS, PIECE_BYTES, THREADS, Front, Receive
from digits.web.wsgi import call, environ_of
from support.drawing import png
from tests.fakes import MemoryStorage

LIMIT = 100_000


class Client:
    """Sends the parts of a body, each after its delay in seconds, and collects the answer."""

    def __init__(self, front: Front, path: str = "/uploads", method: str = "POST", **headers: str) -> None:
        self._front = front
        self.messages: list[MutableMapping[str, Any]] = []
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "server": ("127.0.0.1", 5000),
            "client": ("127.0.0.1", 40000),
            "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        }

    async def send(self, *parts: tuple[float, dict[str, Any]]) -> None:
        waiting = iter(parts)

        async def receive() -> dict[str, Any]:
            delay, message = next(waiting, (0, {"type": "http.disconnect"}))
            await asyncio.sleep(delay)
            return {"type": "http.request"} | message

        await self.exchange(receive)

    async def exchange(self, receive: Receive) -> None:
        await self._front(self._scope, receive, self.collect)

    async def collect(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return self.messages[1]["body"]


def whole(body: bytes) -> tuple[float, dict[str, Any]]:
    return 0, {"body": body, "more_body": False}


@pytest.fixture
def app(client: FlaskClient) -> Flask:
    return client.application


@pytest.fixture
def front_of(app: Flask) -> Callable[..., Front]:
    return lambda **values: Front(app, **({"max_bytes": LIMIT} | values))


def test_a_body_in_pieces_is_read_as_one(front_of: Callable[..., Front]) -> None:
    client, data = Client(front_of(), content_type="image/png"), png("8")
    pieces = [(0.0, {"body": data[i : i + 500], "more_body": True}) for i in range(0, len(data), 500)]
    asyncio.run(client.send(*pieces, whole(b"")))
    assert client.status == 201
    assert b'"number":"8"' in client.body
    assert client.headers["location"].startswith("/uploads/")
    assert [message["type"] for message in client.messages] == ["http.response.start", "http.response.body"]


def test_the_path_is_decoded_once(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), path="/uploads/%252e%252e", method="GET")
    asyncio.run(client.send(whole(b"")))
    assert client.status == 404


def test_an_announced_size_over_the_limit_is_refused_unread(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), content_length=str(LIMIT + 1), content_type="image/png")
    asyncio.run(client.send())
    assert client.status == 413
    assert b"at most 97.7 kB" in client.body


def test_a_body_that_grows_over_the_limit_is_refused(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), content_type="image/png")
    asyncio.run(client.send((0, {"body": bytes(LIMIT), "more_body": True}), whole(b"x")))
    assert client.status == 413


def test_the_rest_of_a_refused_body_is_received_after_the_answer_and_dropped(front_of: Callable[..., Front]) -> None:
    client, answered = Client(front_of(), content_length=str(LIMIT + 3), content_type="image/png"), []

    async def receive() -> dict[str, Any]:
        answered.append(len(client.messages))
        return {"type": "http.request", "body": b"x" * LIMIT, "more_body": len(answered) < 3}

    asyncio.run(client.exchange(receive))
    assert client.status == 413
    assert answered == [2, 2, 2]


@pytest.mark.parametrize("pause", [0.01, 60.0])
def test_a_refused_body_that_does_not_end_is_given_up(front_of: Callable[..., Front], pause: float) -> None:
    client = Client(front_of(drop_seconds=0.1), content_length=str(LIMIT + 1))

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"x", "more_body": True}

    asyncio.run(asyncio.wait_for(client.exchange(receive), 10))
    assert client.status == 413


def test_a_client_that_asks_before_it_sends_a_body_is_not_waited_for(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), content_length=str(LIMIT + 1), expect="100-continue")

    async def receive() -> dict[str, Any]:
        raise AssertionError

    asyncio.run(client.exchange(receive))
    assert client.status == 413


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"progress_seconds": 0.05}, "for 0.05 s, or took over 60 s"),
        ({"body_seconds": 0.05}, "for 10 s, or took over 0.05 s"),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_a_body_that_stops_or_never_comes_is_given_up(
    front_of: Callable[..., Front], limits: dict[str, float], told: str, begun: bool
) -> None:
    client = Client(front_of(**limits), content_type="image/png")
    late = (5.0, {"body": b"y", "more_body": True})
    asyncio.run(client.send(*[(0.0, {"body": b"x", "more_body": True})] * begun, late))
    assert client.status == 408
    assert client.headers["content-type"] == "application/problem+json"
    assert f"The request's body stopped {told}. Send it again".encode() in client.body


def test_the_fronts_refusals_carry_cors_and_a_request_id(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), content_length=str(LIMIT + 1), origin="https://pages.example", x_request_id="abc")
    asyncio.run(client.send())
    assert client.headers["access-control-allow-origin"] == "*"
    assert client.headers["x-request-id"] == "abc"


def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(
    front_of: Callable[..., Front], storage: MemoryStorage
) -> None:
    client = Client(front_of(), content_type="image/png")
    asyncio.run(client.send((0, {"body": png(), "more_body": True}), (0, {"type": "http.disconnect"})))
    assert client.status == 400
    assert storage.files == {}


def test_a_worker_holds_only_so_many_bodies_and_lets_them_go(front_of: Callable[..., Front]) -> None:
    front = front_of()
    late = Client(front, content_type="image/png")

    async def scenario() -> None:
        large = {"body": bytes(LIMIT), "more_body": True}
        sending = [
            asyncio.create_task(Client(front, content_type="image/png").send((0, large), (0.2, {"body": b""})))
            for _ in range(BODIES)
        ]
        await asyncio.sleep(0.05)
        await late.send(whole(png("8")))
        await asyncio.gather(*sending)

    asyncio.run(scenario())
    assert late.status == 503
    assert int(late.headers["retry-after"]) > 0
    after = Client(front, content_type="image/png")
    asyncio.run(after.send(whole(png("8"))))
    assert after.status == 201


def test_what_is_to_be_done_at_the_workers_end_is_done_then(app: Flask) -> None:
    done: list[str] = []
    asked = iter(["startup", "shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": f"lifespan.{next(asked)}"}

    async def collect(message: MutableMapping[str, Any]) -> None:
        done.append(message["type"])

    front = Front(app, LIMIT, at_end=lambda: done.append("end"))
    asyncio.run(front({"type": "lifespan"}, receive, collect))
    assert done == ["lifespan.startup.complete", "end", "lifespan.shutdown.complete"]


def test_a_chunked_body_is_read(front_of: Callable[..., Front]) -> None:
    client = Client(front_of(), content_type="image/png", transfer_encoding="chunked")
    asyncio.run(client.send(whole(png("8"))))
    assert client.status == 201


def large_answer(client: FlaskClient, storage: MemoryStorage) -> tuple[str, bytes]:
    """The path of a picture, and its bytes."""
    sent = client.post("/uploads", data=png("8"), content_type="image/png").get_json()
    storage.files[sent["id"]] = data = os.urandom(3 * PIECE_BYTES + 1)
    return sent["links"]["image"], data


def test_a_large_answer_is_sent_in_pieces(
    front_of: Callable[..., Front], client: FlaskClient, storage: MemoryStorage
) -> None:
    path, data = large_answer(client, storage)
    asked = Client(front_of(), path, "GET")
    asyncio.run(asked.send(whole(b"")))
    pieces = asked.messages[1:]
    assert b"".join(piece["body"] for piece in pieces) == data
    assert [piece["more_body"] for piece in pieces] == [True, True, True, False]


def test_an_answer_that_is_not_read_is_given_up_and_as_many_as_can_be_held_are_sent(
    front_of: Callable[..., Front], client: FlaskClient, storage: MemoryStorage
) -> None:
    path, data = large_answer(client, storage)
    front = front_of(max_bytes=2 * len(data) // BODIES + 1, progress_seconds=0.5)

    class Stopped(Client):
        async def collect(self, message: MutableMapping[str, Any]) -> None:
            await super().collect(message)
            if len(self.messages) > 2:
                await asyncio.sleep(60)

    async def scenario() -> None:
        sending = [asyncio.create_task(each.send(whole(b""))) for each in stopped]
        while any(len(each.messages) < 3 for each in stopped):
            await asyncio.sleep(0.01)
        await refused.send(whole(b""))
        await asyncio.wait_for(asyncio.gather(*sending), 10)
        await served.send(whole(b""))

    stopped = [Stopped(front, path, "GET") for _ in range(2)]
    refused, served = Client(front, path, "GET"), Client(front, path, "GET")
    asyncio.run(scenario())
    assert [each.status for each in (*stopped, refused, served)] == [200, 200, 503, 200]
    assert all(each.messages[-1]["more_body"] for each in stopped)


def test_health_is_told_while_every_thread_is_busy(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    front, release = Front(app, LIMIT), threading.Event()
    for _ in range(2 * THREADS):
        front._threads.submit(release.wait, 10)
    client = Client(front, path="/readyz", method="GET")
    asyncio.run(asyncio.wait_for(client.send(whole(b"")), 5))
    release.set()
    assert client.status == 200


def test_many_stalled_bodies_take_no_thread(front_of: Callable[..., Front]) -> None:
    front = front_of()

    async def scenario() -> None:
        stalled = [Client(front).send((0, {"body": b"x", "more_body": True}), (60, {})) for _ in range(10 * THREADS)]
        tasks: list[asyncio.Task[None]] = [asyncio.create_task(sending) for sending in stalled]
        await asyncio.sleep(0)
        await asyncio.wait_for(served.send(whole(png("8"))), timeout=5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    served = Client(front, content_type="image/png")
    asyncio.run(scenario())
    assert served.status == 201


def test_the_application_is_told_of_the_request_as_pep_3333_has_it(front_of: Callable[..., Front]) -> None:
    scope = Client(front_of(), path="/a%20b", content_type="image/png", transfer_encoding="chunked", x_y="z")._scope
    usual = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "a=%20",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "image/png",
        "HTTP_X_Y": "z",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    assert environ_of(scope | {"query_string": b"a=%20"}) == usual
    unknown = environ_of(
        scope | {"server": None, "client": None, "raw_path": None, "path": "/a b", "query_string": b""}
    )
    assert unknown == usual | {
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "",
    }


def test_a_header_with_an_underscore_is_not_taken_for_another_one(front_of: Callable[..., Front]) -> None:
    scope = Client(front_of(), x_forwarded_for="203.0.113.9")._scope
    spoofed = [(b"x_forwarded_for", b"198.51.100.1"), (b"content_length", b"5"), (b"transfer_encoding", b"x")]
    assert environ_of(scope | {"headers": [*scope["headers"], *spoofed]}) == environ_of(scope)


def test_an_answer_in_parts_is_read_as_one_and_closed() -> None:
    class Parts(list[bytes]):
        is_closed = False

        def close(self) -> None:
            self.is_closed = True

    parts = Parts([b"a", b"b"])

    def app(_: object, start_response: Callable[..., Callable[[bytes], None]]) -> Parts:
        start_response("200 OK", [("ETag", "x")])
        return parts

    assert call(app, {}) == (200, [(b"etag", b"x")], b"ab")
    assert parts.is_closed


def test_headers_that_come_twice_are_joined() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    client = Client(Front(app, LIMIT), method="GET")
    client._scope["headers"] = [(b"accept", b"a"), (b"accept", b"b"), (b"host", b"example")]
    asyncio.run(client.send(whole(b"")))
    assert client.status == 204
    assert (seen["HTTP_ACCEPT"], seen["HTTP_HOST"]) == ("a,b", "example")


@pytest.mark.skipif(sys.platform != "linux", reason="only there has each thread a priority of its own")
def test_work_in_threads_gives_way_to_the_loop_and_to_health() -> None:
    seen: dict[str, int] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        seen[environ["PATH_INFO"]] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        start_response("204 No Content", [])
        return []

    front = Front(app, LIMIT)
    for path in ("/uploads", "/healthz"):
        asyncio.run(Client(front, path=path).send(whole(b"")))
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert seen == {"/uploads": min(19, usual + NICENESS), "/healthz": usual}


def test_where_no_thread_may_give_way_requests_are_answered(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refused)
    client = Client(Front(app, LIMIT), content_type="image/png")
    asyncio.run(client.send(whole(png("8"))))
    assert client.status == 201
