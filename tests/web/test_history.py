"""The history: filters, order, pages and their number."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from digits.web.openapi import document
from support.drawing import png
from tests.fakes import MemoryRecords
from tests.uploads.test_database import HISTORY


@pytest.fixture
def client(client: FlaskClient, records: MemoryRecords) -> FlaskClient:
    records.add(HISTORY)
    return client


def pages(client: FlaskClient, query: str) -> Iterator[Any]:
    url = f"/uploads?{query}"
    while url:
        page = client.get(url).get_json()
        yield page
        url = page["next"]


def places(client: FlaskClient, query: str) -> list[int]:
    """Which of HISTORY come, two at a time."""
    keys = [record.id for record in HISTORY]
    found = pages(client, f"limit=2&{query}")
    return [keys.index(upload["id"]) for page in found for upload in page["uploads"]]


NOON = "2026-11-20T12:00:00"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [5, 4, 3, 2, 1, 0]),
        ("order=newest", [5, 4, 3, 2, 1, 0]),
        ("order=confidence", [1, 2, 3, 4, 0, 5]),
        ("order=confidence&labelled=false", [2, 4, 0, 5]),
        ("digit=7", [4, 1, 0]),
        ("digit=7&order=confidence", [1, 4, 0]),
        ("number=7", [4, 1, 0]),
        ("number=77", [2]),
        ("number=7%0A0", [5]),
        (f"sha256={'a' * 64}", [4]),
        (f"sha256={'A' * 64}", [4]),
        ("recognised=false", [3, 2, 1]),
        ("labelled=true", [3, 1]),
        ("confidence_below=0.5", [3, 2, 1]),
        ("confidence_below=1e-2", []),
        ("since=2026-11-20", [5, 4, 3, 2, 1, 0]),
        ("since=2026-11-21", []),
        ("until=2026-11-20", []),
        (f"since={NOON}.002Z&until={NOON}.005Z", [3, 2]),
        (f"since={NOON}.002", [5, 4, 3, 2]),
        ("until=2026-11-20T14:00:00.002%2B02:00", [1, 0]),
    ],
)
def test_what_is_asked_for_comes_in_its_order_page_by_page(client: FlaskClient, query: str, found: list[int]) -> None:
    assert places(client, query) == found


def test_the_last_page_names_no_next_one_even_if_it_is_full(client: FlaskClient) -> None:
    assert [len(page["uploads"]) for page in pages(client, "limit=3")] == [3, 3]


def test_how_many_there_are_is_told_when_asked_for(client: FlaskClient) -> None:
    for page in pages(client, "limit=2&recognised=false&total=true"):
        assert page["total"] == 3
    assert "total" not in client.get("/uploads").get_json()


def test_pages_in_order_of_confidence_stay_right_while_uploads_come_and_go(
    client: FlaskClient, records: MemoryRecords
) -> None:
    first = client.get("/uploads?order=confidence&limit=2").get_json()
    records.delete([first["uploads"][-1]["id"]])
    rest = [upload["id"] for page in pages(client, first["next"].partition("?")[2]) for upload in page["uploads"]]
    assert rest == [HISTORY[place].id for place in (3, 4, 0, 5)]


def test_an_upload_is_found_by_the_time_that_its_answer_shows(client: FlaskClient) -> None:
    kept = client.post("/uploads", data={"file": (BytesIO(png("7")), "digit.png")}).get_json()
    after = datetime.fromisoformat(kept["created_at"]) + timedelta(milliseconds=1)
    query = {"since": kept["created_at"], "until": after.isoformat()}
    assert [upload["id"] for upload in client.get("/uploads", query_string=query).get_json()["uploads"]] == [kept["id"]]
    assert client.get("/uploads", query_string={"until": kept["created_at"], "digit": "7"}).get_json()["uploads"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("limit", "1_0", "a whole number from 1 to 100"),
        ("limit", "%2B5", "a whole number from 1 to 100"),
        ("limit", "%205", "a whole number from 1 to 100"),
        ("digit", "10", "one digit, from 0 to 9"),
        ("digit", "", "one digit"),
        ("digit", "٣", "one digit"),
        ("number", "", "digits, such as 42 or 007, with a line feed between lines (in a URL, %0A)"),
        ("number", "4%202", "digits, such as 42"),
        ("number", "4%0A", "digits, such as 42"),
        ("sha256", "a" * 63, "64 hexadecimal digits"),
        ("sha256", "g" * 64, "64 hexadecimal digits"),
        ("recognised", "1", "either true or false"),
        ("labelled", "yes", "either true or false"),
        ("total", "", "either true or false"),
        ("confidence_below", "half", "a number from 0 to 1"),
        ("confidence_below", "nan", "a number from 0 to 1"),
        ("confidence_below", "-0.1", "a number from 0 to 1"),
        ("confidence_below", "inf", "a number from 0 to 1"),
        ("confidence_below", "1.5", "a number from 0 to 1"),
        ("since", "yesterday", "a day or a time, such as 2026-11-20"),
        ("since", "2026-13-01", "a day or a time"),
        ("until", "2026-11-20T12:00:00 02:00", "%2B"),
        ("until", "0001-01-01T00:00:00%2B14:00", "a day or a time"),
        ("order", "oldest", "one of newest, confidence"),
        ("cursor", "0.5_7", "Follow `next` from the first page"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_what_would(
    client: FlaskClient, name: str, value: str, sentence: str
) -> None:
    answer = client.get(f"/uploads?{name}={value}")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json()["detail"].startswith(f"`{name}` is ")
    assert sentence in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("method", "query", "sentence"),
    [
        ("post", "stor=false", "There is no parameter `stor`. Did you mean `store`?"),
        ("post", "Store=false", "There is no parameter `Store`. Did you mean `store`?"),
        ("post", "colour=red", "There is no parameter `colour`. It may be one of `store`, `preview`"),
        ("post", "store=false&digit=7", "There is no parameter `digit`. It may be one of `store`, `preview`"),
        ("get", "recognized=true", "There is no parameter `recognized`. Did you mean `recognised`?"),
        ("get", "confidence=0.5", "There is no parameter `confidence`. Did you mean `confidence_below`?"),
        ("get", "page=2", "There is no parameter `page`. It may be one of `limit`, `order`, `cursor`"),
    ],
)
def test_an_unknown_parameter_is_told_the_one_that_is_meant(
    client: FlaskClient, method: str, query: str, sentence: str
) -> None:
    answer = client.open(f"/uploads?{query}", method=method, data=png("7"), content_type="image/png")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.get_json()["detail"].startswith(sentence)


@pytest.mark.parametrize("url", ["/upload", "/predict", "/"])
def test_the_urls_of_older_clients_take_any_parameter(client: FlaskClient, url: str) -> None:
    named = {"X-Request-ID": "mine"}
    with_one, without = (client.post(f"{url}{query}", headers=named) for query in ("?colour=red", ""))
    assert (with_one.status, with_one.data) == (without.status, without.data)


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_openapi_says_of_a_parameter_is_told_where_it_is_wrong(client: FlaskClient, method: str) -> None:
    parameters = document()["paths"]["/uploads"][method]["parameters"]
    described = {each["name"]: each["schema"]["description"] for each in parameters if each["in"] == "query"}
    for name in described.keys() - {"cursor"}:
        answer = client.open("/uploads", method=method, query_string={name: "?"})
        assert (answer.status_code, answer.get_json()["detail"]) == (400, f"`{name}` is {described[name]}.")


def test_the_first_of_a_parameter_counts(client: FlaskClient) -> None:
    assert len(client.get("/uploads?limit=2&limit=wrong").get_json()["uploads"]) == 2
    assert client.post("/uploads?store=false&store=wrong", data=png("7"), content_type="image/png").status_code == 200


def test_a_cursor_is_for_one_order(client: FlaskClient) -> None:
    for one, other in (("newest", "confidence"), ("confidence", "newest")):
        following = client.get(f"/uploads?limit=1&order={one}").get_json()["next"]
        assert client.get(following.replace(f"order={one}", f"order={other}")).status_code == 400
