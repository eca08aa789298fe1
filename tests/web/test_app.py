"""What all URLs share: problems, request ids, CORS, health and the description of it all."""

import os
import re
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from digits.errors import DataError, DigitsError, Refused, StartError, Unavailable, Undecodable
from digits.settings import Settings
from digits.uploads.database import SqlRecords
from digits.uploads.engine import begin
from digits.uploads.models import Record
from digits.vision.decode import Picture
from digits.web.openapi import document
from digits.web.problems import KINDS
from digits.web.scopes import public
from digits.web.services import open_services, prepare
from support.drawing import draw, encode, on_paper, png
from tests.fakes import AbsentRecords, AbsentStorage, MemoryRecords, NearDecoders

PAGE = "https://pages.example"


def post(client: FlaskClient, data: bytes, **headers: str) -> TestResponse:
    return client.post("/uploads", data={"file": (BytesIO(data), "digit.png")}, headers=headers)


def subclasses(cls: type[Exception]) -> set[type[Exception]]:
    return {cls}.union(*(subclasses(sub) for sub in cls.__subclasses__()))


def test_every_error_that_a_request_can_meet_is_in_the_table() -> None:
    elsewhere = {DigitsError, Refused, DataError} | subclasses(StartError)
    assert set(KINDS) == subclasses(DigitsError) - elsewhere


def test_the_problems_that_clients_know_stay_as_they_are() -> None:
    assert {(kind.status, kind.slug) for kind in KINDS.values()} == {
        (400, "bad-request"),
        (401, "key-needed"),
        (403, "forbidden"),
        (403, "missing-scope"),
        (404, "not-found"),
        (408, "too-slow"),
        (413, "too-large"),
        (413, "too-many-pixels"),
        (415, "unsupported-request"),
        (415, "not-a-picture"),
        (422, "no-ink"),
        (422, "key-reused"),
        (429, "rate-exceeded"),
        (503, "busy"),
        (503, "unavailable"),
        (503, "unsettled"),
        (507, "storage-full"),
    }


def test_the_type_of_a_problem_leads_to_its_title(client: FlaskClient) -> None:
    problem = post(client, b"text").get_json()
    assert problem["detail"].endswith("HEIC.")
    described = client.get(problem["type"]).get_json()
    assert described == {"type": problem["type"], "title": problem["title"], "status": 415}


def test_flasks_own_errors_are_problems_too(client: FlaskClient) -> None:
    for response, status, sentence in (
        (client.get("/nothing"), 404, "There is nothing at this URL. /docs lists the URLs that exist."),
        (client.get("/nothing/"), 404, "There is nothing at this URL. /docs lists the URLs that exist."),
        (client.get("/uploads/"), 404, "There is nothing at this URL. Leave out the slash at its end: /uploads"),
        (client.put("/uploads"), 405, "This URL does not take PUT; it takes DELETE, GET, HEAD, OPTIONS, POST."),
        (
            client.get("/static/page.js", headers={"Range": "bytes=9999999-"}),
            416,
            "The server cannot provide the requested range.",
        ),
    ):
        assert response.status_code == status
        assert response.content_type == "application/problem+json"
        assert response.get_json()["type"] == "about:blank"
        assert response.get_json()["detail"] == sentence
    assert set(client.put("/uploads").headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS", "POST"}


def test_a_picture_whose_decoder_failed_is_no_picture_and_is_logged(
    client_of: Callable[..., FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(NearDecoders):
        def read_picture(self, data: bytes) -> Picture:
            raise Undecodable("Send another.") from RuntimeError("SHA-256 07")

    client = client_of(elsewhere=Failing())
    response = post(client, encode(on_paper(draw("7")), "GIF"), **{"X-Request-ID": "mine"})
    assert (response.status_code, response.json["type"]) == (415, "/problems/not-a-picture")  # type: ignore[index]
    assert [record.getMessage() for record in caplog.records] == ["mine Send another. (RuntimeError('SHA-256 07'))"]
    assert post(client, png("7")).status_code == 201


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_slash_too_many_leads_to_the_url_without_it(client: FlaskClient, method: str) -> None:
    response = client.open("/uploads//7", method=method, headers={"Origin": PAGE})
    assert response.status_code == 308
    assert response.headers["Location"].endswith("/uploads/7")


def test_only_what_the_server_does_wrong_is_logged_with_its_cause(
    client_of: Callable[..., FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MemoryRecords):
        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            raise self.error from OSError("the disk")

    for error, told in (
        (Unavailable("The database does not answer."), "The database does not answer. (OSError('the disk'))"),
        (RuntimeError("secret"), "unexpected error"),
    ):
        post(client_of(records=Broken(error)), png(), **{"X-Request-ID": "mine"})
        (logged,) = caplog.records
        assert (logged.levelname, logged.getMessage()) == ("ERROR", f"mine {told}")
        assert bool(logged.exc_info) == (told == "unexpected error")
        caplog.clear()
    post(client_of(), b"text")
    assert not caplog.records


def test_a_request_keeps_the_id_it_came_with_if_it_is_harmless(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "from-proxy.1"}).headers["X-Request-ID"] == "from-proxy.1"
    for harmful in ("x" * 65, "a b", "é", ""):
        answered = client.get("/healthz", headers={"X-Request-ID": harmful}).headers["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{32}", answered)


def test_any_page_may_recognise(client: FlaskClient) -> None:
    response = post(client, png(), Origin=PAGE)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    rate = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert exposed == {"Location", "ETag", "Retry-After", "Server-Timing", "X-Request-ID"} | rate


def test_any_page_may_see_what_is_no_history(client: FlaskClient) -> None:
    for path in ("/", "/static/page.js", "/docs", "/healthz", "/readyz", "/openapi.json", "/model", "/problems/busy"):
        with client.get(path, headers={"Origin": PAGE}) as response:
            assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
    for path in ("/upload", "/predict", "/"):
        assert preflight(client, path, "POST").headers["Access-Control-Allow-Origin"] == "*"


def test_errors_carry_cors_too(client: FlaskClient) -> None:
    for response in (post(client, b"text", Origin=PAGE), client.get("/nothing", headers={"Origin": PAGE})):
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def preflight(client: FlaskClient, path: str, method: str) -> TestResponse:
    return client.options(path, headers={"Origin": PAGE, "Access-Control-Request-Method": method})


def test_a_preflight_is_answered_and_may_be_cached(client: FlaskClient) -> None:
    response = preflight(client, "/uploads", "POST")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert int(response.headers["Access-Control-Max-Age"]) >= 600


def test_with_any_origin_allowed_the_history_stays_private(client: FlaskClient) -> None:
    links = post(client, png()).get_json()["links"]
    for path in ("/uploads", *links.values()):
        response = client.get(path, headers={"Origin": PAGE})
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers
    # Browsers keep the answer for the URL, so that a preflight for one method must not open another.
    for method in ("DELETE", "GET", "POST", "PATCH"):
        assert "Access-Control-Allow-Origin" not in preflight(client, links["self"], method).headers


def test_a_name_made_to_lead_to_this_machine_does_not_open_the_history(
    client: FlaskClient, client_of: Callable[..., FlaskClient]
) -> None:
    borrowed = {"Host": "evil.example:5000"}
    links = post(client, png()).get_json()["links"]
    for path in ("/uploads", *links.values()):
        response = client.get(path, headers=borrowed)
        assert response.status_code == 403
        assert "DIGITS_CORS_ORIGINS" in response.get_json()["detail"]
    assert client.delete(links["self"], headers=borrowed).status_code == 403
    assert "not shown without a Host header" in client.get("/uploads", headers={"Host": ""}).get_json()["detail"]
    assert post(client, png(), **borrowed).status_code == 201
    for name in ("localhost:4000", "127.0.0.1", "[::1]:5000", "[::1]"):
        assert client.get(links["self"], headers={"Host": name}).status_code == 200
    assert client_of(host="0.0.0.0").get("/uploads", headers=borrowed).status_code == 200


def test_a_named_origin_may_use_everything_and_others_nothing(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of(cors_origins=(PAGE, "http://localhost:4200"))
    links = post(client, png()).get_json()["links"]
    for path in ("/uploads", *links.values()):
        assert client.get(path, headers={"Origin": PAGE}).headers["Access-Control-Allow-Origin"] == PAGE
        assert (
            "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": "https://other.example"}).headers
        )
    for method in ("PATCH", "DELETE"):
        allowed = preflight(client, links["self"], method).headers
        assert allowed["Access-Control-Allow-Origin"] == PAGE
        assert method in allowed["Access-Control-Allow-Methods"]
    assert "Origin" in post(client, png(), Origin=PAGE).headers["Vary"]


@pytest.mark.parametrize(
    ("named", "other"),
    [
        ("https://a.example", "https://a-example"),
        ("https://a.example", "https://a.example.evil.com"),
        ("http://[::1]:4200", "http://1:4200"),
    ],
)
def test_an_origin_is_compared_whole_and_to_the_letter(
    client_of: Callable[..., FlaskClient], named: str, other: str
) -> None:
    client = client_of(cors_origins=(named,))
    assert post(client, png(), Origin=named).headers["Access-Control-Allow-Origin"] == named
    assert "Access-Control-Allow-Origin" not in post(client, png(), Origin=other).headers


def test_a_process_that_lives_and_can_work_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "alive"}
    assert client.get("/readyz").get_json() == {
        "status": "ready",
        "model": "templates@00000000",
        "networks": {"finder": "00000000"},
    }


@pytest.mark.parametrize(
    ("away", "named"),
    [
        ({"records": AbsentRecords()}, "the database."),
        ({"storage": AbsentStorage()}, "the storage."),
        ({"records": AbsentRecords(), "storage": AbsentStorage()}, "the database and the storage."),
    ],
)
def test_without_one_of_its_parts_the_process_lives_but_is_not_ready(
    client_of: Callable[..., FlaskClient], caplog: pytest.LogCaptureFixture, away: dict[str, object], named: str
) -> None:
    client = client_of(**away)
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.get_json()["detail"] == f"No answer from {named} Recognise with ?store=false, or try again later."
    assert [record.getMessage() for record in caplog.records][: len(away)] == [
        f"The {part} does not answer." for part in ("database", "storage") if part in named
    ]
    assert client.post("/uploads", data=png("7"), content_type="image/png").status_code == 503
    assert client.post("/uploads?store=false", data=png("7"), content_type="image/png").get_json()["number"] == "7"


def operations(client: FlaskClient) -> set[tuple[str, str]]:
    found = set()
    for rule in client.application.url_map.iter_rules():
        assert rule.methods is not None
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule).replace("{key}", "{id}")  # `id` is a name of Python's own.
        found |= {(path, method.lower()) for method in rule.methods - {"HEAD", "OPTIONS"}}
    return found


def test_openapi_describes_every_url_and_no_other(client: FlaskClient) -> None:
    described = {
        (path, method) for path, item in document()["paths"].items() for method in item if method != "parameters"
    }
    assert described == operations(client) - {("/static/{name}", "get"), ("/docs/{name}", "get")}


def test_openapi_refers_only_to_what_it_defines(client: FlaskClient) -> None:
    published = client.get("/openapi.json").get_json()
    assert published["openapi"].startswith("3.1")

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            return {node["$ref"]} if "$ref" in node else set().union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    components = published["components"]
    assert references(published) <= {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}


def test_a_route_is_private_unless_it_says_that_it_is_public(client: FlaskClient) -> None:
    client.application.add_url_rule("/new", "new", lambda: "")
    client.application.add_url_rule("/open", "open", public(lambda: ""))
    client.application.add_url_rule("/mixed", "shut", lambda: "", methods=["GET"])
    client.application.add_url_rule("/mixed", "opened", public(lambda: ""), methods=["POST"])
    asked = {"Origin": "https://evil.example"}
    assert "Access-Control-Allow-Origin" not in client.get("/new", headers=asked).headers
    assert client.get("/open", headers=asked).headers["Access-Control-Allow-Origin"] == "*"
    assert preflight(client, "/mixed", "POST").headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get("/mixed", headers=asked).headers


@pytest.mark.parametrize(("sync", "is_synced", "synchronous"), [("full", True, 2), ("normal", False, 1)])
def test_uploads_survive_a_loss_of_power_if_that_is_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, sync: str, is_synced: bool, synchronous: int
) -> None:
    settings = settings.model_copy(update={"sync": sync})
    at_hand = open_services(settings, prepare(settings))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    at_hand.storage.put({"0199f3a2-7c41-7b5e-9d3f-0123456789ab": b"picture"})
    assert bool(synced) == is_synced
    assert isinstance(at_hand.records, SqlRecords)
    with begin(at_hand.records._engine) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
    at_hand.records._engine.dispose()
    at_hand.keyring.close()
