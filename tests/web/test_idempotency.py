"""An upload that is sent again under its Idempotency-Key."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from support.drawing import png
from tests.fakes import MemoryRecords, MemoryStorage, TemplateRecogniser


def send(client: FlaskClient, key: str, *pictures: bytes, query: str = "") -> TestResponse:
    files = [(BytesIO(picture), "digit.png") for picture in pictures]
    return client.post(f"/uploads{query}", data={"file": files}, headers={"Idempotency-Key": key})


def test_the_same_picture_again_gets_the_first_answer(
    client: FlaskClient, storage: MemoryStorage, records: MemoryRecords
) -> None:
    first, again = send(client, "mine", png("7")), send(client, "mine", png("7"))
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.get_json() == first.get_json()
    assert storage.files.keys() == records.rows.keys() == {first.get_json()["id"]}


def test_another_picture_under_the_same_key_is_refused_and_not_kept(
    client: FlaskClient, storage: MemoryStorage
) -> None:
    first, other = send(client, "mine", png("7")), send(client, "mine", png("3"))
    assert (other.status_code, other.get_json()["type"]) == (422, "/problems/key-reused")
    assert "Make a new key" in other.get_json()["detail"]
    assert storage.files.keys() == {first.get_json()["id"]}


def test_without_a_key_the_same_picture_is_kept_twice(client: FlaskClient, storage: MemoryStorage) -> None:
    for _ in range(2):
        client.post("/uploads", data=png("7"), content_type="image/png")
    assert len(storage.files) == 2


def test_several_pictures_again_get_their_first_answers(client: FlaskClient, storage: MemoryStorage) -> None:
    pictures = png("7"), png("3"), png("7")
    first, again = send(client, "mine", *pictures), send(client, "mine", *pictures)
    assert first.status_code == again.status_code == 207
    assert again.get_json() == first.get_json()
    assert len(storage.files) == 3
    changed = send(client, "mine", png("7"), png("5"), png("7")).get_json()["uploads"]
    assert [result.get("status", 201) for result in changed] == [201, 422, 201]


def test_a_picture_that_was_refused_may_be_sent_again(client: FlaskClient) -> None:
    assert send(client, "mine", b"no picture").status_code == 415
    assert send(client, "mine", png("7")).status_code == 201


def test_previews_come_again_too(client: FlaskClient) -> None:
    first, again = (send(client, "mine", png("7"), query="?preview=true") for _ in range(2))
    assert "preview" in first.get_json()["digits"][0]
    assert again.get_json() == first.get_json()


def test_what_other_networks_read_gets_no_preview_from_these(
    client: FlaskClient, recogniser: TemplateRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = send(client, "mine", png("7"))
    monkeypatch.setattr(recogniser, "networks", {"finder": "11111111"})
    assert send(client, "mine", png("7"), query="?preview=true").get_json() == first.get_json()


def test_what_is_not_kept_needs_no_key(client: FlaskClient) -> None:
    for digit in "73":
        assert send(client, "mine", png(digit), query="?store=false").get_json()["number"] == digit


@pytest.mark.parametrize("key", ["", "two words", "ä", "k" * 256])
def test_a_key_that_is_none_is_told(client: FlaskClient, key: str) -> None:
    response = send(client, key, png("7"))
    assert response.status_code == 400
    assert "such as a UUID" in response.get_json()["detail"]


def test_another_origin_learns_nothing_of_a_key(client: FlaskClient) -> None:
    first = send(client, "mine", png("7")).get_json()
    client.patch(first["links"]["self"], json={"label": "1"})
    headers = {"Idempotency-Key": "mine", "Origin": "https://other.example"}
    for digit in "37":
        answer = client.post("/uploads", data=png(digit), content_type="image/png", headers=headers)
        assert answer.status_code == (201 if digit == "3" else 422)
        assert "label" not in answer.get_json() or answer.get_json()["label"] is None


def test_a_label_that_was_given_meanwhile_is_there(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of()
    first = send(client, "mine", png("7")).get_json()
    client.patch(first["links"]["self"], json={"label": "1"})
    assert send(client, "mine", png("7")).get_json()["label"] == "1"
