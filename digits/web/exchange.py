"""One request and its answer, from the first byte to the last: what metrics, logs and traces tell of it."""

import logging
import re
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import uuid_utils
from flask import Flask, Response, g, request

from digits import metrics
from digits.admission.keys import ApiKey
from digits.admission.rates import Standing
from digits.settings import traces_wanted
from digits.timings import Timings

if TYPE_CHECKING:
    from digits.web.traces import Traces

EXCHANGE = "digits.exchange"
"""Key of a request's exchange in its environ."""
ACCESS = "digits.access"
"""Name of the logger of answered requests; each record's message is an Exchange."""
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "_OTHER"
"""What OpenTelemetry calls any other method."""
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)

_TRACE_CONTEXT = (("traceparent", "HTTP_TRACEPARENT"), ("tracestate", "HTTP_TRACESTATE"))

log = logging.getLogger(__name__)
_access = logging.getLogger(ACCESS)


@dataclass(slots=True)
class Exchange:
    """What is known of a request before it is answered, and what those who answer it add."""

    method: str
    path: str
    """Without the query string, which may hold what is secret; decoded, so it may contain anything."""
    request_id: str
    """The X-Request-ID that was sent, if it is harmless, or else a new one."""
    client: str
    scheme: str = "http"
    trace_context: dict[str, str] = field(default_factory=dict)
    """The headers of W3C Trace Context that came with it."""
    began: float = field(default_factory=time.perf_counter)
    route: str = metrics.UNMATCHED
    """The URL rule, such as `/uploads/<key>`."""
    key: ApiKey | None = None
    """The API key that it was sent with, if keys are needed."""
    is_admitted: bool = False
    """Whether it was let in before its body was received."""
    rate: Standing | None = None
    """Where its sender stands, if there is a rate limit."""
    problem: str | None = None
    """The kind of the last problem, as in the URL of its description."""
    timings: Timings = field(default_factory=Timings)
    """How long the stages of the answer took."""
    status: int = 500
    length: int = 0
    """Bytes of the answer's body."""
    seconds: float = 0

    @classmethod
    def of(cls, environ: dict[str, Any]) -> "Exchange":
        """Return the exchange of a request; it begins now if it has not begun."""
        begun: Exchange | None = environ.get(EXCHANGE)
        if begun:
            return begun
        sent: str = environ.get("HTTP_X_REQUEST_ID", "")
        exchange = environ[EXCHANGE] = cls(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            sent if _REQUEST_ID.fullmatch(sent) else uuid_utils.uuid7().hex,
            environ.get("REMOTE_ADDR", ""),
            environ.get("wsgi.url_scheme", "http"),
            {name: environ[key] for name, key in _TRACE_CONTEXT if key in environ},
        )
        return exchange

    def end(self, status: int, length: int) -> None:
        """Tell of it, once it is answered."""
        self.status, self.length, self.seconds = status, length, time.perf_counter() - self.began
        metrics.count_request(self.known_method, self.route, status, self.seconds, self.timings)
        _access.info(self)
        if sender := traces():
            sender.tell(self)

    @property
    def rate_headers(self) -> dict[str, str]:
        """The headers of the answer that tell where its sender stands, as draft 6 of the IETF names them."""
        if not self.rate:
            return {}
        told = {"Limit": self.rate.limit, "Remaining": self.rate.remaining, "Reset": self.rate.reset}
        return {f"RateLimit-{name}": str(value) for name, value in told.items()}

    @property
    def known_method(self) -> str:
        """The method if HTTP knows it, or else OTHER."""
        return self.method if self.method in METHODS else OTHER

    @property
    def readable_path(self) -> str:
        """The path, with what is not UTF-8 replaced."""
        return self._path_bytes.decode(errors="replace")

    def __str__(self) -> str:
        """Return the line of an access log; parts that a client chose contain no space and no control character."""
        path = quote(self._path_bytes)
        return (
            f"{self.client or '-'} {quote(self.method)} {path} {self.status} {self.length} B "
            f"{1000 * self.seconds:.1f} ms {self.request_id}"
        )

    def as_dict(self) -> dict[str, str | float | None]:
        """Return what an access log has of it, by name."""
        return {
            "request_id": self.request_id,
            "client": self.client,
            "key_id": self.key.id if self.key else None,
            "method": self.method,
            "path": self.readable_path,
            "route": self.route,
            "status": self.status,
            "problem": self.problem,
            "bytes": self.length,
            "seconds": round(self.seconds, 6),
        }

    @property
    def _path_bytes(self) -> bytes:
        """The path as UTF-8; PEP 3333 has bytes as Latin-1."""
        return self.path.encode("latin-1", errors="replace")


@cache
def traces() -> "Traces | None":
    """Return what sends traces, if they are wanted."""
    if not traces_wanted():
        return None
    from digits.web.traces import Traces

    try:
        return Traces()
    except Exception as error:
        log.error("No traces are sent, for OpenTelemetry's variables cannot be used: %s", error)  # noqa: TRY400
        return None


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
