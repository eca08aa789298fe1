"""/openapi.json, from the models of the answers; a test holds it against the URL map."""

import functools
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from digits.web.model import ModelAnswer
from digits.web.openapi_parts import SECURITY, TAGS, in_path, problem_responses
from digits.web.openapi_paths import paths
from digits.web.schemas import DeletionAnswer, ProblemAnswer, RecognitionAnswer, UploadsAnswer, UploadsResults
from digits.web.scopes import public

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """Send the document, which names the path that a proxy adds."""
    servers = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    return jsonify(document() | servers)


class _Schemas(GenerateJsonSchema):
    """Without titles, which repeat the names, and without defaults.

    A field with a default is absent unless it is asked for; types made from the default would say it is always there.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic calls it.
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


_MODELS = (RecognitionAnswer, UploadsAnswer, UploadsResults, DeletionAnswer, ModelAnswer, ProblemAnswer)
"""The others are parts of these."""


@functools.cache
def document() -> dict[str, Any]:
    """Make the document, of OpenAPI 3.1."""
    _, definitions = models_json_schema(
        [(each, "serialization") for each in _MODELS],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handwritten digits",
            "version": "1",
            "description": "Send a picture, and learn which handwritten digit or number is in it.",
        },
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": {path: in_path(path) | item for path, item in paths().items()},
        "components": {"schemas": definitions["$defs"], "responses": problem_responses(), "securitySchemes": SECURITY},
    }
