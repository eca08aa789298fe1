"""Answers POST /uploads in the event loop, without Flask, if the picture is small and quickly read.

For such a picture Flask takes as long as recognition does. Work that turns out to be long is begun here, and ended by
Flask in a thread. A request that is refused is answered by Flask, too.
"""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from flask import Flask

from digits.stepwise import PATIENCE, Stepwise
from digits.web.exchange import EXCHANGE, Exchange
from digits.web.in_work import InWork
from digits.web.incoming import MAX_FILES, Environ
from digits.web.links import signed
from digits.web.post_uploads import Reply, post_uploads
from digits.web.problems import REFUSED
from digits.web.schemas import as_json
from digits.web.services import services
from digits.web.uploads import BEGUN
from digits.web.wsgi import Answer, Headers

ROUTE = "/uploads"

MOST_ORIGINS = 64
"""Origins whose response headers are cached."""

QUICK_BYTES = 65_536
"""Parsing and hashing a larger body takes longer than it takes to hand it to a thread."""
QUICK_HEADER = 1_000
"""Characters of the query string and the Content-Type; parsing longer ones takes milliseconds."""
QUICK_PARTS = 2 * MAX_FILES
"""Files with a text beside each."""

_KEY = "KEY"


class FastPath:
    """Answers in the event loop, with at most some milliseconds of work there."""

    def __init__(self, app: Flask, in_work: InWork | None = None) -> None:
        with app.app_context():
            self._services = services()
        self._in_work = in_work or InWork()
        urls = app.url_map.bind("")
        self._urls = {
            rule.endpoint: urls.build(rule.endpoint, {"key": _KEY})
            for rule in app.url_map.iter_rules()
            if rule.arguments == {"key"}
        }
        self._headers_for = lru_cache(MOST_ORIGINS)(partial(_usual_headers, app))

    async def answer(self, environ: dict[str, Any], body: bytes) -> Answer | None:
        """The answer, or None if Flask is to give it: then the environ may hold what was begun, or what went wrong."""
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", ROUTE):
            return None
        if not _parses_quickly(environ, body):
            return None
        key = Exchange.of(environ).key
        at_hand = self._services.of(key.owner) if key else self._services
        url_for = partial(self._url_for, environ.get("SCRIPT_NAME", ""))
        work = post_uploads(environ, body, at_hand, url_for)
        try:
            while waited_for := self._step(work, environ):
                await _done(waited_for)
        except StopIteration as end:
            return self._told(environ, end.value)
        except Exception as error:
            environ[REFUSED] = error
        else:
            environ[BEGUN] = work
        return None

    def _step(self, work: Stepwise[Reply], environ: dict[str, Any]) -> Future[Any] | None:
        with self._in_work.noting(Exchange.of(environ).request_id):
            return next(work)

    def _told(self, environ: dict[str, Any], reply: Reply) -> Answer:
        content = as_json(reply.answer).encode()
        exchange = Exchange.of(environ)
        exchange.route = ROUTE
        own = [(b"x-request-id", exchange.request_id.encode()), (b"content-length", str(len(content)).encode())]
        told = reply.headers | exchange.rate_headers
        own += [(name.lower().encode(), value.encode()) for name, value in told.items()]
        return reply.status, [*self._headers_for(environ.get("HTTP_ORIGIN")), *own], content

    def _url_for(self, prefix: str, endpoint: str, key: str) -> str:
        return signed(prefix + self._urls[endpoint].replace(_KEY, key), endpoint, key, self._services.keyring)


async def _done(future: Future[Any]) -> None:
    """Wait until the future is done, or for PATIENCE."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):  # wait_for() would make a task of it.
            await done.wait()


def _parses_quickly(environ: Environ, body: bytes) -> bool:
    headers = len(environ.get("QUERY_STRING", "")) + len(environ.get("CONTENT_TYPE", ""))
    return len(body) <= QUICK_BYTES and headers <= QUICK_HEADER and body.count(b"\r\n--") <= QUICK_PARTS


def _usual_headers(app: Flask, origin: str | None) -> Headers:
    """What Flask and Flask-CORS say to a page of this origin each time."""
    unobserved = {EXCHANGE: Exchange("GET", "/healthz", request_id="", client="")}
    headers = {"Origin": origin} if origin else {}
    usual = app.test_client().get("/healthz", headers=headers, environ_overrides=unobserved).headers
    of_each = ("Content-Length", "X-Request-ID")
    return [(name.lower().encode(), value.encode()) for name, value in usual if name not in of_each]
