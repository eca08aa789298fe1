"""What the log says, and what it does when nobody reads it."""

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from digits.metrics import LOG_LINES_DROPPED
from digits.settings import LogForm
from digits.web import logs
from digits.web.exchange import ACCESS
from support.drawing import png
from support.records import record
from tests.fakes import MemoryRecords
from tests.web.test_metrics import through_the_front

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Restored afterwards."""
    root, granian = logging.getLogger(), logging.getLogger("_granian")
    before = root.handlers, granian.handlers, granian.propagate
    yield
    root.handlers, granian.handlers, granian.propagate = before
    logging.getLogger(ACCESS).setLevel(logging.NOTSET)


def logged(form: LogForm, act: Callable[[], object], with_access: bool = True) -> list[str]:
    stream = StringIO()
    waiting = logs.log_in_thread(form, with_access, stream)
    act()
    logs.wait_for_last(waiting)
    return stream.getvalue().splitlines()


def get(client: FlaskClient, path: str) -> Callable[[], object]:
    return lambda: client.get(path, headers={"X-Request-ID": "mine"})


def test_each_request_has_a_line_without_its_query(client: FlaskClient) -> None:
    (line,) = logged("text", get(client, "/healthz?token=secret"))
    assert re.fullmatch(TIME + r" INFO 127\.0\.0\.1 GET /healthz 200 19 B \d+\.\d ms mine", line)


def test_as_json_each_request_is_an_object(client: FlaskClient) -> None:
    (line,) = logged("json", get(client, "/uploads/x"))
    said = json.loads(line)
    assert re.fullmatch(TIME, said.pop("time"))
    assert 0 < said.pop("seconds") < 5
    assert said.pop("bytes") > 100
    assert said == {
        "level": "info",
        "logger": "digits.access",
        "request_id": "mine",
        "client": "127.0.0.1",
        "key_id": None,
        "method": "GET",
        "path": "/uploads/x",
        "route": "/uploads/<key>",
        "status": 404,
        "problem": "not-found",
    }


def test_the_audit_log_is_there_without_an_access_log(client: FlaskClient, records: MemoryRecords) -> None:
    kept = record()
    records.add([kept])
    (text,) = logged("text", lambda: client.patch(f"/uploads/{kept.id}", json={"label": "4\n2"}), with_access=False)
    assert re.match(TIME + rf" INFO labelled: upload_id={kept.id} label=4\\n2 client=127\.0\.0\.1 request_id=", text)
    (line,) = logged("json", lambda: client.delete(f"/uploads/{kept.id}"), with_access=False)
    said = json.loads(line)
    assert (said["logger"], said["event"], said["upload_id"]) == ("digits.audit", "upload deleted", kept.id)
    assert re.fullmatch("[0-9a-f]{32}", said["request_id"])


def test_what_the_fast_path_answers_has_its_line_too(client: FlaskClient) -> None:
    (line,) = logged("text", lambda: through_the_front(client, png("7")))
    assert " INFO 127.0.0.1 POST /uploads 201 " in line


def test_requests_have_no_line_unless_that_is_asked_for(client: FlaskClient) -> None:
    assert logged("text", get(client, "/healthz"), with_access=False) == []


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("path", ["/a%0AFORGED 200", "/%E2%80%A8FORGED", "/%1b[2J", "/%00%FF%C3%A9"])
def test_a_path_makes_no_line_of_its_own(client: FlaskClient, form: LogForm, path: str) -> None:
    (line,) = logged(form, get(client, path))
    assert line.isprintable()
    assert line.isascii()
    assert len(line.split(" ")) == 11 or form == "json"


class Broken(MemoryRecords):
    def find(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("one\nFORGED\x1b[2J")


def test_an_error_is_told_with_its_traceback_in_lines_that_cannot_be_taken_for_others(
    client_of: Callable[..., FlaskClient],
) -> None:
    first, *traceback, access = logged("text", get(client_of(records=Broken()), "/uploads"))
    assert re.fullmatch(TIME + " ERROR mine unexpected error", first)
    assert traceback[0] == " Traceback (most recent call last):"
    assert traceback[-2:] == [" RuntimeError: one", r" FORGED\x1b[2J"]
    assert all(line.startswith(" ") for line in traceback)
    assert " GET /uploads 500 " in access


def test_an_error_is_one_object_with_its_request_id(client_of: Callable[..., FlaskClient]) -> None:
    error, access = map(json.loads, logged("json", get(client_of(records=Broken()), "/uploads")))
    assert (error["level"], error["request_id"], error["message"]) == ("error", "mine", "mine unexpected error")
    assert error["traceback"].endswith("RuntimeError: one\nFORGED\x1b[2J")
    assert (access["status"], access["problem"]) == (500, "internal")


@contextmanager
def full_pipe() -> Iterator[tuple[Any, Any]]:
    """A pipe that nobody reads: its ends for writing and for reading."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        os.set_blocking(writing, False)
        while True:
            try:
                os.write(writing, b"\n" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writing, True)
        yield writer, reader


def test_while_nobody_reads_the_log_requests_are_answered_and_lines_dropped_and_counted(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_WAITING", 5)
    monkeypatch.setattr(logs, "LAST_SECONDS", 0.1)
    before = LOG_LINES_DROPPED._value.get()
    with full_pipe() as (writer, reader):
        waiting = logs.log_in_thread("text", True, writer)
        for _ in range(20):
            assert client.get("/healthz").status_code == 200
        logs.wait_for_last(waiting)  # It does not wait for ever either.
        assert 14 <= LOG_LINES_DROPPED._value.get() - before <= 15
        draining = threading.Thread(target=reader.read)
        draining.start()
        monkeypatch.setattr(logs, "LAST_SECONDS", 10)
        logs.wait_for_last(waiting)
        assert waiting.unfinished_tasks == 0
        writer.close()
        draining.join()


def test_a_line_that_waits_holds_no_picture(client_of: Callable[..., FlaskClient]) -> None:
    record = logging.LogRecord("digits", logging.ERROR, "", 0, "%s", (bytearray(5),), None)
    prepared = logs._BoundedHandler(logs.Waiting()).prepare(record)
    assert (prepared.msg, prepared.args, prepared.exc_info) == ("bytearray(b'\\x00\\x00\\x00\\x00\\x00')", None, None)
