"""The pictures in a request, however they were sent."""

import base64
import binascii
from typing import Any, NamedTuple

from flask import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import BadRequest as MalformedBody

from digits.errors import BadRequest, UnsupportedRequest

FIELDS = ("file", "files[]", "filepond")
MAX_FILES = 20
USUAL_PARTS = 2 * MAX_FILES
"""Files with a text beside each: what is worth to be parsed quickly."""

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


class Part(NamedTuple):
    """What stands between two boundaries."""

    field: str
    filename: str | None
    """None for a text, and empty where no file was chosen."""
    content: bytes


def _multipart(request: Request) -> list[bytes]:
    if not (boundary := request.mimetype_params.get("boundary")):
        raise BadRequest(
            "The multipart request names no boundary. Set no Content-Type yourself: "
            "with a FormData body, the browser (Angular's HttpClient too) adds it with its boundary."
        )
    parts = _parts(request, boundary)
    files = [part for part in parts if part.filename]
    if len(files) > MAX_FILES:
        raise BadRequest(f"The request holds {len(files)} files; at most {MAX_FILES} are read at once.")
    if len(files) > 1:
        return [file.content for file in files]
    if not files:
        raise BadRequest(_nothing_sent(parts))
    if files[0].field not in FIELDS:
        raise BadRequest(f"The file came in the field `{files[0].field}`. Name it `{FIELDS[0]}`.")
    return [files[0].content]


def _parts(request: Request, boundary: str) -> list[Part]:
    try:
        return parts_of(request.get_data(), boundary)
    except MultipartError:
        # Flask's parser takes as long as it takes to recognise a small picture, but is strict about nothing.
        texts = [Part(field, None, b"") for field in request.form]
        files = request.files.items(multi=True)
        return [*texts, *(Part(field, file.filename, file.read()) for field, file in files)]


def parts_of(body: bytes, boundary: str) -> list[Part]:
    """Raises MultipartError for what is damaged or odd."""
    parts: list[Part] = []
    with PushMultipartParser(boundary, max_segment_count=USUAL_PARTS, strict=True) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                segment, content = event, []
                if segment.filename is None and "filename" in segment.header("Content-Disposition", ""):
                    raise MultipartError("filename* is not understood here")
            elif event is not None:
                content.append(event)
            else:
                parts.append(Part(segment.name or "", segment.filename, b"".join(content)))
    return parts


def _nothing_sent(parts: list[Part]) -> str:
    sent = {part.field for part in parts if part.filename is None}
    for field in FIELDS:
        if field in sent:
            return f"The field `{field}` holds text, not a file. With curl, write -F {field}=@digit.png, with the @."
    return f"The request holds no file. {_HOW}"
