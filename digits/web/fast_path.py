"""The shortest way to the answer that is wanted most: one small picture, sent to /uploads as browsers and curl send it.

Between sure recognition and JSON, Flask would take as long as both. What is in any way odd, takes long or fails is
left to it, and all that the shortcut answers, Flask would answer in the same words: tests hold one against the other.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache, partial
from typing import Any

from flask import Flask
from multipart import MultipartError
from pydantic import BaseModel

from digits.errors import DigitsError, TakesLong
from digits.uploads.database import Record
from digits.uploads.service import recognise_upload
from digits.web.incoming import FIELDS, parts_of
from digits.web.problems import request_id
from digits.web.schemas import as_json, recognition_answer, upload_answer
from digits.web.services import services

MOST_BYTES = 65_536
"""Larger pictures take longer than it takes to hand them to a thread."""
MOST_ORIGINS = 64
"""Of pages that are remembered with what they are told."""
STORES = {"": True, "store=false": False}
"""The queries that are understood here, and whether they keep the picture."""

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]
"""Status, headers and body."""
Take = Callable[[dict[str, Any], bytes], "tuple[Answer, Future[Record] | None] | None"]
"""A request's environ and body -> the answer, and what must be done before it goes out; None if it is not taken."""

_BOUNDARY = re.compile(r"[\w.'+-]+", re.ASCII)
_KEY = "KEY"
_FORM = "multipart/form-data; boundary="


class Shortcut:
    """Answers in the event loop, and so within milliseconds or not at all."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self._services = services()
        urls = app.url_map.bind("")
        self._urls = {
            rule.endpoint: urls.build(rule.endpoint, {"key": _KEY})
            for rule in app.url_map.iter_rules()
            if rule.arguments == {"key"}
        }
        self._headers_for = lru_cache(MOST_ORIGINS)(partial(_usual_headers, app))

    def take(self, environ: dict[str, Any], body: bytes) -> "tuple[Answer, Future[Record] | None] | None":
        """None for what is left to Flask."""
        stores = STORES.get(environ["QUERY_STRING"])
        form, is_form, boundary = environ.get("CONTENT_TYPE", "").partition(_FORM)
        if (
            (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", "/uploads")
            or len(body) > MOST_BYTES
            or stores is None
            or form
            or not is_form
            or not _BOUNDARY.fullmatch(boundary)
            or "HTTP_IDEMPOTENCY_KEY" in environ
        ):
            return None
        try:
            (part,) = parts_of(body, boundary)
            if not part.filename or part.field not in FIELDS:
                return None
            name = b"x-request-id", request_id(environ).encode()
            return self._answer(part.content, stores, [*self._headers_for(environ.get("HTTP_ORIGIN")), name])
        except (MultipartError, ValueError, DigitsError, TakesLong):
            return None

    def _answer(self, data: bytes, stores: bool, headers: Headers) -> "tuple[Answer, Future[Record] | None]":
        at_hand = self._services
        upload = recognise_upload(data, at_hand.recogniser, at_hand.settings.max_pixels, quick=True)
        if not stores:
            return _of(200, headers, recognition_answer(upload)), None
        answer = upload_answer(upload.record, self._url_for)
        headers.append((b"location", answer.links.self.encode()))
        return _of(201, headers, answer), at_hand.keeper.keep(upload)

    def _url_for(self, endpoint: str, key: str) -> str:
        return self._urls[endpoint].replace(_KEY, key)


def _usual_headers(app: Flask, origin: str | None) -> Headers:
    """What Flask and Flask-CORS say to a page of this origin each time."""
    usual = app.test_client().get("/healthz", headers={"Origin": origin} if origin else {}).headers
    of_each = ("Content-Length", "X-Request-ID")
    return [(name.lower().encode(), value.encode()) for name, value in usual if name not in of_each]


def _of(status: int, headers: Headers, answer: BaseModel) -> Answer:
    content = as_json(answer).encode()
    return status, [*headers, (b"content-length", str(len(content)).encode())], content
