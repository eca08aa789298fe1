"""Requests made up from /openapi.json, sent to the real server: every answer is as described."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from digits.web.openapi import document
from support.server import Server, running

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), workers="1") as server:
        yield server
        status, output = server.stop()
        assert (status, "Traceback" in output) == (0, False), output


@pytest.fixture(scope="module")
def schema(server: Server) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("path", document()["paths"])
def test_every_answer_is_as_described(schema: Any, path: str) -> None:
    for method in document()["paths"][path].keys() - {"parameters"}:

        @given(case=schema[path][method].as_strategy())
        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        def answer(case: schemathesis.Case[Any]) -> None:
            # Which bytes are a picture, no schema can say.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        answer()
