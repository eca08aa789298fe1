"""POST /uploads, from a request's body to its answer; the event loop and Flask's threads run the same generator."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from pydantic import BaseModel

from digits.errors import BadRequest, DigitsError
from digits.stepwise import Stepwise
from digits.timings import Timings
from digits.uploads.service import recognition
from digits.web.exchange import Exchange
from digits.web.extras import data_url, with_alternatives, with_previews
from digits.web.incoming import Environ, pictures_in
from digits.web.problems import problem, tell
from digits.web.queries import UploadQuery
from digits.web.schemas import (
    RecognitionAnswer,
    RefusedResult,
    Result,
    UploadAnswer,
    UploadsResults,
    recognition_answer,
    result,
    upload_answer,
)
from digits.web.services import Services, count_reading, explained, keeping

MOST_QUERIES = 64
"""Query strings that are remembered."""
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


class Reply(NamedTuple):
    """An answer, how long its stages took, its status, and the URL of the new upload."""

    answer: BaseModel
    timings: Timings
    status: int = 200
    location: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that this answer needs beside the usual ones."""
        taken = [f"{stage};dur={1000 * seconds:.1f}" for stage, seconds in self.timings.items()]
        headers = {"Server-Timing": ", ".join(taken)}
        if self.location:
            headers["Location"] = self.location
        return headers


class Asked(NamedTuple):
    """What is to be done with each picture."""

    query: UploadQuery
    services: Services
    url_for: Callable[..., str]
    timings: Timings


def post_uploads(
    environ: dict[str, Any], body: bytes, services: Services, url_for: Callable[..., str]
) -> Stepwise[Reply]:
    """Recognise one picture or several, and keep them if asked to.

    Raises what is wrong with the request, or with its only picture. Of several, one that is refused does not spoil the
    others; they are read in a thread, since their problems need Flask's context.
    """
    timings = Exchange.of(environ).timings
    asked = Asked(_query(environ.get("QUERY_STRING", "")), services, url_for, timings)
    pictures = pictures_in(environ, body, UploadQuery.model_fields)
    keys = _idempotency_keys(environ, len(pictures), services.owner)
    if len(pictures) == 1:
        answer = yield from _answer(pictures[0], keys[0], asked)
        if isinstance(answer, UploadAnswer):
            return Reply(answer, timings, 201, answer.links.self)
        return Reply(answer, timings)
    yield None
    results: list[Result] = []
    for data, key in zip(pictures, keys, strict=True):
        try:
            results.append(result((yield from _answer(data, key, asked))))
        except DigitsError as error:
            results.append(RefusedResult.model_validate(problem(*tell(error))))
    return Reply(UploadsResults(uploads=results), timings, 207)


@lru_cache(MOST_QUERIES)
def _query(text: str) -> UploadQuery:
    """Parse a query string, of which clients send few. Raises what UploadQuery.of raises."""
    return UploadQuery.of(dict(reversed(parse_qsl(text, keep_blank_values=True))))  # The first of each counts.


def _answer(data: bytes, key: str | None, asked: Asked) -> Stepwise[UploadAnswer | RecognitionAnswer]:
    query, services, timings = asked.query, asked.services, asked.timings
    max_pixels = services.settings.max_pixels
    upload = yield from recognition(data, services.recogniser, max_pixels, timings, services.elsewhere)
    # Before anything is kept, since a busy server may refuse to go on after a pause.
    explanation = (yield from _explanation(data, asked)) if query.explanation else None
    count_reading(upload)
    answer: UploadAnswer | RecognitionAnswer
    if query.store:
        with timings.measure("store"):
            record = yield from keeping(upload, services, key)
        answer = upload_answer(record, asked.url_for)
    else:
        if services.shadow:
            services.shadow.offer(upload)
        answer = recognition_answer(upload)
    if query.alternatives:
        answer = with_alternatives(answer, query.alternatives)
    if explanation:
        answer.explanation = explanation
    # An upload that is sent again gets its first answer, and other networks may have seen other digits then.
    is_same = (answer.model, answer.networks) == (upload.record.model, upload.record.networks)
    return with_previews(answer, upload.grids) if query.preview and is_same else answer


def _explanation(data: bytes, asked: Asked) -> Stepwise[str]:
    yield None
    with asked.timings.measure("explain"):
        return data_url(explained(data, asked.services))


def _idempotency_keys(environ: Environ, count: int, owner: str | None) -> list[str | None]:
    """A key for each picture. It includes origin and owner, so that no other can find out what was sent under it.

    Raises:
        BadRequest: the header is no key.
    """
    key = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return [None] * count
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 255 visible ASCII characters without a space, such as a UUID.")
    sender = environ.get("HTTP_ORIGIN", "")
    if owner:
        sender += f"\n{owner}"  # No header has a line feed, so no origin can look like an owner.
    return [f"{key} {place} {sender}" for place in range(count)]
