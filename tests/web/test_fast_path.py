"""The fast path, held against Flask's own answers to the same requests."""

import asyncio
import base64
import re
from collections import Counter
from collections.abc import Callable, Sequence
from inspect import isgenerator
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from digits.errors import Refused, StorageFull, Unavailable
from digits.uploads.models import Record
from digits.vision import decode
from digits.web import asgi, incoming
from digits.web.asgi import Front
from digits.web.fast_path import QUICK_BYTES, FastPath
from digits.web.problems import REFUSED
from digits.web.uploads import BEGUN
from digits.web.wsgi import Answer
from support.drawing import draw, encode, png
from support.forms import BOUNDARY, FORM, form
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage, TemplateRecogniser
from tests.uploads.test_write_batcher import SlowRecords
from tests.web.test_asgi import LIMIT, Client, whole


def environ(query: str = "", **values: str) -> dict[str, Any]:
    usual = {"REQUEST_METHOD": "POST", "PATH_INFO": "/uploads", "QUERY_STRING": query, "CONTENT_TYPE": FORM}
    return usual | values


def masked(text: bytes | str) -> str:
    """Without what is another's in each answer: ids, the time, and how long it took."""
    text = text.decode() if isinstance(text, bytes) else text
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"dur=[\d.]+", "dur=TIME", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)


@pytest.fixture
def app(client: FlaskClient) -> Flask:
    return client.application


def answered(app: Flask, request: dict[str, Any], body: bytes) -> Answer | None:
    return asyncio.run(FastPath(app).answer(request, body))


@pytest.mark.parametrize(
    "query", ["", "store=false", "store=true", "preview=true", "store=false&preview=true", "alternatives=3"]
)
@pytest.mark.parametrize("picture", [png("7"), png("407"), png("1", size=60, margin=10), encode(draw("5"))])
@pytest.mark.parametrize("field", ["file", "files[]", "filepond"])
def test_it_answers_as_flask_does(client: FlaskClient, query: str, picture: bytes, field: str) -> None:
    answer = answered(client.application, environ(query), form(picture, field=field))
    assert answer is not None
    status, headers, body = answer
    expected = client.post(f"/uploads?{query}", data=form(picture, field=field), content_type=FORM)
    assert status == expected.status_code
    assert masked(body) == masked(expected.data)
    ours = {name.decode(): masked(value) for name, value in headers}
    assert ours == {name.lower(): masked(value) for name, value in expected.headers}
    assert len(ours) == len(headers)


AT_ONCE: dict[str, tuple[dict[str, Any], bytes]] = {
    "a raw body": (environ(CONTENT_TYPE="image/png"), png("7")),
    "no type": (environ(CONTENT_TYPE=""), png("7")),
    "JSON": (
        environ(CONTENT_TYPE="application/json"),
        b'{"image": "data:image/png;base64,' + base64.b64encode(png("7")) + b'"}',
    ),
    "a quoted boundary": (environ(CONTENT_TYPE=f'multipart/form-data; boundary="{BOUNDARY}"'), form(png("7"))),
    "a name in another way": (environ(), form(png("7"), name="filename*=UTF-8''7.png")),
    "a type in capitals": (environ(CONTENT_TYPE="Image/PNG"), png("7")),
    "a form in capitals": (
        environ(CONTENT_TYPE=FORM.replace("multipart/form-data", "Multipart/Form-Data")),
        form(png("7")),
    ),
    "a name in Latin-1": (environ(), form(png("7")).replace(b"7.png", "\xe9.png".encode("latin-1"))),
    "a part with many headers": (
        environ(),
        form(png("7")).replace(b"Content-Type", b"".join(b"X-%d: y\r\n" % i for i in range(20)) + b"Content-Type"),
    ),
    "a key": (environ(HTTP_IDEMPOTENCY_KEY="mine"), form(png("7"))),
}


@pytest.mark.parametrize("kind", AT_ONCE)
def test_it_answers_however_the_picture_is_sent(app: Flask, kind: str) -> None:
    answer = answered(app, *AT_ONCE[kind])
    assert answer is not None
    assert answer[0] == 201
    assert b'"number":"7"' in answer[2]


def test_what_it_keeps_is_found_again(client: FlaskClient) -> None:
    answer = answered(client.application, environ(), form(png("7")))
    assert answer is not None
    _, headers, body = answer
    location = dict(headers)[b"location"].decode()
    assert client.get(location).data == body
    assert client.get(f"{location}/image").data == png("7")


def test_it_is_named_as_the_client_asks(app: Flask) -> None:
    answer = answered(app, environ("store=false", HTTP_X_REQUEST_ID="mine-7"), form(png("7")))
    assert answer is not None
    assert (b"x-request-id", b"mine-7") in answer[1]


RING = np.full((200, 200), 255, np.uint8)
RING[40:160, 40:160] = 0
LARGE = np.random.default_rng(0).integers(0, 255, (200, QUICK_BYTES // 200), np.uint8)
REFUSED_AT_ONCE: dict[str, tuple[dict[str, Any], bytes]] = {
    "a wrong query": (environ("store=no"), form(png("7"))),
    "an unknown parameter": (environ("stor=false"), form(png("7"))),
    "no boundary": (environ(CONTENT_TYPE="multipart/form-data"), form(png("7"))),
    "another boundary": (environ(CONTENT_TYPE="multipart/form-data; boundary=other"), form(png("7"))),
    "a boundary that is no token": (
        environ(CONTENT_TYPE="multipart/form-data; boundary=a/b"),
        form(png("7")).replace(BOUNDARY.encode(), b"a/b"),
    ),
    "another type": (environ(CONTENT_TYPE="text/plain"), png("7")),
    "a wrong key": (environ(HTTP_IDEMPOTENCY_KEY=""), form(png("7"))),
    "no file": (environ(), form()),
    "a text": (environ(), form(b"7", name="x=y")),
    "no name": (environ(), form(png("7"), name='filename=""')),
    "another field": (environ(), form(png("7"), field="picture")),
    "a body that breaks off": (environ(), form(png("7"))[:-20]),
    "an empty file": (environ(), form(b"")),
}
LONG: dict[str, tuple[dict[str, Any], bytes]] = {
    "no picture": (environ(), form(b"text")),
    "two files": (environ(), form(png("7"), png("3"))),
    "many digits": (environ("store=false"), form(png("1234567\n1234567", size=30, pen=4, margin=8, gap=10))),
    "an explanation": (environ("explanation=true"), form(png("7"))),
    "a doubtful picture": (environ(), form(encode(RING))),
    "a blank picture": (environ(), form(encode(np.full((50, 50), 255, np.uint8)))),
    "many pixels": (environ(), form(encode(np.full((1000, 1000), 255, np.uint8)))),
}
LEFT_ALONE: dict[str, tuple[dict[str, Any], bytes]] = {
    "another method": (environ(REQUEST_METHOD="GET"), form(png("7"))),
    "another path": (environ(PATH_INFO="/upload"), form(png("7"))),
    "a large file": (environ(), form(encode(LARGE, compress_level=0))),
    "a long query": (environ("a&" * 2000), form(png("7"))),
    "a long type": (environ(CONTENT_TYPE=FORM + ';a="b"' * 200), form(png("7"))),
    "many texts": (environ(), form(*[b"7"] * 60, name="x=y")),
}
ANY = REFUSED_AT_ONCE | LONG | LEFT_ALONE


@pytest.mark.parametrize("kind", REFUSED_AT_ONCE)
def test_flask_is_given_what_went_wrong_and_nothing_is_kept(
    app: Flask, storage: MemoryStorage, records: MemoryRecords, kind: str
) -> None:
    request, body = REFUSED_AT_ONCE[kind]
    request = dict(request)
    assert answered(app, request, body) is None
    assert isinstance(request[REFUSED], Refused)
    assert storage.files == {}
    assert records.rows == {}


@pytest.mark.parametrize("kind", LONG)
def test_flask_is_given_what_was_begun(app: Flask, storage: MemoryStorage, records: MemoryRecords, kind: str) -> None:
    request, body = LONG[kind]
    request = dict(request)
    assert answered(app, request, body) is None
    assert isgenerator(request[BEGUN])
    assert storage.files == {}
    assert records.rows == {}


@pytest.mark.parametrize("kind", LEFT_ALONE)
def test_what_is_not_begun_is_left_as_it_is(app: Flask, kind: str) -> None:
    request, body = LEFT_ALONE[kind]
    given = dict(request)
    assert answered(app, given, body) is None
    assert given == request


def test_a_doubtful_picture_is_parsed_decoded_and_looked_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def counted(place: object, name: str) -> None:
        real = getattr(place, name)

        def call(*arguments: object, **named: object) -> object:
            calls[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(place, name, call)

    counted(incoming, "only_file")
    counted(Image, "open")
    counted(decode, "unpacked")
    counted(TemplateRecogniser, "find")
    client = Client(front(app), content_type=FORM)
    asyncio.run(client.send(whole(LONG["a doubtful picture"][1])))
    assert client.status == 201
    assert calls == {"only_file": 1, "open": 1, "unpacked": 1, "find": 1}


@pytest.mark.parametrize("named", [("*",), ("https://app.example.org", "https://other.example.org")])
@pytest.mark.parametrize(
    "origin", [None, "https://app.example.org", "https://other.example.org", "https://evil.example"]
)
def test_it_tells_each_origin_what_flask_tells_it(
    client_of: Callable[..., FlaskClient], named: tuple[str, ...], origin: str | None
) -> None:
    client = client_of(cors_origins=named)
    sent = {"HTTP_ORIGIN": origin} if origin else {}
    fast_path = FastPath(client.application)
    expected = client.post("/uploads?store=false", data=form(png("7")), content_type=FORM, environ_overrides=sent)
    for _ in range(2):
        answer = asyncio.run(fast_path.answer(environ("store=false", **sent), form(png("7"))))
        assert answer is not None
        ours = {name.decode(): masked(value) for name, value in answer[1]}
        assert ours == {name.lower(): masked(value) for name, value in expected.headers}


def front(app: Flask) -> Front:
    return Front(app, LIMIT, FastPath(app))


def test_the_front_takes_it(app: Flask) -> None:
    def never(*_: object) -> list[bytes]:
        raise AssertionError("Flask was called")

    taking = Front(never, LIMIT, FastPath(app))
    client = Client(taking, content_type=FORM)
    asyncio.run(client.send(whole(form(png("7")))))
    assert (client.status, client.headers["content-type"]) == (201, "application/json")


@pytest.mark.parametrize("kind", [kind for kind, (request, _) in ANY.items() if request == environ()])
def test_flask_answers_what_is_left_to_it_as_if_it_were_asked_alone(app: Flask, kind: str) -> None:
    request, body = ANY[kind]
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
        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            raise error

    client = Client(front(client_of(records=Failing()).application), content_type=FORM)
    asyncio.run(client.send(whole(form(png("7")))))
    assert (client.status, client.headers["content-type"]) == (status, "application/problem+json")
    assert str(error).encode() in client.body
    assert storage.files == {}


def test_no_answer_goes_out_before_the_upload_is_safe(client_of: Callable[..., FlaskClient]) -> None:
    records = SlowRecords()
    client = Client(front(client_of(records=records).application), content_type=FORM)

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


def test_an_upload_that_takes_too_long_to_keep_is_told_to_be_unsettled(
    client_of: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.web.fast_path.PATIENCE", 0.01)
    monkeypatch.setattr("digits.stepwise.PATIENCE", 0.01)
    records = SlowRecords()
    app = client_of(records=records).application
    client = Client(front(app), content_type=FORM)
    asyncio.run(client.send(whole(form(png("7")))))
    by_flask = app.test_client().post("/uploads", data=png("7"), content_type="image/png")
    records.open.set()
    for status, body in ((client.status, client.body), (by_flask.status_code, by_flask.data)):
        assert status == 503
        assert b"/problems/unsettled" in body
        assert b"Keeping the upload takes over 30 s. It may or may not be kept: look it up before you try" in body


def test_only_so_many_pictures_wait_for_a_thread(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = front(app)
    for most, status in ((0, 503), (1, 201), (1, 201)):
        monkeypatch.setattr(asgi, "MOST_BEGUN", most)
        client = Client(crowded, content_type=FORM)
        asyncio.run(client.send(whole(LONG["a doubtful picture"][1])))
        assert client.status == status


def test_a_large_file_holds_nothing_but_its_bytes_while_it_waits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "MOST_BEGUN", 0)
    client = Client(front(app), content_type=FORM)
    asyncio.run(client.send(whole(form(encode(RING) + bytes(QUICK_BYTES)))))
    assert client.status == 201
