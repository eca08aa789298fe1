"""DELETE /uploads, and what the audit log says of it and of other changes."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from digits.uploads.service import now
from support.drawing import png
from support.records import record
from tests.fakes import MemoryRecords, MemoryStorage
from tests.uploads.test_database import HISTORY

ID, REQUEST = HISTORY[0].id, {"X-Request-ID": "mine"}


@pytest.fixture
def filled(client: FlaskClient, records: MemoryRecords, storage: MemoryStorage) -> FlaskClient:
    records.add(HISTORY)
    storage.put({row.id: b"picture" for row in HISTORY})
    return client


def test_all_that_arrived_before_a_time_is_deleted(
    filled: FlaskClient, records: MemoryRecords, storage: MemoryStorage
) -> None:
    answer = filled.delete("/uploads?before=2026-11-20T12:00:00.003Z")
    assert (answer.status_code, answer.get_json()) == (200, {"deleted": 3})
    assert records.rows.keys() == storage.files.keys() == {row.id for row in HISTORY[3:]}
    assert filled.delete("/uploads?before=2026-11-20").get_json() == {"deleted": 0}


def test_what_arrives_meanwhile_stays(filled: FlaskClient, records: MemoryRecords) -> None:
    late = record(created_at=now() + timedelta(minutes=1))
    records.add([late])
    assert filled.delete("/uploads?before=9999-12-31").get_json() == {"deleted": len(HISTORY)}
    assert records.rows.keys() == {late.id}


@pytest.mark.parametrize("query", ["", "?before=", "?before=yesterday", "?until=2026-11-20", "?before=2026-11-20&x=7"])
def test_nothing_is_deleted_unless_the_time_is_named_and_nothing_else(
    filled: FlaskClient, records: MemoryRecords, query: str
) -> None:
    answer = filled.delete(f"/uploads{query}")
    assert answer.status_code == 400
    assert len(records.rows) == len(HISTORY)


def test_no_page_of_another_origin_may_delete(filled: FlaskClient) -> None:
    asked = {"Origin": "https://pages.example", "Access-Control-Request-Method": "DELETE"}
    assert filled.options("/uploads", headers=asked).headers["Access-Control-Allow-Methods"] == "POST"
    assert filled.delete("/uploads?before=2027-01-01", headers={"Host": "borrowed.example"}).status_code == 403


def test_each_owner_deletes_only_what_is_its_own(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], records: MemoryRecords
) -> None:
    records.add([record(owner=owner) for owner in ("me", "me", "you", None)])
    token = make_key("me")
    answer = client_of().delete("/uploads?before=2027-01-01", headers={"X-API-Key": token})
    assert answer.get_json() == {"deleted": 2}
    assert [row.owner for row in records.rows.values()] == ["you", None]


def test_the_audit_log_tells_of_each_change_and_of_who_made_it(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    token = make_key("me")
    headers = REQUEST | {"X-API-Key": token}
    client = client_of()
    sent = client.post("/uploads", data=png("7"), content_type="image/png", headers=headers).get_json()["id"]
    client.patch(f"/uploads/{sent}", json={"label": "4\n2"}, headers=headers)
    client.patch(f"/uploads/{sent}", json={"label": None}, headers=headers)
    client.delete(f"/uploads/{sent}", headers=headers)
    client.delete(f"/uploads/{sent}", headers=headers)
    client.delete("/uploads?before=2026-11-20", headers=headers)
    who = f"owner=me key_id={token.split('_')[1]} client=127.0.0.1 request_id=mine"
    assert [line.getMessage() for line in caplog.records if line.name == "digits.audit"] == [
        f"labelled: upload_id={sent} label=4\n2 {who}",
        f"label removed: upload_id={sent} {who}",
        f"upload deleted: upload_id={sent} {who}",
        f"uploads deleted: before=2026-11-20T00:00:00+00:00 count=0 {who}",
    ]


def test_without_keys_the_audit_log_names_the_address(filled: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    filled.delete(f"/uploads/{ID}", headers=REQUEST)
    (line,) = caplog.records
    assert (line.levelno, line.name) == (logging.INFO, "digits.audit")
    assert line.getMessage() == f"upload deleted: upload_id={ID} client=127.0.0.1 request_id=mine"
