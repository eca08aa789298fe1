"""Take the pictures out of a request, in each form in which they can be sent."""

import base64
import binascii
import json
import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser
from werkzeug.http import parse_options_header

from digits.errors import BadRequest, TooLarge, UnsupportedRequest

FIELDS = ("file", "files[]", "filepond")
"""Multipart fields in which a single picture may come."""
MAX_FILES = 20
MAX_PARTS = 1000
MAX_ITEMS = 2_000_000
"""Commas and brackets of a JSON body: a thousand grids whose every pixel is a list of its own have 1.6 million."""
MAX_HEADERS = 32
"""Headers of one part; browsers and curl send two."""

Environ = Mapping[str, Any]
"""A WSGI environ (PEP 3333)."""

_HEAD_OF_ONE_FILE = re.compile(
    rb"--(?P<boundary>[\w-]{1,70})\r\n"
    rb'Content-Disposition: form-data; name="(?:%b)"; filename="[\w .()-]{1,100}"\r\n'
    rb"(?:Content-Type: [\w/+.-]{1,100}\r\n)?\r\n" % b"|".join(re.escape(field.encode()) for field in FIELDS)
)
"""As browsers and curl write it."""
_OTHER_NAME = re.compile(r";\s*filename\*\s*=", re.IGNORECASE)
_HOW = 'Send the picture as multipart field `file`, as a raw image/* body, or as JSON {"image": "<base64>"}.'


def pictures_in(environ: Environ, body: bytes, parameters: Container[str] = ()) -> list[bytes]:
    """Return the bytes of one or more pictures, not yet decoded. `parameters` are names of what belongs in the URL.

    Raises:
        BadRequest: the body cannot be read, holds no picture, or holds a parameter.
        TooLarge: it has too many parts.
        UnsupportedRequest: the content type is not understood, or the body is compressed.
    """
    if (encoding := environ.get("HTTP_CONTENT_ENCODING", "identity").lower()) != "identity":
        raise UnsupportedRequest(f"The Content-Encoding {encoding} is not understood. Send the body as it is.")
    if not body:
        raise BadRequest(f"The request has no body. {_HOW}")
    if (file := only_file(environ.get("CONTENT_TYPE", ""), body)) is not None:
        return [file]
    mimetype, options = parse_options_header(environ.get("CONTENT_TYPE"))
    mimetype = mimetype.lower()
    if mimetype == "multipart/form-data":
        parts = parts_of(body, options.get("boundary", ""))
        _refuse((part.field for part in parts if not part.is_file), parameters)
        return _files(parts)
    if mimetype == "application/json":
        values = json_object(body)
        _refuse(values, parameters)
        return [base64_picture(values.get("image"))]
    if mimetype.startswith("image/") or mimetype in ("application/octet-stream", ""):
        return [body]
    raise UnsupportedRequest(f"Requests of type {mimetype} are not understood. {_HOW}")


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a request's body as a JSON object, whatever its Content-Type says.

    Raises:
        BadRequest: it is not a JSON object.
        TooLarge: it would take hundreds of megabytes, as millions of empty lists do.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_ITEMS:
        raise TooLarge("The JSON holds too many values. Send fewer at once.")
    try:
        read = json.loads(body)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise BadRequest(f"The body is not valid JSON. Line {error.lineno}, column {error.colno}: {reason}.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "The body is not valid JSON: it is not UTF-8, is nested too deep, or has too long a number."
        ) from error
    if not isinstance(read, dict):
        raise BadRequest("The body is JSON, but not an object.")
    return read


def base64_picture(text: Any) -> bytes:
    """Decode a data URL, or base64 alone.

    Raises:
        BadRequest: it is neither.
    """
    if not isinstance(text, str):
        raise BadRequest('The JSON object needs a field "image" that holds a data URL or base64.')
    encoded = text.partition(",")[2] if text[:5].lower() == "data:" else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest('The field "image" is not valid base64.') from error


class Part(NamedTuple):
    """One part of a multipart body."""

    field: str
    is_file: bool
    """False for a text, and for a file field in which no file was chosen."""
    content: bytes


def parts_of(body: bytes, boundary: str) -> list[Part]:
    """Split a multipart body into its parts.

    Raises:
        BadRequest: there is no boundary, or the body is damaged.
        TooLarge: there are too many parts, or a part's headers are too many or too long.
    """
    if not boundary:
        raise BadRequest(
            "The multipart request names no boundary. Set no Content-Type yourself: "
            "with a FormData body, the browser (Angular's HttpClient too) adds it with its boundary."
        )
    parts: list[Part] = []
    try:
        # Any bytes are valid latin-1: names in other encodings do no harm, since only known fields are used.
        with PushMultipartParser(
            boundary, max_header_count=MAX_HEADERS, max_segment_count=MAX_PARTS, header_charset="latin-1"
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    segment, content = event, []
                elif event is not None:
                    content.append(event)
                else:
                    parts.append(Part(segment.name, _is_file(segment), b"".join(content)))
    except ParserLimitReached as error:
        raise TooLarge(
            f"The form has more than {MAX_PARTS:,} parts, or a part has long or many headers. Send the picture alone."
        ) from error
    except MultipartError as error:
        raise BadRequest(f"The multipart body cannot be read: it is damaged, or broke off. {_HOW}") from error
    return parts


def only_file(content_type: str, body: bytes) -> bytes | None:
    """Return the only file of a usual form, which the parser takes six times as long to find; None of all else."""
    head = _HEAD_OF_ONE_FILE.match(body)
    if not head or content_type != f"multipart/form-data; boundary={head['boundary'].decode()}":
        return None
    boundary = b"\r\n--" + head["boundary"]
    end = body.find(boundary, head.end())
    return body[head.end() : end] if end >= 0 and body[end + len(boundary) :] == b"--\r\n" else None


def _is_file(segment: MultipartSegment) -> bool:
    if segment.filename is None:  # RFC 7578 forbids filename*, but some clients send it.
        return bool(_OTHER_NAME.search(segment.header("Content-Disposition", "")))
    return bool(segment.filename)


def _refuse(fields: Iterable[str], parameters: Container[str]) -> None:
    """Refuse parameters in a body: who writes `store=false` there must not believe that nothing is kept.

    Raises:
        BadRequest: there is one.
    """
    for field in fields:
        if field in parameters:
            raise BadRequest(f"`{field}` belongs in the URL, as in /uploads?store=false.")


def _files(parts: list[Part]) -> list[bytes]:
    files = [part for part in parts if part.is_file]
    if len(files) > MAX_FILES:
        raise BadRequest(f"The request holds {len(files)} files; at most {MAX_FILES} are read at once.")
    if len(files) > 1:
        return [file.content for file in files]
    if not files:
        raise BadRequest(_nothing_sent(parts))
    if files[0].field not in FIELDS:
        raise BadRequest(f"The file came in the field `{files[0].field}`. Name it `{FIELDS[0]}`.")
    return [files[0].content]


def _nothing_sent(parts: list[Part]) -> str:
    sent = {part.field for part in parts if not part.is_file}
    for field in FIELDS:
        if field in sent:
            return f"The field `{field}` holds text, not a file. With curl, write -F {field}=@digit.png, with the @."
    return f"The request holds no file. {_HOW}"
