"""Parts of an OpenAPI document: operations with their parameters, bodies, answers and problems."""

import re
from typing import Any

from digits.admission.keys import Scope
from digits.uploads.models import LABEL, LONGEST_LABEL
from digits.web import examples
from digits.web.incoming import FIELDS, MAX_FILES
from digits.web.post_uploads import IDEMPOTENCY_KEY
from digits.web.problems import KINDS, PROBLEM_JSON
from digits.web.queries import Query

RECOGNISE, HISTORY, SERVER, INFERENCE, OLDER = (
    "Recognise",
    "History",
    "Server",
    "Open Inference Protocol",
    "Older clients",
)
TAGS = {
    RECOGNISE: "Send pictures, and learn what is written in them. Pages of any origin may do so.",
    HISTORY: "The uploads that are kept; with API keys, those of the key's owner. They are private: as long as no key "
    "is needed, pages of other origins must be named in `DIGITS_CORS_ORIGINS`.",
    SERVER: "The model, the state of the server, and its documents.",
    INFERENCE: "Grids of 28x28 pixels as tensors, for stock clients such as tritonclient.",
    OLDER: "URLs of older systems, so that their clients work unmodified.",
}
"""Each operation has one of these."""

Part = dict[str, Any]

SECURITY: Part = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as `digits keys new` makes it. As long as there is none, nobody needs one.",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same in another header."},
}
"""The ways to send a key; each operation names the scope that the key must have."""
REFUSALS = (401, 403, 429)
"""Statuses of a request that is not let in."""


def operation(
    name: str,
    tag: str,
    summary: str,
    responses: Part,
    problems: tuple[int, ...] = (),
    parameters: list[Part] | None = None,
    body: Part | None = None,
    scope: Scope | None = None,
    refusal: Part | None = None,
) -> Part:
    """An operation, and the scope that it needs; `refusal` is the form of its errors, if it is not that of problems."""
    responses = responses | {str(status): _problem(status) for status in problems}
    made: Part = {"operationId": name, "tags": [tag], "summary": summary, "responses": responses}
    if scope:
        made["security"] = [*({scheme: [scope]} for scheme in SECURITY), {}]
        responses |= {str(status): refusal or _problem(status) for status in REFUSALS}
    if parameters:
        made["parameters"] = parameters
    if body:
        made["requestBody"] = {"required": True, "content": body}
    return made


def _problem(status: int) -> Part:
    return {"$ref": f"#/components/responses/Problem{status}"}


def problem_responses() -> Part:
    """The answers to what goes wrong, by name: one for each status."""
    made: Part = {}
    for status, example in examples.PROBLEMS.items():
        titles = dict.fromkeys(kind.title for kind in KINDS.values() if kind.status == status)
        schema = {"$ref": "#/components/schemas/ProblemAnswer"}
        made[f"Problem{status}"] = typed(PROBLEM_JSON, schema, "; or: ".join(titles), example)
    made["Problem401"]["headers"] = {"WWW-Authenticate": header("`Bearer`")}
    for name in ("Problem429", "Problem503"):
        made[name]["headers"] = {"Retry-After": header("Seconds after which to try again")}
    return made


def answer(model: str, description: str, example: Any, **headers: str) -> Part:
    """An answer of JSON, as this model has it."""
    made = typed("application/json", {"$ref": f"#/components/schemas/{model}"}, description, example)
    if headers:
        made["headers"] = {name.replace("_", "-"): header(what) for name, what in headers.items()}
    return made


def typed(mimetype: str, schema: Part, description: str, example: Any) -> Part:
    """An answer of this type."""
    return {"description": description, "content": {mimetype: {"schema": schema, "example": example}}}


def file(mimetype: str, description: str) -> Part:
    """An answer that is a file."""
    return {"description": description, "content": {mimetype: {}}}


def body(mimetype: str, schema: Part, example: Any) -> Part:
    """A body of this type."""
    return {mimetype: {"schema": schema, "example": example}}


def header(description: str) -> Part:
    """A header of an answer."""
    return {"description": description, "schema": TEXT}


def in_path(path: str) -> Part:
    """The parameters in the path of a URL, if it has any."""
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": name, "in": "path", "required": True} | _PATH_PARAMETERS[name] for name in names]
    return {"parameters": parameters} if parameters else {}


def queries(model: type[Query]) -> list[Part]:
    """The parameters in the query of a URL."""
    parameters = []
    for name, schema in model.model_json_schema()["properties"].items():
        described = {key: value for key, value in schema.items() if key != "title" and value is not None}
        said = f"{schema['title']}: {schema['description']}"
        parameter = {"name": name, "in": "query", "description": said, "schema": described}
        parameters.append(parameter | ({"required": True} if model.model_fields[name].is_required() else {}))
    return parameters


def fields(**schemas: Part) -> Part:
    """The schema of an object that has all these fields."""
    return {"type": "object", "required": list(schemas), "properties": schemas}


TEXT = {"type": "string"}
_BASE64_OF_A_PNG = "data:image/png;base64,iVBORw0KGgo…"

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Of the client's making, such as a UUID: sent again with the same picture, it is answered as before",
    "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the picture that the caller has",
    "schema": TEXT,
}
SIGNATURE = [
    {"name": name, "in": "query", "description": f"{what}, as in the upload's `links`: then no key is needed"}
    | {"schema": TEXT}
    for name, what in (("expires", "Until when the signature is valid"), ("signature", "The signature"))
]
_PATH_PARAMETERS: Part = {
    "id": {"description": "The `id` of the upload", "schema": {"type": "string", "format": "uuid"}},
    "name": {"description": "The model's name, such as `mnist-neural`", "schema": TEXT},
    "version": {"description": "The first 8 characters of its SHA-256", "schema": TEXT},
    "slug": {"description": "The last part of a problem's `type`, such as `no-ink`", "schema": TEXT},
}
_FILE = {"type": "string", "format": "binary"}
PICTURE = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": dict.fromkeys(FIELDS, _FILE),
            "description": f"One of these fields; or 2 to {MAX_FILES} files under any names",
        }
    },
    "image/*": {"schema": _FILE},
    "application/octet-stream": {"schema": _FILE},
} | body(
    "application/json",
    fields(image={"type": "string", "description": "A data URL, or base64"}),
    {"image": _BASE64_OF_A_PNG},
)
CORRECTION = body(
    "application/json",
    fields(
        label={
            "type": ["string", "null"],
            "pattern": f"^{LABEL.pattern}$",
            "maxLength": LONGEST_LABEL,
            "description": "The digits, with a line feed between lines; empty for no digit; null takes a label back",
        }
    ),
    {"label": "7"},
)
_GRID = {"type": "array", "items": {"type": "number"}, "minItems": 784, "maxItems": 784}
PREDICT = body("application/json", {"oneOf": [fields(data=_GRID), fields(image=TEXT)]}, {"image": _BASE64_OF_A_PNG})
PREDICTION = fields(prediction={"type": "integer", "minimum": 0})
PREDICT_ERROR = typed(
    "application/json",
    fields(error=TEXT),
    "What is wrong",
    {"error": 'The JSON object needs "data", 784 numbers, or "image", a data URL.'},
)
PIXELES = body("application/x-www-form-urlencoded", fields(pixeles=TEXT), {"pixeles": "0,0.5,1,0,…"})
PIXELES_ERROR = typed(
    "text/plain",
    TEXT,
    "What is wrong, in Spanish",
    "Error: el campo pixeles debe tener 784 valores de 0 a 1 separados por comas.",
)
READY = fields(status=TEXT, model=TEXT, networks={"type": "object", "additionalProperties": TEXT})
PROBLEM_KIND = fields(type=TEXT, title=TEXT, status={"type": "integer"})
