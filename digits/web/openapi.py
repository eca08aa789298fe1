"""/openapi.json, from the models of the answers; a test holds it against the URL map."""

import functools
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from pydantic.json_schema import models_json_schema

from digits.web.cors import public
from digits.web.incoming import FIELDS, MAX_FILES
from digits.web.post_uploads import IDEMPOTENCY_KEY
from digits.web.problems import PROBLEM_JSON
from digits.web.queries import HistoryQuery, Query, UploadQuery
from digits.web.schemas import UploadsAnswer, UploadsResults
from digits.web.uploads import LABEL, LONGEST_LABEL

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """Send the document."""
    return jsonify(document())


@functools.cache
def document() -> dict[str, Any]:
    """Make the document, of OpenAPI 3.1."""
    _, definitions = models_json_schema(
        [(UploadsAnswer, "serialization"), (UploadsResults, "serialization")],  # The others are parts of these.
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handwritten digits",
            "version": "1",
            "description": "Send a picture, and learn which handwritten digit or number is in it.",
        },
        "paths": _paths(),
        "components": {"schemas": definitions["$defs"]},
    }


def _paths() -> dict[str, Any]:
    kept, read = _json("UploadAnswer", "Recognised and kept"), _json("RecognitionAnswer", "Recognised, not kept")
    located = kept | {"headers": {"Location": {"schema": {"type": "string"}}}}
    several = _json("UploadsResults", "Several pictures, each with its result")
    png = _binary("image/png")
    return {
        "/uploads": {
            "post": _operation(
                "Recognise one picture, or several",
                {"201": located, "200": read, "207": several},
                (400, 408, 413, 415, 422, 503, 507),
                parameters=[*_queries(UploadQuery), _IDEMPOTENCY],
                body=_PICTURE,
            ),
            "get": _operation(
                "The uploads, newest first or those first that were least sure",
                {"200": _json("UploadsAnswer", "A page of them")},
                (400, 503),
                parameters=_queries(HistoryQuery),
            ),
        },
        "/uploads/{key}": {
            "parameters": [_KEY],
            "get": _operation("One upload", {"200": _json("UploadAnswer", "The upload")}, (404, 503)),
            "patch": _operation(
                "Say what is written there",
                {"200": _json("UploadAnswer", "The upload, corrected")},
                (400, 404, 408, 413, 503, 507),
                body={"application/json": {"schema": _LABEL}},
            ),
            "delete": _operation("Forget an upload", {"204": {"description": "Forgotten"}}, (404, 503)),
        },
        "/uploads/{key}/image": {
            "parameters": [_KEY],
            "get": _operation("The picture as it was sent", {"200": _binary("image/*"), "304": _UNCHANGED}, (404, 503)),
        },
        "/uploads/{key}/preview.png": {
            "parameters": [_KEY],
            "get": _operation("The digits as the model sees them", {"200": png}, (404, 413, 415, 422, 503)),
        },
        "/uploads/{key}/explanation.png": {
            "parameters": [_KEY],
            "get": _operation(
                "The picture, its ink coloured by what it decided", {"200": png}, (404, 413, 415, 422, 503)
            ),
        },
        "/upload": {
            "post": _operation(
                "Recognise one picture; for the Angular client of mnist-neural-network",
                {"200": _typed("application/json", {"type": "string"}, "The number")},
                (400, 408, 413, 415, 422, 503, 507),
                body=_PICTURE,
            )
        },
        "/predict": {
            "post": _operation(
                "Recognise 784 numbers or a data URL, keeping nothing; for two older clients",
                {"200": _typed("application/json", _PREDICTION, "The number")}
                | {str(status): _typed("application/json", _ERROR, "What is wrong") for status in (400, 413, 415, 422)},
                body={"application/json": {"schema": _PREDICT}},
            )
        },
        "/": {
            "get": _operation("The page to draw on", {"200": _binary("text/html")}),
            "post": _operation(
                "Recognise 784 values from 0 to 1, keeping nothing; for the page of NN_numbers",
                {
                    "200": _typed("text/plain", {"type": "string"}, "Prediccion: Siete, Accuracy: 0.98"),
                    "400": _typed("text/plain", {"type": "string"}, "What is wrong"),
                },
                body={"application/x-www-form-urlencoded": {"schema": _object(pixeles={"type": "string"})}},
            ),
        },
        "/healthz": {"get": _operation("Whether the process lives", {"200": {"description": "It does"}})},
        "/readyz": {"get": _operation("Whether it can work", {"200": {"description": "It can"}}, (503,))},
        "/metrics": {"get": _operation("What Prometheus is told", {"200": _binary("text/plain")})},
        "/problems/{slug}": {
            "parameters": [{"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": _operation("A kind of problem", {"200": {"description": "Its title and status"}}, (404,)),
        },
        "/openapi.json": {"get": _operation("This document", {"200": {"description": "This document"}})},
    }


def _object(**fields: Any) -> dict[str, Any]:
    """Make the schema of an object that has all these fields."""
    return {"type": "object", "required": list(fields), "properties": fields}


_KEY = {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Of the client's making, such as a UUID: sent again with the same picture, it is answered as before",
    "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
}
_UNCHANGED = {"description": "The picture that the caller has"}
_PREDICTION = _object(prediction={"type": "integer", "minimum": 0})
_ERROR = _object(error={"type": "string"})
_GRID = {"type": "array", "items": {"type": "number"}, "minItems": 784, "maxItems": 784}
_PREDICT = {"oneOf": [_object(data=_GRID), _object(image={"type": "string"})]}
_LABEL = _object(
    label={
        "type": ["string", "null"],
        "pattern": f"^{LABEL.pattern}$",
        "maxLength": LONGEST_LABEL,
        "description": "The digits, with a line feed between lines; empty for no digit; null takes a label back",
    }
)
_FILE = {"type": "string", "format": "binary"}
_PICTURE = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": dict.fromkeys(FIELDS, _FILE),
            "description": f"One of these fields; or 2 to {MAX_FILES} files under any names",
        }
    },
    "image/*": {"schema": _FILE},
    "application/octet-stream": {"schema": _FILE},
    "application/json": {"schema": _object(image={"type": "string", "description": "A data URL, or base64"})},
}


def _operation(
    summary: str,
    responses: dict[str, Any],
    problems: tuple[int, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    refusal = _typed(PROBLEM_JSON, {"$ref": "#/components/schemas/ProblemAnswer"}, "What went wrong, and what to do")
    refusals = {str(status): refusal for status in problems}
    operation: dict[str, Any] = {"summary": summary, "responses": responses | refusals}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _json(model: str, description: str) -> dict[str, Any]:
    return _typed("application/json", {"$ref": f"#/components/schemas/{model}"}, description)


def _binary(mimetype: str) -> dict[str, Any]:
    return _typed(mimetype, {}, "The file")


def _typed(mimetype: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {mimetype: {"schema": schema}}}


def _queries(model: type[Query]) -> list[dict[str, Any]]:
    parameters = []
    for name, schema in model.model_json_schema()["properties"].items():
        described = {key: value for key, value in schema.items() if key != "title" and value is not None}
        parameters.append({"name": name, "in": "query", "description": schema["title"], "schema": described})
    return parameters
