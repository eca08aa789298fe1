"""The pictures in a request, however they were sent."""

import base64
import binascii
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest as MalformedBody

from digits.errors import BadRequest, UnsupportedRequest

FIELDS = ("file", "files[]", "filepond")
MAX_FILES = 20

_HOW = 'Send the picture as multipart field `file`, as a raw image/* body, or as JSON {"image": "<base64>"}.'


def pictures_in(request: Request) -> list[bytes]:
    """One or more files' bytes, none of them looked at. Raises BadRequest or UnsupportedRequest."""
    mimetype = request.mimetype
    if mimetype == "multipart/form-data":
        return _multipart(request)
    if mimetype == "application/json":
        return [base64_picture(json_object(request).get("image"))]
    if mimetype.startswith("image/") or mimetype in ("application/octet-stream", ""):
        return [request.get_data(cache=False)]
    raise UnsupportedRequest(f"Requests of type {mimetype} are not understood. {_HOW}")


def json_object(request: Request) -> dict[str, Any]:
    """The request's body, whatever its Content-Type says, as a JSON object."""
    try:
        body = request.get_json(force=True)
    except (MalformedBody, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body is JSON, but not an object.")
    return body


def base64_picture(text: Any) -> bytes:
    """A data URL, or base64 alone -> the bytes."""
    if not isinstance(text, str):
        raise BadRequest('The JSON object needs a field "image" that holds a data URL or base64.')
    encoded = text.partition(",")[2] if text[:5].lower() == "data:" else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest('The field "image" is not valid base64.') from error


def _multipart(request: Request) -> list[bytes]:
    if not request.mimetype_params.get("boundary"):
        raise BadRequest(
            "The multipart request names no boundary. Set no Content-Type yourself: "
            "with a FormData body, the browser (Angular's HttpClient too) adds it with its boundary."
        )
    files = [(field, file) for field, file in request.files.items(multi=True) if file.filename]
    if len(files) > MAX_FILES:
        raise BadRequest(f"The request holds {len(files)} files; at most {MAX_FILES} are read at once.")
    if len(files) > 1:
        return [file.read() for _, file in files]
    if not files:
        raise BadRequest(_nothing_sent(request))
    field, file = files[0]
    if field not in FIELDS:
        raise BadRequest(f"The file came in the field `{field}`. Name it `{FIELDS[0]}`.")
    return [file.read()]


def _nothing_sent(request: Request) -> str:
    for field in FIELDS:
        if field in request.form:
            return f"The field `{field}` holds text, not a file. With curl, write -F {field}=@digit.png, with the @."
    return f"The request holds no file. {_HOW}"
