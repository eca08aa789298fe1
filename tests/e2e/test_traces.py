"""The traces of a server with several workers."""

from pathlib import Path

import pytest
import requests

from support.drawing import png
from support.server import running
from tests.web.test_traces import collecting

pytestmark = pytest.mark.slow


def test_the_spans_of_all_workers_arrive_before_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with running(tmp_path, workers="2") as server:
            for _ in range(12):
                requests.post(f"{server.url}/uploads?store=false", data=png("7"), timeout=10)
            status, output = server.stop()
    assert (status, "Traceback" in output) == (0, False)
    assert [span.name for span in collector.spans].count("POST /uploads") == 12


def test_a_collector_that_is_gone_neither_stops_requests_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with running(tmp_path, workers="1") as server:
        assert requests.post(f"{server.url}/uploads", data=png("7"), timeout=10).status_code == 201
        assert server.stop()[0] == 0
