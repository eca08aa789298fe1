"""What a client learns of its rate."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from digits.admission.rates import MemoryCounter, RateLimit
from digits.web.admission import admit
from digits.web.asgi import Front
from digits.web.fast_path import FastPath
from support.drawing import png
from tests.web.test_asgi import LIMIT, Client, whole


class Away:
    """A Redis that does not answer."""

    def hit(self, sender: str, seconds: int) -> None:
        return None


@pytest.fixture
def limited(client_of: Callable[..., FlaskClient]) -> Callable[..., Flask]:
    """An application that allows two requests a minute."""

    def make(**values: Any) -> Flask:
        return client_of(rate=RateLimit(2, 60, **({"counter": MemoryCounter()} | values))).application

    return make


def through_the_front(app: Flask, path: str = "/uploads", method: str = "POST", **headers: str) -> Client:
    front = Front(app, LIMIT, FastPath(app), admit=partial(admit, app))
    client = Client(front, path, method, content_type="image/png", **headers)
    asyncio.run(client.send(whole(png("7") if method == "POST" else b"")))
    return client


def test_every_answer_tells_where_the_client_stands(limited: Callable[..., Flask]) -> None:
    app = limited()
    for remaining in ("1", "0"):
        answer = through_the_front(app)
        assert answer.status == 201
        told = {name: answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")}
        assert told == {"limit": "2", "remaining": remaining, "reset": "60"}


@pytest.mark.parametrize("waits", [False, True])
def test_one_too_many_is_refused_before_its_body_is_received(limited: Callable[..., Flask], waits: bool) -> None:
    app = limited(waits=waits)
    for _ in range(2):
        through_the_front(app)
    front = Front(app, LIMIT, FastPath(app), admit=partial(admit, app))
    client = Client(front, content_type="image/png", content_length="1000", origin="https://pages.example")
    asyncio.run(client.send())
    assert client.status == 429
    assert client.headers["retry-after"] == client.headers["ratelimit-reset"] == "60"
    assert client.headers["ratelimit-remaining"] == "0"
    assert client.headers["access-control-allow-origin"] == "*"
    assert client.headers["content-type"] == "application/problem+json"
    assert b"These are too many requests. Send it again in 60 seconds." in client.body


def test_flask_alone_counts_too(limited: Callable[..., Flask]) -> None:
    client = limited().test_client()
    answers = [client.get("/uploads") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]


def test_a_request_is_counted_once(limited: Callable[..., Flask]) -> None:
    app = limited()
    for _ in range(2):
        assert through_the_front(app, "/uploads", "GET").status == 200


def test_health_pages_and_preflights_are_not_limited(limited: Callable[..., Flask]) -> None:
    client = limited().test_client()
    for path in ("/healthz", "/readyz", "/", "/static/page.js", "/docs", "/openapi.json", "/nothing"):
        for _ in range(3):
            with client.get(path) as answer:
                assert answer.status_code == (404 if path == "/nothing" else 200)
                assert "RateLimit-Limit" not in answer.headers
    assert client.options("/uploads").status_code == 200


def test_each_key_has_a_rate_of_its_own(limited: Callable[..., Flask], make_key: Callable[..., str]) -> None:
    tokens = [make_key("me"), make_key("me")]
    client = limited().test_client()
    for token in tokens:
        statuses = [client.get("/uploads", headers={"X-API-Key": token}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]


def test_what_cannot_be_counted_passes(limited: Callable[..., Flask]) -> None:
    app = limited(counter=Away(), waits=True)
    for _ in range(3):
        answer = through_the_front(app)
        assert answer.status == 201
        assert "ratelimit-limit" not in answer.headers
