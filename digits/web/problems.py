"""The table from errors to HTTP statuses, and their form: application/problem+json (RFC 9457)."""

import http
import logging
from dataclasses import dataclass

from flask import Blueprint, Flask, current_app, g, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from digits import errors, metrics
from digits.web.exchange import Exchange
from digits.web.scopes import public
from digits.web.services import services

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 5
REFUSED = "digits.refused"
"""Key under which the front puts an error into a request's environ, for Flask to answer with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a class of errors is reported over HTTP."""

    status: int
    slug: str | None
    title: str
    advice: str = ""
    """What the client can do, if the error's own sentence does not say so."""

    @property
    def type(self) -> str:
        """The path that describes this kind of problem, or `about:blank` if the status says it all."""
        return f"/problems/{self.slug}" if self.slug else "about:blank"


_WITHOUT = "Recognise with ?store=false, or try again later."
_NO_PICTURE = Kind(415, "not-a-picture", "The file is not a picture that can be read")
_MALFORMED = Kind(400, "bad-request", "The request is malformed")
KINDS: dict[type[errors.DigitsError], Kind] = {
    errors.BadRequest: _MALFORMED,
    errors.KeyNeeded: Kind(401, "key-needed", "This needs an API key"),
    errors.MissingScope: Kind(403, "missing-scope", "The API key does not allow this"),
    errors.Forbidden: Kind(403, "forbidden", "The history is private"),
    errors.EmptyFile: _MALFORMED,
    errors.NotFound: Kind(404, "not-found", "There is nothing here"),
    errors.TooSlow: Kind(408, "too-slow", "The request did not arrive in time"),
    errors.TooLarge: Kind(413, "too-large", "The request is too large"),
    errors.TooManyPixels: Kind(413, "too-many-pixels", "The picture is too large to decode"),
    errors.UnsupportedRequest: Kind(415, "unsupported-request", "This type of request is not understood"),
    errors.NotAPicture: _NO_PICTURE,
    errors.Undecodable: _NO_PICTURE,
    errors.NoInk: Kind(422, "no-ink", "There is no digit in the picture"),
    errors.KeyReused: Kind(422, "key-reused", "Another picture came under this Idempotency-Key"),
    errors.RateExceeded: Kind(429, "rate-exceeded", "There are too many requests"),
    errors.Busy: Kind(503, "busy", "The server is busy"),
    errors.Unavailable: Kind(503, "unavailable", "The database or the storage does not answer", _WITHOUT),
    errors.Unsettled: Kind(503, "unsettled", "It is not known whether this was kept"),
    errors.StorageFull: Kind(507, "storage-full", "There is no room to keep the picture", _WITHOUT),
}
UNEXPECTED = Kind(500, "internal", "Something went wrong inside the server")

bp = Blueprint("problems", __name__)


@bp.get("/problems/<slug>")
@public
def problem_type(slug: str) -> ResponseReturnValue:
    """Describe a kind of problem, at the URL that is its `type`.

    Raises:
        NotFound: there is no such kind.
    """
    for kind in (*KINDS.values(), UNEXPECTED):
        if kind.slug == slug:
            return jsonify(type=_type_of(kind), title=kind.title, status=kind.status)
    raise errors.NotFound("There is no such kind of problem.")


def handle_errors(app: Flask) -> None:
    """Let every error leave the application as a problem, without internal details."""
    app.before_request(_raise_refusal)
    app.register_error_handler(Exception, _respond)


def tell(error: Exception) -> tuple[Kind, str]:
    """Return what to tell the client about an error, and count it. Errors of the server are logged with their cause."""
    if isinstance(error, RequestEntityTooLarge):
        error = errors.TooLarge(size_limit(services().settings.max_bytes))
    if isinstance(error, HTTPException):
        return _plain(error)
    kind = next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), UNEXPECTED)
    metrics.PROBLEMS.labels(kind.slug).inc()
    Exchange.of(request.environ).problem = kind.slug
    named = {"request_id": g.request_id}
    if kind is UNEXPECTED:
        log.error("%s unexpected error", g.request_id, exc_info=error, extra=named)
        return kind, "This is not your fault. Tell the operator the request_id."
    if isinstance(error, errors.DigitsError) and not isinstance(error, errors.Refused):
        log.error("%s %s", g.request_id, error.with_cause, extra=named)
    return kind, f"{error} {kind.advice}".rstrip()


def problem(kind: Kind, detail: str) -> dict[str, str | int]:
    """Return the body of a problem: `detail` is a sentence that says what to do."""
    return {
        "type": _type_of(kind),
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": g.request_id,
    }


def error_field(error: Exception) -> ResponseReturnValue:
    """Answer an error as JSON with one field, `error`, for clients that look for it there."""
    kind, detail = tell(error)
    return jsonify(error=detail), kind.status, headers_of(kind)


def _type_of(kind: Kind) -> str:
    return request.script_root + kind.type if kind.slug else kind.type


def size_limit(max_bytes: int) -> str:
    """Return the sentence about a body of too many bytes."""
    size = f"{max_bytes / 2**20:.3g} MB" if max_bytes >= 2**20 else f"{max_bytes / 2**10:.3g} kB"
    return f"The request is too large: at most {size} are accepted. Send a smaller picture."


def headers_of(kind: Kind) -> dict[str, str]:
    """Return the headers that tell a program what to do about this kind of error, in a request."""
    if kind.status == http.HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if kind.status == http.HTTPStatus.TOO_MANY_REQUESTS and (rate := Exchange.of(request.environ).rate):
        return {"Retry-After": str(rate.reset)}
    if kind.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}


def _raise_refusal() -> None:
    if REFUSED in request.environ:
        raise request.environ.pop(REFUSED)  # If it stayed, its traceback would keep it and the body in memory.


def _respond(error: Exception) -> ResponseReturnValue:
    kind, detail = tell(error)
    response = make_response(jsonify(problem(kind, detail)), kind.status, headers_of(kind))
    response.content_type = PROBLEM_JSON
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _where_to_look() -> str:
    """A sentence that names the URL that is meant, if there is only a slash too many, or the list of all."""
    path = request.path.rstrip("/")
    if path != request.path and current_app.url_map.bind("").allowed_methods(path):
        return f"Leave out the slash at its end: {request.script_root}{path}"
    return f"{request.script_root}/docs lists the URLs that exist."


def _plain(error: HTTPException) -> tuple[Kind, str]:
    """Return what to tell about an error that Flask raised itself; its type is "about:blank" (RFC 9457)."""
    kind = Kind(error.code or UNEXPECTED.status, None, error.name)
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        return kind, f"This URL does not take {request.method}; it takes {methods}."
    if kind.status == http.HTTPStatus.NOT_FOUND:
        return kind, f"There is nothing at this URL. {_where_to_look()}"
    return kind, error.description or error.name
