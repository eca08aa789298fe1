"""The application held against its own description, with requests made up from it."""

from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from digits.web.openapi import document

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("path", document()["paths"])
def test_every_answer_is_as_described(client: FlaskClient, path: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", client.application)
    for method in document()["paths"][path].keys() - {"parameters"}:

        @given(case=schema[path][method].as_strategy())
        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        def answer(case: schemathesis.Case[Any]) -> None:
            # Which bytes are a picture, no schema can say.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        answer()
