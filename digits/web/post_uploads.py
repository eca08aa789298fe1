"""POST /uploads: from a request's body to its answer, in the event loop, in a thread, or begun there and ended here."""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl

from pydantic import BaseModel

from digits.errors import BadRequest, DigitsError
from digits.stepwise import Stepwise
from digits.uploads.service import recognition
from digits.web.incoming import MAX_FILES, Environ, pictures_in
from digits.web.problems import problem, tell
from digits.web.queries import UploadQuery
from digits.web.schemas import (
    ProblemAnswer,
    RecognitionAnswer,
    UploadAnswer,
    UploadsResults,
    recognition_answer,
    upload_answer,
    with_previews,
)
from digits.web.services import Services, keeping

QUICK_BYTES = 65_536
"""Parsing and hashing a larger body takes longer than it takes to hand it to a thread."""
QUICK_HEADER = 1_000
"""Characters of the query string and the Content-Type; parsing longer ones takes milliseconds."""
QUICK_PARTS = 2 * MAX_FILES
"""Files with a text beside each."""

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


class Reply(NamedTuple):
    """An answer, its status, and the URL of the new upload."""

    answer: BaseModel
    status: int = 200
    location: str | None = None


class Asked(NamedTuple):
    """What is to be done with each picture."""

    query: UploadQuery
    services: Services
    url_for: Callable[..., str]


def post_uploads(environ: Environ, body: bytes, services: Services, url_for: Callable[..., str]) -> Stepwise[Reply]:
    """Recognises one picture or several, and keeps them if asked to.

    Raises what is wrong with the request, or with its one picture. Several are read where Flask's context is, since a
    picture that is refused does not spoil the others.
    """
    if not _parses_quickly(environ, body):
        yield None
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    asked = Asked(UploadQuery.of(dict(reversed(query))), services, url_for)  # The first of each counts.
    pictures = pictures_in(environ, body)
    keys = _idempotency_keys(environ, len(pictures))
    if len(pictures) == 1:
        answer = yield from _answer(pictures[0], keys[0], asked)
        return Reply(answer, 201, answer.links.self) if isinstance(answer, UploadAnswer) else Reply(answer)
    yield None
    results: list[UploadAnswer | RecognitionAnswer | ProblemAnswer] = []
    for data, key in zip(pictures, keys, strict=True):
        try:
            results.append((yield from _answer(data, key, asked)))
        except DigitsError as error:
            results.append(ProblemAnswer.model_validate(problem(*tell(error))))
    return Reply(UploadsResults(uploads=results), 207)


def _parses_quickly(environ: Environ, body: bytes) -> bool:
    headers = len(environ.get("QUERY_STRING", "")) + len(environ.get("CONTENT_TYPE", ""))
    return len(body) <= QUICK_BYTES and headers <= QUICK_HEADER and body.count(b"\r\n--") <= QUICK_PARTS


def _answer(data: bytes, key: str | None, asked: Asked) -> Stepwise[UploadAnswer | RecognitionAnswer]:
    services = asked.services
    upload = yield from recognition(data, services.recogniser, services.settings.max_pixels)
    answer: UploadAnswer | RecognitionAnswer
    if asked.query.store:
        record = yield from keeping(upload, services.batcher, key)
        answer = upload_answer(record, asked.url_for)
    else:
        answer = recognition_answer(upload)
    # What another model once read, this one may have seen otherwise.
    if asked.query.preview and answer.model == upload.record.model:
        return with_previews(answer, upload.grids)
    return answer


def _idempotency_keys(environ: Environ, count: int) -> list[str | None]:
    """A key for each picture. It includes the origin, so that no other site can find out what was sent under it."""
    key = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return [None] * count
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 255 visible ASCII characters without a space, such as a UUID.")
    origin = environ.get("HTTP_ORIGIN", "")
    return [f"{key} {place} {origin}" for place in range(count)]
