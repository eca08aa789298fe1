"""The shortcut, held against Flask's own answers to the same requests."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from digits.errors import StorageFull, Unavailable
from digits.uploads.database import Record
from digits.web.asgi import Front
from digits.web.fast_path import MOST_BYTES, Shortcut
from support.drawing import draw, encode, png
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage
from tests.test_keeper import SlowRecords
from tests.test_web_front import LIMIT, Client, whole

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(*files: bytes, field: str = "file", name: str = 'filename="7.png"') -> bytes:
    """As a browser sends it."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; {name}\r\nContent-Type: image/png\r\n\r\n'
    return b"".join(head.encode() + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()


def environ(query: str = "", **values: str) -> dict[str, Any]:
    usual = {"REQUEST_METHOD": "POST", "PATH_INFO": "/uploads", "QUERY_STRING": query, "CONTENT_TYPE": FORM}
    return usual | values


def masked(text: bytes | str) -> str:
    """Without what is another's in each answer: ids and the time."""
    text = text.decode() if isinstance(text, bytes) else text
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)


@pytest.fixture
def app(client: FlaskClient) -> Flask:
    return client.application


@pytest.mark.parametrize("query", ["", "store=false"])
@pytest.mark.parametrize("picture", [png("7"), png("407"), png("1", size=60, margin=10), encode(draw("5"))])
@pytest.mark.parametrize("field", ["file", "files[]", "filepond"])
def test_it_answers_as_flask_does(client: FlaskClient, query: str, picture: bytes, field: str) -> None:
    taken = Shortcut(client.application).take(environ(query), form(picture, field=field))
    assert taken is not None
    (status, headers, body), kept = taken
    assert (kept is None) == (query == "store=false")
    expected = client.post(f"/uploads?{query}", data=form(picture, field=field), content_type=FORM)
    assert status == expected.status_code
    assert masked(body) == masked(expected.data)
    ours = {name.decode(): masked(value) for name, value in headers}
    assert ours == {name.lower(): masked(value) for name, value in expected.headers}
    assert len(ours) == len(headers)


def test_what_it_keeps_is_found_again(client: FlaskClient) -> None:
    taken = Shortcut(client.application).take(environ(), form(png("7")))
    assert taken is not None
    (_, headers, body), kept = taken
    assert kept is not None
    kept.result(10)
    location = dict(headers)[b"location"].decode()
    assert client.get(location).data == body
    assert client.get(f"{location}/image").data == png("7")


def test_it_is_named_as_the_client_asks(app: Flask) -> None:
    taken = Shortcut(app).take(environ("store=false", HTTP_X_REQUEST_ID="mine-7"), form(png("7")))
    assert taken is not None
    assert (b"x-request-id", b"mine-7") in taken[0][1]


RING = np.full((200, 200), 255, np.uint8)
RING[40:160, 40:160] = 0
LARGE = np.random.default_rng(0).integers(0, 255, (200, MOST_BYTES // 200), np.uint8)
ODD: dict[str, tuple[dict[str, Any], bytes]] = {
    "another method": (environ(REQUEST_METHOD="GET"), b""),
    "another URL": (environ(PATH_INFO="/upload"), form(png("7"))),
    "another query": (environ("preview=true"), form(png("7"))),
    "a wrong query": (environ("store=no"), form(png("7"))),
    "a raw body": (environ(CONTENT_TYPE="image/png"), png("7")),
    "no type": (environ(CONTENT_TYPE=""), png("7")),
    "no boundary": (environ(CONTENT_TYPE="multipart/form-data"), form(png("7"))),
    "a quoted boundary": (environ(CONTENT_TYPE=f'multipart/form-data; boundary="{BOUNDARY}"'), form(png("7"))),
    "a boundary that is no token": (
        environ(CONTENT_TYPE="multipart/form-data; boundary=a/b"),
        form(png("7")).replace(BOUNDARY.encode(), b"a/b"),
    ),
    "another boundary": (environ(CONTENT_TYPE="multipart/form-data; boundary=other"), form(png("7"))),
    "two files": (environ(), form(png("7"), png("3"))),
    "no file": (environ(), form()),
    "a text": (environ(), form(b"7", name="x=y")),
    "a name in another way": (environ(), form(png("7"), name="filename*=UTF-8''7.png")),
    "no name": (environ(), form(png("7"), name='filename=""')),
    "many digits": (environ("store=false"), form(png("1234567\n1234567", size=30, pen=4, margin=8, gap=10))),
    "another field": (environ(), form(png("7"), field="picture")),
    "a body that breaks off": (environ(), form(png("7"))[:-20]),
    "no picture": (environ(), form(b"text")),
    "an empty file": (environ(), form(b"")),
    "a blank picture": (environ(), form(encode(np.full((50, 50), 255, np.uint8)))),
    "a doubtful picture": (environ(), form(encode(RING))),
    "a large file": (environ(), form(encode(LARGE, compress_level=0))),
    "many pixels": (environ(), form(encode(np.full((1000, 1000), 255, np.uint8)))),
}


@pytest.mark.parametrize("kind", ODD)
def test_it_leaves_to_flask_and_keeps_nothing_of(
    app: Flask, storage: MemoryStorage, records: MemoryRecords, kind: str
) -> None:
    assert Shortcut(app).take(*ODD[kind]) is None
    assert storage.files == {}
    assert records.rows == {}


@pytest.mark.parametrize("named", [("*",), ("https://app.example.org", "https://other.example.org")])
@pytest.mark.parametrize(
    "origin", [None, "https://app.example.org", "https://other.example.org", "https://evil.example"]
)
def test_it_tells_each_origin_what_flask_tells_it(
    client_of: Callable[..., FlaskClient], named: tuple[str, ...], origin: str | None
) -> None:
    client = client_of(cors_origins=named)
    sent = {"HTTP_ORIGIN": origin} if origin else {}
    shortcut = Shortcut(client.application)
    expected = client.post("/uploads?store=false", data=form(png("7")), content_type=FORM, environ_overrides=sent)
    for _ in range(2):
        taken = shortcut.take(environ("store=false", **sent), form(png("7")))
        assert taken is not None
        ours = {name.decode(): masked(value) for name, value in taken[0][1]}
        assert ours == {name.lower(): masked(value) for name, value in expected.headers}


def front(app: Flask) -> Front:
    return Front(app, LIMIT, Shortcut(app).take)


def test_the_front_takes_it(app: Flask) -> None:
    def never(*_: object) -> list[bytes]:
        raise AssertionError("Flask was called")

    taking = Front(never, LIMIT, Shortcut(app).take)  # type: ignore[arg-type]
    client = Client(taking, content_type=FORM)
    asyncio.run(client.send(whole(form(png("7")))))
    assert (client.status, client.headers["content-type"]) == (201, "application/json")


@pytest.mark.parametrize(
    "kind",
    [
        "two files",
        "a blank picture",
        "a doubtful picture",
        "a quoted boundary",
        "a name in another way",
        "no name",
        "a text",
    ],
)
def test_the_front_answers_what_is_left_to_flask(app: Flask, kind: str) -> None:
    request, body = ODD[kind]
    client = Client(front(app), content_type=request["CONTENT_TYPE"])
    asyncio.run(client.send(whole(body)))
    expected = app.test_client().post("/uploads", data=body, content_type=request["CONTENT_TYPE"])
    assert client.status == expected.status_code
    assert masked(client.body) == masked(expected.data)


@pytest.mark.parametrize(("error", "status"), [(Unavailable("Away."), 503), (StorageFull("Full."), 507)])
def test_what_cannot_be_kept_is_told_and_leaves_nothing(
    client_of: Callable[..., FlaskClient], storage: MemoryStorage, error: Exception, status: int
) -> None:
    class Failing(AbsentRecords):
        def add(self, records: Sequence[Record]) -> None:
            raise error

    client = Client(front(client_of({"records": Failing()}).application), content_type=FORM)
    asyncio.run(client.send(whole(form(png("7")))))
    assert (client.status, client.headers["content-type"]) == (status, "application/problem+json")
    assert str(error).encode() in client.body
    assert storage.files == {}


def test_no_answer_goes_out_before_the_upload_is_safe(client_of: Callable[..., FlaskClient]) -> None:
    records = SlowRecords()
    client = Client(front(client_of({"records": records}).application), content_type=FORM)

    async def drive() -> None:
        sending = asyncio.create_task(client.send(whole(form(png("7")))))
        while not records.started.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert client.messages == []
        records.open.set()
        await sending

    asyncio.run(drive())
    assert client.status == 201
    assert len(records.rows) == 1
