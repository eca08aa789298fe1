"""What Prometheus is told after some traffic, by the application alone and by the front before it."""

import asyncio
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from digits.web import asgi
from digits.web.asgi import Front
from digits.web.fast_path import FastPath
from digits.web.problems import KINDS
from support.drawing import png
from support.forms import FORM, form
from tests.uploads.test_write_batcher import SlowRecords
from tests.web.test_asgi import LIMIT, Client, whole

Values = dict[tuple[str, ...], float]


def told(client: FlaskClient) -> Values:
    """Each sample's value by its name and the values of its labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def gained(client: FlaskClient, act: Callable[[], object]) -> Values:
    """What an act adds."""
    before = told(client)
    act()
    return {key: value - before.get(key, 0) for key, value in told(client).items() if value != before.get(key, 0)}


def post(client: FlaskClient, data: bytes, query: str = "") -> None:
    client.post(f"/uploads{query}", data=data, content_type="image/png")


def through_the_front(client: FlaskClient, data: bytes) -> None:
    front = Front(client.application, LIMIT, FastPath(client.application))
    asyncio.run(Client(front, content_type=FORM).send(whole(form(data))))


@pytest.mark.parametrize("send", [post, through_the_front])
def test_a_request_is_counted_once_whoever_answers_it(
    client: FlaskClient, send: Callable[[FlaskClient, bytes], None]
) -> None:
    more = gained(client, lambda: send(client, png("7")))
    assert more["digits_requests_total", "POST", "/uploads", "201"] == 1
    assert more["digits_request_duration_seconds_count", "POST", "/uploads"] == 1
    assert more["digits_uploads_total", "7", "true"] == 1
    assert more["digits_confidence_count",] == 1
    stages = {key[1] for key in more if key[0] == "digits_stage_duration_seconds_count"}
    assert stages == {"decode", "find", "infer", "store"}
    # The former scrape is counted too, and what the fast path asks Flask for its headers is not.
    assert {key for key in more if key[0] == "digits_requests_total"} == {
        ("digits_requests_total", "POST", "/uploads", "201"),
        ("digits_requests_total", "GET", "/metrics", "200"),
    }


@pytest.mark.parametrize("send", [post, through_the_front])
def test_a_refusal_is_counted_by_its_kind(client: FlaskClient, send: Callable[[FlaskClient, bytes], None]) -> None:
    more = gained(client, lambda: send(client, b"text"))
    assert more["digits_problems_total", "not-a-picture"] == 1
    assert more["digits_requests_total", "POST", "/uploads", "415"] == 1
    assert not any(key[0] in ("digits_uploads_total", "digits_confidence_count") for key in more)


def test_each_of_several_pictures_is_counted(client: FlaskClient) -> None:
    def send() -> None:
        client.post("/uploads", data=form(png("7"), png("42"), b"text"), content_type=FORM)

    more = gained(client, send)
    assert more["digits_uploads_total", "7", "true"] == 1
    assert more["digits_uploads_total", "number", "true"] == 1
    assert more["digits_problems_total", "not-a-picture"] == 1
    assert more["digits_requests_total", "POST", "/uploads", "207"] == 1


def test_clients_of_older_systems_are_counted(client: FlaskClient) -> None:
    more = gained(client, lambda: client.post("/upload", data=form(png("3")), content_type=FORM))
    assert more["digits_uploads_total", "3", "true"] == 1


def test_what_a_client_makes_up_takes_no_memory(client: FlaskClient) -> None:
    def send() -> None:
        for name in ("a", "b"):
            client.get(f"/{name}")
            client.get(f"/uploads/{name}")
            client.open("/uploads", method=name.upper())

    more = gained(client, send)
    counted = {key[1:]: value for key, value in more.items() if key[0] == "digits_requests_total"}
    assert counted == {
        ("GET", "unmatched", "404"): 2,
        ("GET", "/uploads/<key>", "404"): 2,
        ("_OTHER", "unmatched", "405"): 2,
        ("GET", "/metrics", "200"): 1,
    }


def test_the_queue_is_told_and_memory_is_given_back_while_there_is_none(
    client_of: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr(asgi, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(asgi, "give_back", lambda: given_back.append(True))
    records = SlowRecords()
    client = client_of(records=records)
    front = Front(client.application, LIMIT, FastPath(client.application))
    names = ("uploads_waiting", "requests_in_progress", "body_bytes", "uploads_begun")

    def queue() -> list[float]:
        values = told(client)
        return [values[f"digits_{name}",] for name in names]

    async def drive() -> None:
        asked = iter(["startup", "shutdown"])
        ended = asyncio.Event()

        async def receive() -> dict[str, str]:
            if (event := next(asked)) == "shutdown":
                await ended.wait()
            return {"type": f"lifespan.{event}"}

        async def ignore(_: object) -> None:
            pass

        living = asyncio.create_task(front({"type": "lifespan"}, receive, ignore))
        sending = asyncio.create_task(Client(front, content_type=FORM).send(whole(form(png("7")))))
        while not records.started.is_set():
            await asyncio.sleep(0.01)
        given_back.clear()
        await asyncio.sleep(0.1)
        assert queue() == [1, 1, len(form(png("7"))), 0]
        assert not given_back
        records.open.set()
        await sending
        await asyncio.sleep(0.1)
        assert queue() == [0, 0, 0, 0]
        assert given_back
        ended.set()
        await living

    asyncio.run(drive())


def test_the_model_is_told(client: FlaskClient) -> None:
    values = told(client)
    assert values["digits_model_info", "templates@00000000"] == 1
    assert values["digits_network_info", "finder", "00000000"] == 1


def test_pages_of_other_origins_may_not_read_them(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Origin": "https://pages.example"})
    assert answer.content_type.startswith("text/plain; version=")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403


def test_with_a_port_of_their_own_they_are_not_on_the_public_one(client_of: Callable[..., FlaskClient]) -> None:
    assert client_of(metrics_port=9100).get("/metrics").status_code == 404


def test_every_kind_of_problem_can_be_counted() -> None:
    assert all(kind.slug for kind in KINDS.values())
