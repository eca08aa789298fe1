"""One request and its answer, from the first byte to the last: what metrics, logs and traces tell of it."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

import uuid_utils
from flask import Flask, Response, g, request

from digits import metrics
from digits.timings import Timings

EXCHANGE = "digits.exchange"
"""Key of a request's exchange in its environ."""
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(slots=True)
class Exchange:
    """What is known of a request before it is answered, and what those who answer it add."""

    method: str
    path: str
    """Decoded, so it may contain anything."""
    request_id: str
    """The X-Request-ID that was sent, if it is harmless, or else a new one."""
    client: str
    began: float = field(default_factory=time.perf_counter)
    route: str = metrics.UNMATCHED
    """The URL rule, such as `/uploads/<key>`."""
    problem: str | None = None
    """The kind of the last problem, as in the URL of its description."""
    timings: Timings = field(default_factory=Timings)
    """How long the stages of the answer took."""
    status: int = 500
    bytes: int = 0
    """Of the answer's body."""
    seconds: float = 0

    @classmethod
    def of(cls, environ: dict[str, Any]) -> "Exchange":
        """Return the exchange of a request; it begins now if it has not begun."""
        begun: Exchange | None = environ.get(EXCHANGE)
        if begun:
            return begun
        metrics.IN_PROGRESS.inc()
        sent: str = environ.get("HTTP_X_REQUEST_ID", "")
        exchange = environ[EXCHANGE] = cls(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            sent if _REQUEST_ID.fullmatch(sent) else uuid_utils.uuid7().hex,
            environ.get("REMOTE_ADDR", ""),
        )
        return exchange

    def end(self, status: int, length: int) -> None:
        """Tell of it, once it is answered."""
        self.status, self.bytes, self.seconds = status, length, time.perf_counter() - self.began
        metrics.IN_PROGRESS.dec()
        metrics.count_request(self.method, self.route, status, self.seconds, self.timings)


def observe(app: Flask) -> None:
    """Tell of each request to this application, unless a front has begun to do that."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.is_ours = EXCHANGE not in request.environ
    exchange = Exchange.of(request.environ)
    g.request_id = exchange.request_id
    if request.url_rule:
        exchange.route = request.url_rule.rule


def _end(response: Response) -> Response:
    if g.is_ours:
        Exchange.of(request.environ).end(response.status_code, response.content_length or 0)
    return response
