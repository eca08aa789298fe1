"""Behind a proxy: links, addresses and hosts as the client knows them."""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from digits.settings import Settings
from digits.web.asgi import Front
from digits.web.exchange import ACCESS, Exchange
from digits.web.fast_path import FastPath
from digits.web.proxies import MOST_HOPS, Proxies
from digits.web.wsgi import environ_of
from support.drawing import png
from tests.fakes import MemoryRecords
from tests.web.test_asgi import LIMIT, Client, whole

ClientOf = Callable[..., FlaskClient]
PROXY = "10.0.0.7"


def undone(settings: dict[str, Any], path: str = "/uploads", sender: str = PROXY, **headers: str) -> dict[str, Any]:
    """An environ after what its proxy did to it is undone."""
    environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "REMOTE_ADDR": sender, "HTTP_HOST": "backend:5000"}
    environ |= {"wsgi.url_scheme": "http"} | {f"HTTP_X_FORWARDED_{name}": value for name, value in headers.items()}
    Proxies(Settings.read(**settings)).undo(environ)
    return environ


TRUSTED = {"trusted_proxies": "10.0.0.0/8,fd00::/8"}


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/digits/uploads", "/uploads"),
        ("/uploads", "/uploads"),  # The proxy has stripped it, or it is a probe of an orchestrator.
        ("/digits/", "/"),
        ("/digits", ""),
        ("/digitsandmore", "/digitsandmore"),
        ("/digits/digits", "/digits"),
    ],
)
def test_the_prefix_is_part_of_links_whether_the_proxy_strips_it_or_not(asked: str, path: str) -> None:
    environ = undone({"prefix": "/digits/"}, asked)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/digits", path)


def test_what_a_trusted_proxy_says_is_believed() -> None:
    said = {"FOR": "203.0.113.9", "HOST": "digits.example:8443", "PROTO": "https", "PREFIX": "/read/digits"}
    environ = undone(TRUSTED, **said)
    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ["HTTP_HOST"] == "digits.example:8443"
    assert environ["wsgi.url_scheme"] == "https"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/read/digits", "/uploads")


@pytest.mark.parametrize("settings", [{}, {"trusted_proxies": "10.1.0.0/16"}, {"trusted_proxies": "unix"}])
def test_what_others_say_is_not(settings: dict[str, Any]) -> None:
    said = {"FOR": "203.0.113.9", "HOST": "evil.example", "PROTO": "https", "PREFIX": "/evil"}
    assert undone(settings, **said) == undone(settings) | {f"HTTP_X_FORWARDED_{name}": said[name] for name in said}


@pytest.mark.parametrize(
    "said",
    [
        {"FOR": "unknown"},
        {"FOR": "203.0.113.999"},
        {"FOR": "[::1"},
        {"FOR": "\r\nSet-Cookie: a"},
        {"FOR": ","},
        {"HOST": "a b"},
        {"HOST": "evil.example/path"},
        {"HOST": "user@evil.example"},
        {"PROTO": "javascript"},
        {"PREFIX": "//evil.example"},
        {"PREFIX": "https://evil.example"},
        {"PREFIX": "/a/../b"},
        {"PREFIX": "/\xe9"},
        {"PREFIX": "/a?b"},
        {"PREFIX": '/"onload='},
    ],
)
def test_what_is_malformed_is_ignored(said: dict[str, str]) -> None:
    name, value = next(iter(said.items()))
    assert undone(TRUSTED, **said) == undone(TRUSTED) | {f"HTTP_X_FORWARDED_{name}": value}


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # What is further left, the client itself may have sent.
        ("203.0.113.9, 10.2.3.4", "203.0.113.9"),
        ("203.0.113.9,10.2.3.4 , fd00::2", "203.0.113.9"),
        ("10.2.3.4, 10.2.3.5", "10.2.3.4"),
        ("nonsense, 10.2.3.4", "10.2.3.4"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::9%what a client chose", "fe80::9"),
        ("", PROXY),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(forwarded_for: str, client: str) -> None:
    assert undone(TRUSTED, FOR=forwarded_for)["REMOTE_ADDR"] == client


def test_only_so_many_hops_are_looked_at() -> None:
    hops = [f"10.9.{place // 250}.{place % 250}" for place in range(5000)]
    assert undone(TRUSTED, FOR=",".join(hops))["REMOTE_ADDR"] == hops[-MOST_HOPS]


def test_a_proxy_may_have_an_address_of_version_4_in_one_of_version_6() -> None:
    assert undone(TRUSTED, sender="::ffff:10.0.0.7", FOR="203.0.113.9")["REMOTE_ADDR"] == "203.0.113.9"


def test_a_proxy_at_the_unix_socket_has_no_address() -> None:
    said = {"FOR": "203.0.113.9", "PREFIX": "/digits"}
    environ = undone({"trusted_proxies": "unix"}, sender="", **said)
    assert (environ["REMOTE_ADDR"], environ["SCRIPT_NAME"]) == ("203.0.113.9", "/digits")
    assert undone(TRUSTED, sender="", **said)["REMOTE_ADDR"] == ""
    assert undone({"trusted_proxies": "unix"}, sender="fe80::1%eth0", **said)["REMOTE_ADDR"] == "fe80::1%eth0"


def test_of_a_prefix_in_the_settings_and_one_of_the_proxy_the_proxys_counts() -> None:
    assert undone(TRUSTED | {"prefix": "/a"}, PREFIX="/b/")["SCRIPT_NAME"] == "/b"
    assert undone(TRUSTED | {"prefix": "/a"}, PREFIX="/")["SCRIPT_NAME"] == ""


def test_every_link_leads_through_the_proxy(client_of: ClientOf, records: MemoryRecords) -> None:
    client = client_of(prefix="/digits")
    sent = [client.post("/digits/uploads", data=png("7"), content_type="image/png") for _ in range(2)]
    upload = sent[0].get_json()
    assert sent[0].headers["Location"] == upload["links"]["self"] == f"/digits/uploads/{upload['id']}"
    for link in upload["links"].values():
        assert client.get(link).status_code == 200
    following = client.get("/digits/uploads?limit=1").get_json()["next"]
    assert following.startswith("/digits/uploads?")
    assert len(client.get(following).get_json()["uploads"]) == 1
    problem = client.post("/digits/uploads", data=b"x", content_type="image/png").get_json()
    assert problem["type"] == "/digits/problems/not-a-picture"
    assert client.get(problem["type"]).get_json()["type"] == problem["type"]
    assert "/digits/docs lists" in client.get("/digits/nothing").get_json()["detail"]
    assert client.get("/digits/uploads/").get_json()["detail"].endswith(": /digits/uploads")
    assert client.get("/digits/openapi.json").get_json()["servers"] == [{"url": "/digits"}]
    for path in ("/digits/", "/digits/static/page.js", "/digits/docs", "/digits/docs/start.js", "/healthz"):
        with client.get(path) as response:
            assert response.status_code == 200
    assert "servers" not in client_of().get("/openapi.json").get_json()


def test_the_page_is_shown_under_its_path_with_a_slash(client_of: ClientOf) -> None:
    response = client_of(prefix="/digits").get("/digits")
    assert (response.status_code, response.headers["Location"]) == (308, "/digits/")


@pytest.mark.parametrize("path", ["/uploads", "/digits/uploads"])
def test_the_fast_path_links_as_flask_does(client_of: ClientOf, path: str) -> None:
    app = client_of(prefix="/digits").application
    proxies, fast_path = Proxies(Settings.read(prefix="/digits")), FastPath(app)
    environ = environ_of(Client(Front(app, LIMIT), path, content_type="image/png")._scope)
    proxies.undo(environ)
    answer = asyncio.run(fast_path.answer(environ, png("7")))
    assert answer
    assert dict(answer[1])[b"location"].startswith(b"/digits/uploads/")
    assert b'"self":"/digits/uploads/' in answer[2]


def test_the_front_tells_of_the_client_and_not_of_the_proxy(
    client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    app = client_of().application
    proxies = Proxies(Settings.read(trusted_proxies="127.0.0.1"))
    said = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https", "x_forwarded_prefix": "/digits"}
    sent = Client(Front(app, LIMIT, undo_proxies=proxies.undo), content_type="image/png", **said)
    with caplog.at_level(logging.INFO, ACCESS):
        asyncio.run(sent.send(whole(png("7"))))
    assert sent.headers["location"].startswith("/digits/uploads/")
    (exchange,) = [record.msg for record in caplog.records if isinstance(record.msg, Exchange)]
    assert (exchange.client, exchange.scheme, exchange.path) == ("203.0.113.9", "https", "/uploads")


@pytest.mark.parametrize("path", ["/uploads//x", "/uploads//x?a=b", "/docs///evil.example"])
def test_no_path_leads_to_a_host_that_the_client_made_up(client_of: ClientOf, path: str) -> None:
    response = client_of().get(path, headers={"Host": "evil.example"})
    assert response.status_code in (308, 404)
    assert re.match("/[^/]", response.headers.get("Location", "/uploads"))


def test_a_forwarded_host_is_no_way_around_the_private_history(client_of: ClientOf) -> None:
    client = client_of(trusted_proxies=("127.0.0.1",))
    assert client.get("/uploads", headers={"X-Forwarded-Host": "evil.example"}).status_code == 403
    assert client.get("/uploads", headers={"X-Forwarded-Host": "127.0.0.1:8080"}).status_code == 200
    named = client_of(trusted_proxies=("127.0.0.1",), cors_origins=("https://digits.example",))
    assert named.get("/uploads", headers={"X-Forwarded-Host": "digits.example"}).status_code == 200
