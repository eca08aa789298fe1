"""Corrections: what a person says is written in a picture."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from support.drawing import png

UNKNOWN = "/uploads/0199f3a2-7c41-7b5e-9d3f-0123456789ab"


def keep(client: FlaskClient) -> Any:
    return client.post("/uploads", data={"file": (BytesIO(png("7")), "digit.png")}).get_json()


@pytest.mark.parametrize("label", ["1", "007", "12\n34", "", pytest.param("7" * 1000, id="long")])
def test_a_person_says_what_is_written_there(client: FlaskClient, label: str) -> None:
    kept = keep(client)
    assert (kept["label"], kept["labelled_at"]) == (None, None)
    answer = client.patch(kept["links"]["self"], json={"label": label})
    assert answer.status_code == 200
    since = datetime.now(UTC) - datetime.fromisoformat(answer.get_json()["labelled_at"])
    assert 0 <= since.total_seconds() < 10
    assert answer.get_json() == kept | {"label": label, "labelled_at": answer.get_json()["labelled_at"]}
    assert client.get(kept["links"]["self"]).get_json() == answer.get_json()


def test_what_was_said_is_taken_back(client: FlaskClient) -> None:
    kept = keep(client)
    client.patch(kept["links"]["self"], json={"label": "1"})
    assert client.patch(kept["links"]["self"], json={"label": None}).get_json() == kept


@pytest.mark.parametrize(
    "label", [7, 7.0, True, ["7"], "seven", "7 ", "-1", "1.5", "\n", "1\n", "1\n\n2", "1\r\n2", "٣", "7" * 1001]
)
def test_what_is_no_number_is_no_label(client: FlaskClient, label: object) -> None:
    kept = keep(client)
    answer = client.patch(kept["links"]["self"], json={"label": label})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert "Give the number's digits alone as a string" in answer.get_json()["detail"]
    assert client.get(kept["links"]["self"]).get_json() == kept


@pytest.mark.parametrize("body", ["", "7", "[]", '{"lable": "7"}', "{"])
def test_a_body_without_a_label_is_told_what_to_send(client: FlaskClient, body: str) -> None:
    answer = client.patch(keep(client)["links"]["self"], data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_what_was_never_kept_cannot_be_corrected(client: FlaskClient) -> None:
    for path in (UNKNOWN, "/uploads/7"):
        assert client.patch(path, json={"label": "7"}).status_code == 404
