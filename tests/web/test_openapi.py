"""The document: sound and true. tests/e2e/test_openapi.py holds it against the real server."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from digits.inference.recogniser import LiteRTRecogniser
from digits.web import examples
from digits.web.openapi import document
from digits.web.openapi_parts import TAGS
from digits.web.scopes import scope_of
from support import ROOT

README = (ROOT / "README.md").read_text()


def described() -> Iterator[tuple[str, str, Any]]:
    """Path, method and operation of each."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def contents(node: Any) -> Iterator[tuple[Any, Any]]:
    """Schema and example of each body and answer."""
    if isinstance(node, dict):
        if "example" in node:
            yield node["schema"], node["example"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from contents(each)


def test_it_is_valid() -> None:
    validate(document())


def test_each_operation_has_a_name_of_its_own_a_tag_and_a_summary() -> None:
    names = [operation["operationId"] for _, _, operation in described()]
    assert len(set(names)) == len(names)
    for _, _, operation in described():
        assert re.fullmatch("[a-z]+([A-Z][a-z]*)*", operation["operationId"])
        assert operation["summary"]
        assert [tag for tag in operation["tags"] if tag in TAGS]


def test_each_parameter_is_described() -> None:
    for path, item in document()["paths"].items():
        for operation in (item, *(item[method] for method in item.keys() - {"parameters"})):
            for parameter in operation.get("parameters", ()):
                assert parameter["description"], (path, parameter["name"])


def test_each_operation_names_the_scope_that_it_needs(client: FlaskClient) -> None:
    app = client.application
    for path, method, operation in described():
        endpoint, _ = app.url_map.bind("").match(re.sub(r"\{\w+\}", "x", path), method)
        scope = scope_of(app, endpoint, method.upper())
        assert operation.get("security") == (scope and [{"bearer": [scope]}, {"header": [scope]}, {}]), (path, method)
        assert scope is None or operation["responses"].keys() >= {"401", "403", "429"}


def test_each_example_is_as_its_schema_says() -> None:
    found = list(contents(document()))
    assert len(found) > 20
    for schema, example in found:
        OAS31Validator(schema | {"components": document()["components"]}).validate(example)


def test_the_readme_shows_the_same_answer() -> None:
    assert json.loads(README.partition("```json\n")[2].partition("```")[0]) == examples.UPLOAD


def test_the_examples_are_what_the_shipped_model_answers(
    client_of: Callable[..., FlaskClient], shipped: LiteRTRecogniser
) -> None:
    client = client_of(recogniser=shipped)
    sent = {"data": (ROOT / "digit.png").read_bytes(), "content_type": "image/png"}
    assert client.post("/uploads?store=false", **sent).get_json() == examples.RECOGNITION
    assert client.get("/model").get_json() == examples.MODEL
    assert client.get("/readyz").get_json() == examples.READY
    assert client.post("/uploads?stor=false", **sent).get_json()["detail"] == examples.PROBLEMS[400]["detail"]


def test_what_is_sent_only_when_asked_for_is_optional_and_has_no_default() -> None:
    schemas = document()["components"]["schemas"]
    for name, field in (
        ("UploadsAnswer", "total"),
        ("DigitAnswer", "preview"),
        ("UploadAnswer", "alternatives"),
        ("RecognitionAnswer", "explanation"),
    ):
        assert field not in schemas[name]["required"]
        assert "default" not in schemas[name]["properties"][field]


def test_each_of_several_results_is_told_by_its_status() -> None:
    schemas = document()["components"]["schemas"]
    of_each = [
        schemas[name]["properties"]["status"].get("enum", [schemas[name]["properties"]["status"].get("const")])
        for name in ("KeptResult", "ReadResult", "RefusedResult")
    ]
    assert of_each == [[201], [200], [400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 507]]
    assert all("status" in schemas[name]["required"] for name in ("KeptResult", "ReadResult", "RefusedResult"))
