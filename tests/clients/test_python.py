"""The Python client in front of the real application, on fakes; answers are lost and delayed on the way."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

import digits_client
from digits.web.asgi import Front
from digits.web.openapi import document
from digits_client import Alternative, Asked, AsyncClient, Client, DigitsError, Filters, Recognition, Upload
from support import ROOT
from support.drawing import png
from tests.fakes import MemoryStorage


class Line(httpx.BaseTransport):
    """Leads to the application, and does one thing to each answer until there is nothing left to do."""

    def __init__(self, application: FlaskClient) -> None:
        self._application = httpx.WSGITransport(application.application)
        self.accidents: list[Callable[[httpx.Response], httpx.Response]] = []
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        response = self._application.handle_request(request)
        return self.accidents.pop(0)(response) if self.accidents else response


def lost(response: httpx.Response) -> httpx.Response:
    raise httpx.ReadError("Connection reset by peer")


def busy(response: httpx.Response) -> httpx.Response:
    return httpx.Response(503, text="<html>", headers={"Retry-After": "7"})


def failed_by_a_proxy(status: int, response: httpx.Response) -> httpx.Response:
    return httpx.Response(status, text="<html>")


@pytest.fixture
def line(client: FlaskClient) -> Line:
    return Line(client)


@pytest.fixture
def digits(line: Line) -> Iterable[Client]:
    with Client(transport=line) as digits:
        yield digits


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it waited, without the waiting."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def kept(client: Client, number: str = "7") -> Upload:
    return client.recognise(png(number))


def test_a_picture_is_read_and_kept(digits: Client, storage: MemoryStorage) -> None:
    upload = kept(digits, "407")
    assert (upload.number, upload.text, upload.digit, upload.recognised) == ("407", "407", None, True)
    assert [digit.digit for digit in upload.digits] == [4, 0, 7]
    assert upload.digits[0].box.width > 0
    assert upload.image.format == "PNG"
    assert upload.created_at.utcoffset() == timedelta()
    assert storage.files == {upload.id: png("407")}


def test_it_sends_its_key(client_of: Callable[..., FlaskClient], make_key: Callable[..., str]) -> None:
    token = make_key()
    line = Line(client_of())
    with Client(transport=line, key=token, headers={"X-Proxy": "mine"}) as digits:
        assert digits.get(kept(digits).id).number == "7"
    with Client(transport=line) as digits, pytest.raises(DigitsError, match="needs an API key"):
        kept(digits)


def test_it_takes_bytes_paths_and_open_files(digits: Client, tmp_path: Path) -> None:
    path = tmp_path / "7.png"
    path.write_bytes(png("7"))
    for picture in (png("7"), path, str(path), BytesIO(png("7"))):
        assert digits.recognise(picture).number == "7"


def test_nothing_is_kept_unless_asked_for(digits: Client, storage: MemoryStorage) -> None:
    answer = digits.recognise(png("7"), store=False, preview=True)
    assert type(answer) is Recognition
    assert str(answer.digits[0].preview).startswith("data:image/png;base64,")
    assert storage.files == {}


def test_likely_numbers_and_what_decided_are_told_if_asked_for(digits: Client) -> None:
    plain = kept(digits)
    assert (plain.alternatives, plain.explanation) == ([], None)
    upload = digits.recognise(png("7"), alternatives=2, explanation=True)
    assert upload.alternatives[0] == Alternative("7", upload.confidence)
    assert len(upload.alternatives) == 2
    assert str(upload.explanation).startswith("data:image/png;base64,")
    assert digits.get(upload.id, alternatives=2).alternatives == upload.alternatives
    for result in digits.recognise_several([png("7"), png("4")], store=False, alternatives=3):
        assert isinstance(result, Recognition)
        assert len(result.alternatives) == 3


def test_many_pictures_are_sent_in_few_requests_and_each_has_its_result(digits: Client, line: Line) -> None:
    results = list(digits.recognise_several([*[png("7")] * 20, b"text", *[png("4")] * 19, b"text"]))
    assert [result.number if isinstance(result, Upload) else str(result)[:26] for result in results] == [
        *["7"] * 20,
        "This file is not a picture",
        *["4"] * 19,
        "This file is not a picture",
    ]
    assert len(set(line.keys)) == len(line.keys) == 3


def test_large_pictures_are_spread_over_requests(digits: Client, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_client, "BATCH_BYTES", 2 * len(png("7")))
    assert len(list(digits.recognise_several([png("7")] * 5))) == 5
    assert len(line.keys) == 3


def test_a_request_that_is_refused_whole_is_the_result_of_each_of_its_pictures(
    client_of: Callable[..., FlaskClient],
) -> None:
    with Client(transport=Line(client_of(max_bytes=100))) as digits:
        results = list(digits.recognise_several([png("7"), png("4")]))
    assert [result.status for result in results if isinstance(result, DigitsError)] == [413, 413]


def test_no_pictures_need_no_request(digits: Client, line: Line) -> None:
    assert list(digits.recognise_several([])) == []
    assert line.keys == []


def test_an_upload_is_found_corrected_and_deleted(digits: Client) -> None:
    upload = kept(digits)
    assert digits.get(upload.id) == upload
    assert digits.image(upload.id) == png("7")
    corrected = digits.correct(upload.id, "1")
    assert (corrected.label, type(corrected.labelled_at)) == ("1", datetime)
    assert digits.correct(upload.id, None).label is None
    digits.delete(upload.id)
    with pytest.raises(DigitsError, match="no upload with this id") as raised:
        digits.get(upload.id)
    assert (raised.value.status, raised.value.type) == (404, "/problems/not-found")


def test_the_history_is_gone_through_page_by_page(digits: Client, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_client, "PAGE", 2)
    uploads = [kept(digits, number) for number in "74747"]
    line.keys.clear()
    history = digits.history()
    assert next(history) == uploads[-1]
    assert len(line.keys) == 1
    assert [upload.id for upload in history] == [upload.id for upload in uploads[-2::-1]]
    assert [upload.number for upload in digits.history(digit=4, recognised=True)] == ["4", "4"]
    assert len(list(digits.history(number="7", sha256=uploads[0].image.sha256))) == 3


def test_the_history_can_be_asked_for_days_and_moments(digits: Client) -> None:
    upload = kept(digits)
    assert list(digits.history(since=date(2020, 1, 1), until=upload.created_at)) == []
    assert list(digits.history(since=upload.created_at, until=datetime.now(UTC) + timedelta(days=1))) == [upload]


def test_a_refusal_is_one_error_with_the_sentence_of_the_server(digits: Client) -> None:
    with pytest.raises(DigitsError) as raised:
        digits.recognise(b"text")
    error = raised.value
    assert (error.status, error.title) == (415, "The file is not a picture that can be read")
    assert str(error) == error.detail
    assert error.detail.startswith("This file is not a picture")
    assert error.request_id


def test_a_picture_whose_answer_was_lost_is_kept_once(
    digits: Client, line: Line, storage: MemoryStorage, pauses: list[float]
) -> None:
    line.accidents = [lost, lost]
    upload = kept(digits)
    assert storage.files.keys() == {upload.id}
    assert len(set(line.keys)) == 1
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1


def test_it_waits_as_long_as_the_server_says(digits: Client, line: Line, pauses: list[float]) -> None:
    line.accidents = [busy]
    assert kept(digits).number == "7"
    assert pauses == [7]


def test_of_several_pictures_those_that_met_a_busy_server_are_sent_again(
    digits: Client, line: Line, storage: MemoryStorage
) -> None:
    problem = {"type": "/problems/busy", "title": "", "status": 503, "detail": "Busy.", "request_id": ""}

    def partly_busy(response: httpx.Response) -> httpx.Response:
        response.read()
        return httpx.Response(207, json={"uploads": [response.json()["uploads"][0], problem]})

    line.accidents = [partly_busy]
    results = list(digits.recognise_several([png("7"), png("4")]))
    assert [result.id for result in results if isinstance(result, Upload)] == list(storage.files)


def test_what_was_deleted_though_the_answer_was_lost_is_deleted(digits: Client, line: Line) -> None:
    upload = kept(digits)
    line.accidents = [lost]
    digits.delete(upload.id)
    with pytest.raises(DigitsError, match="no upload"):
        digits.delete(upload.id)


@pytest.mark.parametrize(
    ("answer", "deletes"),
    [(busy, False), (partial(failed_by_a_proxy, 502), True), (partial(failed_by_a_proxy, 504), True)],
)
def test_what_is_not_there_counts_as_deleted_only_if_an_earlier_try_may_have_deleted_it(
    digits: Client, line: Line, answer: Callable[[httpx.Response], httpx.Response], deletes: bool
) -> None:
    upload = kept(digits)
    digits.delete(upload.id)
    line.accidents = [answer]
    with nullcontext() if deletes else pytest.raises(DigitsError, match="no upload"):
        digits.delete(upload.id)


@pytest.mark.parametrize(
    "ask",
    [
        lambda digits: digits.recognise(png("7")),
        lambda digits: list(digits.recognise_several([png("7"), png("4")])),
        lambda digits: digits.get("1"),
        lambda digits: list(digits.history()),
        lambda digits: digits.correct("1", "7"),
        lambda digits: digits.delete("1"),
        lambda digits: digits.image("1"),
    ],
)
@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("body", ["<html>", "null", "[]", '"7"', '{"uploads": ["7"], "digits": [7]}'])
def test_an_answer_that_is_not_of_the_backend_is_an_error_with_a_sentence(
    ask: Callable[[Client], object], status: int, body: str
) -> None:
    portal = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    with Client(transport=portal) as digits, pytest.raises(DigitsError, match="not the backend's") as raised:
        ask(digits)
    assert raised.value.status == status


def test_an_answer_that_cannot_be_decompressed_is_an_error_with_a_sentence(pauses: list[float]) -> None:
    class Broken(httpx.BaseTransport):
        def handle_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip"))

    with Client(transport=Broken()) as digits, pytest.raises(DigitsError, match="answer cannot be read"):
        digits.get("1")
    assert len(pauses) == 3


def test_a_refusal_in_json_that_is_not_of_the_backend_has_its_status() -> None:
    gateway = httpx.MockTransport(lambda _: httpx.Response(403, json={"detail": "Log in."}))
    with Client(transport=gateway) as digits, pytest.raises(DigitsError, match="Log in") as raised:
        digits.get("1")
    assert raised.value.status == 403


def test_it_gives_up_after_its_retries(line: Line, pauses: list[float]) -> None:
    line.accidents = [lost] * 3
    with Client(transport=line, retries=2) as digits, pytest.raises(DigitsError, match="did not answer") as raised:
        kept(digits)
    assert raised.value.status is None
    assert len(pauses) == 2
    line.accidents = [busy]
    with Client(transport=line, retries=0) as digits, pytest.raises(DigitsError, match="503 Service Unavailable"):
        kept(digits)


def test_an_id_stays_one_part_of_the_path(digits: Client) -> None:
    with pytest.raises(DigitsError) as raised:
        digits.delete("../healthz?")
    assert raised.value.status == 404


def test_it_knows_every_parameter_and_every_field_of_the_document() -> None:
    parameters = {
        method: {
            each["name"] for each in document()["paths"]["/uploads"][method]["parameters"] if each["in"] == "query"
        }
        for method in ("get", "post")
    }
    assert Filters.__annotations__.keys() == parameters["get"] - {"limit", "cursor", "total"}
    assert Asked.__annotations__.keys() == parameters["post"] - {"store"}
    properties = document()["components"]["schemas"]["UploadAnswer"]["properties"].keys()
    assert {each.name for each in fields(Upload)} == properties - {"links"}


def test_the_lines_of_its_readme_work(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, picture in {"digit": png("7"), "one": png("1"), "two": b"text", "three": png("3")}.items():
        (tmp_path / f"{name}.png").write_bytes(picture)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(digits_client, "Client", partial(Client, transport=line))
    readme = (ROOT / "clients" / "python" / "README.md").read_text()
    exec(readme.partition("```python\n")[2].partition("```")[0], {})
    seven, *likely, one, two, three = capsys.readouterr().out.splitlines()
    assert (seven[:2], likely[0], len(likely)) == ("7 ", "7?", 3)
    assert (one, three) == ("one.png 1", "three.png 3")
    assert two.startswith("two.png refused: This file is not a picture")


def test_asyncio_has_the_same(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_client, "PAGE", 2)

    class Lossy(httpx.ASGITransport):
        answers = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            self.answers += 1
            return lost(response) if self.answers == 1 else response

    async def use() -> None:
        front = Front(client.application, max_bytes=10**6)
        async with AsyncClient(transport=Lossy(front)) as digits:
            monkeypatch.setattr(digits_client, "FIRST_PAUSE", 0)
            first = await digits.recognise(png("7"))
            several = [result async for result in digits.recognise_several([png("4"), b"text", png("4")])]
            assert [isinstance(result, Upload) for result in several] == [True, False, True]
            assert [upload.number async for upload in digits.history()] == ["4", "4", "7"]
            assert await digits.get(first.id) == first
            assert len((await digits.get(first.id, alternatives=3)).alternatives) == 3
            assert await digits.image(first.id) == png("7")
            assert (await digits.correct(first.id, "1")).label == "1"
            await digits.delete(first.id)
            with pytest.raises(DigitsError, match="no upload"):
                await digits.get(first.id)

    asyncio.run(use())
