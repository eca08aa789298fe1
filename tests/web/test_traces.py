"""Traces, as a collector receives them over HTTP."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from digits.settings import traces_wanted
from digits.web.exchange import traces
from support import ROOT
from support.drawing import png
from tests.fakes import AbsentRecords
from tests.web.test_metrics import post, through_the_front

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(HTTPServer):
    """Keeps what it receives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.requests: list[ExportTraceServiceRequest] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def services(self) -> set[str]:
        return {values(r.resource.attributes)["service.name"] for q in self.requests for r in q.resource_spans}


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.01,))
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        traces.cache_clear()
        yield collector
        traces.cache_clear()


def values(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in attributes}


def sent(collector: Collector) -> list[Span]:
    sender = traces()
    assert sender
    sender.end()
    return collector.spans


def requests_in(spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]


@pytest.mark.parametrize("send", [post, through_the_front])
def test_a_request_is_a_span_with_its_stages_in_it(
    client: FlaskClient, collector: Collector, send: Callable[[FlaskClient, bytes], None]
) -> None:
    send(client, png("7"))
    spans = sent(collector)
    (request,) = requests_in(spans)
    stages = [span for span in spans if span is not request]
    assert request.name == "POST /uploads"
    assert request.kind == Span.SPAN_KIND_SERVER
    assert request.parent_span_id == b""
    said = values(request.attributes)
    assert said.pop("http.response.header.x-request-id")
    assert said == {
        "http.request.method": "POST",
        "http.response.status_code": "201",
        "http.route": "/uploads",
        "url.path": "/uploads",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
    }
    assert [stage.name for stage in stages] == ["decode", "find", "infer", "store"]
    assert {stage.parent_span_id for stage in stages} == {request.span_id}
    times = [(stage.start_time_unix_nano, stage.end_time_unix_nano) for stage in stages]
    assert all(before[1] == after[0] for before, after in pairwise(times))
    assert times[-1][1] == request.end_time_unix_nano
    assert request.start_time_unix_nano <= times[0][0]
    assert collector.services == {"digits"}


def test_it_belongs_to_the_trace_that_its_client_began(client: FlaskClient, collector: Collector) -> None:
    client.get("/healthz", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    client.get("/healthz", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})  # Not sampled, so not sent.
    (span,) = sent(collector)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)


def test_what_goes_wrong_is_named(client: FlaskClient, collector: Collector) -> None:
    post(client, b"text")
    client.get("/nothing")
    refused, missing = requests_in(sent(collector))
    assert values(refused.attributes)["error.type"] == "not-a-picture"
    assert (missing.name, values(missing.attributes)["error.type"]) == ("GET", "404")
    assert {refused.status.code, missing.status.code} == {Status.STATUS_CODE_UNSET}


def test_only_what_the_server_does_wrong_makes_a_span_fail(
    client_of: Callable[..., FlaskClient], collector: Collector
) -> None:
    post(client_of(records=AbsentRecords()), png("7"))
    (request,) = requests_in(sent(collector))
    assert request.status.code == Status.STATUS_CODE_ERROR
    assert values(request.attributes)["error.type"] == "unavailable"


def test_the_service_has_the_name_that_the_environment_gives_it(
    client: FlaskClient, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "reader")
    client.get("/healthz")
    sent(collector)
    assert collector.services == {"reader"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_sent_only_if_the_environment_says_where_to(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert traces_wanted() == wanted


def test_variables_that_cannot_be_used_are_told_and_requests_are_answered(
    client: FlaskClient, collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz").status_code == 200
    (logged,) = caplog.records
    assert logged.getMessage().startswith("No traces are sent, for OpenTelemetry's variables cannot be used: ")


@pytest.mark.slow
def test_without_traces_opentelemetry_is_not_even_imported() -> None:
    code = "import sys, digits.web.asgi; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
