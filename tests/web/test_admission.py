"""Who is let in, once there are API keys, and what each sees."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from digits.admission import signatures
from digits.admission.keys import Scope
from digits.web.admission import admit
from digits.web.asgi import Front
from digits.web.fast_path import FastPath
from digits.web.openapi import document
from digits.web.scopes import scope_of
from support.drawing import png
from tests.fakes import AbsentKeys, MemoryKeys, MemoryRecords
from tests.web.test_asgi import LIMIT, Client, whole

PAGE = "https://pages.example"
OPEN = ("/", "/docs", "/openapi.json", "/problems/{slug}", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")
"""URLs whose answer to GET holds no data."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def send(client: FlaskClient, token: str, number: str = "7", path: str = "/uploads", **headers: str) -> TestResponse:
    sent = bearer(token) | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data=png(number), content_type="image/png", headers=sent)


def operations() -> list[tuple[str, str]]:
    return [(method, path) for path, item in document()["paths"].items() for method in item if method != "parameters"]


@pytest.mark.parametrize(("method", "path"), operations())
def test_once_there_is_a_key_everything_needs_one_but_what_holds_no_data(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], method: str, path: str
) -> None:
    url = re.sub(r"\{\w+\}", "no-ink", path)
    make_key()
    with client_of().open(url, method=method) as response:
        assert (response.status_code != 401) == (method == "get" and path in OPEN)
        if response.status_code == 401:
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert b"This server needs an API key. Send it as `Authorization: Bearer KEY`" in response.data


@pytest.mark.parametrize("path", ["/static/page.js", "/docs/swagger-ui.css"])
def test_files_of_pages_need_none(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], path: str
) -> None:
    make_key()
    with client_of().get(path) as response:
        assert response.status_code == 200


def test_a_key_is_sent_in_either_header(client_of: Callable[..., FlaskClient], make_key: Callable[..., str]) -> None:
    token = make_key()
    client = client_of()
    for headers in (
        bearer(token),
        {"Authorization": f"bearer  {token}"},
        {"X-API-Key": token},
        {"X-API-Key": token, "Authorization": "Basic cHJveHk6c2VjcmV0"},
    ):
        assert client.get("/uploads", headers=headers).status_code == 200
    for headers in (
        bearer(token[:-1]),
        {"Authorization": token},
        {"X-API-Key": ""},
        bearer("ä"),
        bearer(f"{token} {token}"),
    ):
        response = client.get("/uploads", headers=headers)
        assert (response.status_code, response.get_json()["type"]) == (401, "/problems/key-needed")


def test_a_key_in_the_query_is_none(client_of: Callable[..., FlaskClient], make_key: Callable[..., str]) -> None:
    token = make_key()
    assert client_of().get(f"/uploads?key={token}").status_code == 401


ALLOWED = {
    ("get", "/model"): Scope.RECOGNISE,
    ("post", "/uploads"): Scope.RECOGNISE,
    ("post", "/upload"): Scope.RECOGNISE,
    ("post", "/predict"): Scope.RECOGNISE,
    ("post", "/"): Scope.RECOGNISE,
    ("get", "/v2"): Scope.RECOGNISE,
    ("get", "/uploads"): Scope.READ,
    ("get", "/uploads/no-ink"): Scope.READ,
    ("get", "/uploads/no-ink/image"): Scope.READ,
    ("get", "/uploads/no-ink/preview.png"): Scope.READ,
    ("get", "/uploads/no-ink/explanation.png"): Scope.READ,
    ("get", "/metrics"): Scope.READ,
    ("patch", "/uploads/no-ink"): Scope.WRITE,
    ("delete", "/uploads/no-ink"): Scope.WRITE,
}


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_a_key_allows_what_its_scopes_name(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], method: str, path: str
) -> None:
    tokens = {scope: make_key("school", scope) for scope in Scope}
    client = client_of()
    for scope, token in tokens.items():
        response = client.open(path, method=method, headers=bearer(token))
        assert (response.status_code != 403) == (scope is ALLOWED[method, path])
        if response.status_code == 403:
            assert f"the scope `{ALLOWED[method, path]}`" in response.text


def test_a_view_without_a_mark_needs_read_or_write(client: FlaskClient) -> None:
    app = client.application
    app.add_url_rule("/new", "new", lambda: "", methods=["GET", "PUT"])
    assert [scope_of(app, "new", method) for method in ("GET", "HEAD", "PUT", "OPTIONS")] == [
        Scope.READ,
        Scope.READ,
        Scope.WRITE,
        None,
    ]


def test_each_owner_sees_corrects_and_deletes_only_what_was_sent_with_its_keys(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], records: MemoryRecords
) -> None:
    before = client_of().post("/uploads", data=png("1"), content_type="image/png").get_json()["id"]
    mine, again, other = make_key("me"), make_key("me"), make_key("you")
    client = client_of()
    sent = send(client, mine).get_json()["id"]
    send(client, mine, path="/upload")
    for token, count in ((mine, 2), (again, 2), (other, 0)):
        page = client.get("/uploads?total=true", headers=bearer(token)).get_json()
        assert (len(page["uploads"]), page["total"]) == (count, count)
    for key in (sent, before):
        for path in ("", "/image", "/preview.png", "/explanation.png"):
            assert client.get(f"/uploads/{key}{path}", headers=bearer(other)).status_code == 404
        assert client.patch(f"/uploads/{key}", json={"label": "1"}, headers=bearer(other)).status_code == 404
        assert client.delete(f"/uploads/{key}", headers=bearer(other)).status_code == 404
    assert {record.owner for record in records.rows.values()} == {"me", None}
    assert client.get(f"/uploads/{sent}/image", headers=bearer(again)).data == png("7")
    assert client.patch(f"/uploads/{sent}", json={"label": "1"}, headers=bearer(again)).status_code == 200
    assert client.delete(f"/uploads/{sent}", headers=bearer(again)).status_code == 204


def test_the_links_of_pictures_need_no_key_for_a_while(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_key()
    client = client_of()
    sent = send(client, token).get_json()
    other = send(client, token).get_json()
    listed = client.get("/uploads", headers=bearer(token)).get_json()["uploads"][1]
    assert listed["links"] == sent["links"], "Else browsers would load each picture anew."
    assert client.get(sent["links"]["self"]).status_code == 401
    for name in ("image", "preview", "explanation"):
        link = sent["links"][name]
        assert client.get(link).status_code == 200
        for changed in (
            link.replace(sent["id"], other["id"]),
            re.sub(r"/\w+\.png", "/image", link) if name != "image" else link.replace("/image", "/preview.png"),
            link.replace("expires=", "expires=9"),
            link.replace("signature=", "signature=0"),
            link.partition("&")[0],
            link.replace("expires=", "expired="),
        ):
            assert client.get(changed).status_code == 401, changed
        assert client.get(link, headers=bearer("wrong")).status_code == 200
    later = time.time() + 2 * signatures.SECONDS
    monkeypatch.setattr("digits.web.links.time.time", lambda: later)
    expired = client.get(link)
    assert expired.status_code == 401
    assert expired.get_json()["detail"].startswith("This link has expired")
    renewed = client.get(sent["links"]["self"], headers=bearer(token)).get_json()["links"]
    assert client.get(renewed["image"]).data == png("7")


def test_a_signature_opens_pictures_alone(client_of: Callable[..., FlaskClient], make_key: Callable[..., str]) -> None:
    token = make_key()
    client = client_of()
    links = send(client, token).get_json()["links"]
    query = links["image"].partition("?")[2]
    assert client.delete(f"{links['self']}?{query}").status_code == 401
    assert client.get(f"/uploads?{query}").status_code == 401
    assert client.delete(links["image"]).status_code == 405


def test_without_keys_links_are_plain(client: FlaskClient) -> None:
    sent = client.post("/uploads", data=png("7"), content_type="image/png").get_json()
    assert not any("?" in link for link in sent["links"].values())


def test_idempotency_keys_are_of_one_owner(client_of: Callable[..., FlaskClient], make_key: Callable[..., str]) -> None:
    tokens = [make_key(owner) for owner in ("me", "me", "you")]
    client = client_of()
    ids = [send(client, token, Idempotency_Key="one").get_json()["id"] for token in tokens]
    assert ids[0] == ids[1] != ids[2]
    assert send(client, tokens[2], "3", Idempotency_Key="one").status_code == 422


def test_a_key_that_was_revoked_or_made_meanwhile_counts(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str]
) -> None:
    client = client_of()
    assert client.get("/uploads").status_code == 200
    token = make_key()
    client.application.extensions["digits"].keyring.refresh()
    assert client.get("/uploads").status_code == 401
    assert client.get("/uploads", headers=bearer(token)).status_code == 200


def test_while_it_is_not_known_which_keys_there_are_nobody_is_let_in(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of(keys=AbsentKeys())
    assert client.get("/healthz").status_code == 200
    response = client.get("/uploads", headers=bearer("digits"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_errors_have_the_form_that_each_client_expects(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str]
) -> None:
    make_key()
    client = client_of()
    assert "needs an API key" in client.post("/predict").get_json()["error"]
    assert client.post("/").text.startswith("Error: This server needs an API key")
    assert client.post("/uploads").content_type == "application/problem+json"


def preflight(client: FlaskClient, path: str, method: str) -> TestResponse:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    return client.options(path, headers={"Origin": PAGE} | asked)


def test_with_keys_pages_of_any_origin_may_do_what_their_key_allows(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str]
) -> None:
    token = make_key()
    client = client_of()
    links = send(client, token).get_json()["links"]
    for method, path in (("GET", "/uploads"), ("POST", "/uploads"), ("DELETE", links["self"])):
        asked = preflight(client, path, method)
        assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert method in asked.headers["Access-Control-Allow-Methods"]
        assert asked.headers["Access-Control-Allow-Headers"] == "authorization"
        # Not longer: once there are no keys any more, this is not allowed any more.
        assert int(asked.headers["Access-Control-Max-Age"]) <= 60
    for headers in (bearer(token), {}):
        response = client.get(links["self"], headers={"Origin": PAGE, "Host": "borrowed.example"} | headers)
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200 if headers else 401, "*")


def test_with_named_origins_other_pages_may_do_nothing_even_with_a_key(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str]
) -> None:
    token = make_key()
    client = client_of(cors_origins=("https://mine.example",))
    for origin in ("https://mine.example", PAGE):
        response = client.get("/uploads", headers={"Origin": origin} | bearer(token))
        assert response.headers.get("Access-Control-Allow-Origin") == (None if origin == PAGE else origin)


def front_of(app: Flask) -> Front:
    return Front(app, LIMIT, FastPath(app), admit=partial(admit, app))


def test_the_front_refuses_before_it_receives_the_body(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str]
) -> None:
    token = make_key("school", Scope.READ)
    front = front_of(client_of().application)
    for headers, status in (({}, 401), (bearer(token), 403)):
        client = Client(front, content_type="image/png", content_length="1000", **headers)
        asyncio.run(client.send())
        assert client.status == status


def test_the_fast_path_keeps_for_the_owner_of_the_key(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], records: MemoryRecords
) -> None:
    token = make_key("me", Scope.RECOGNISE)
    app = client_of().application
    client = Client(front_of(app), content_type="image/png", **bearer(token))
    asyncio.run(client.send(whole(png("7"))))
    assert client.status == 201
    assert app.test_client().get(json.loads(client.body)["links"]["image"]).data == png("7")
    assert [record.owner for record in records.rows.values()] == ["me"]


def test_what_the_front_lets_in_flask_does_too(
    client_of: Callable[..., FlaskClient], make_key: Callable[..., str], keys: MemoryKeys
) -> None:
    token = make_key("me")
    front = front_of(client_of().application)
    for path, headers, status in (
        ("/uploads", bearer(token), 200),
        ("/uploads", {}, 401),
        ("/healthz", {}, 200),
        ("//uploads", {}, 401),
        ("/uploads/", {}, 404),
        ("/%75ploads", {}, 401),
        ("/nothing", {}, 404),
    ):
        client = Client(front, path, "GET", **headers)
        asyncio.run(client.send(whole(b"")))
        assert client.status == status, path
