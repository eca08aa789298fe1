"""The table of errors, and their form: RFC 9457 application/problem+json."""

import http
import logging
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, g, jsonify, make_response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from digits import errors
from digits.web.services import services

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 5
REFUSED = "digits.refused"
"""Where the environ of a request holds the error for which the front has refused its body."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a class of errors is called over HTTP."""

    status: int
    slug: str
    title: str


KINDS: dict[type[errors.DigitsError], Kind] = {
    errors.BadRequest: Kind(400, "bad-request", "The request is not put together as it should be"),
    errors.NotFound: Kind(404, "not-found", "There is nothing here"),
    errors.TooSlow: Kind(408, "too-slow", "The request did not arrive in time"),
    errors.TooLarge: Kind(413, "too-large", "The request is too large"),
    errors.TooManyPixels: Kind(413, "too-many-pixels", "The picture is too large to decode"),
    errors.UnsupportedRequest: Kind(415, "unsupported-request", "This type of request is not understood"),
    errors.NotAPicture: Kind(415, "not-a-picture", "The file is not a picture that can be read"),
    errors.NoInk: Kind(422, "no-ink", "There is no digit in the picture"),
    errors.Unavailable: Kind(503, "unavailable", "A part of the server does not answer"),
    errors.StorageFull: Kind(507, "storage-full", "There is no room to keep the picture"),
}
UNEXPECTED = Kind(500, "internal", "Something went wrong inside the server")

bp = Blueprint("problems", __name__)


@bp.get("/problems/<slug>")
def problem_type(slug: str) -> ResponseReturnValue:
    """Where a problem's `type` leads."""
    for kind in (*KINDS.values(), UNEXPECTED):
        if kind.slug == slug:
            return jsonify(type=url_for("problems.problem_type", slug=slug), title=kind.title, status=kind.status)
    raise errors.NotFound("There is no such kind of problem.")


def kind_of(error: errors.DigitsError) -> Kind:
    """The entry of the error's nearest class in the table."""
    return next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), UNEXPECTED)


def problem(kind: Kind, detail: str) -> dict[str, str | int]:
    """The body of a problem: `detail` is a sentence that says what to do."""
    return {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": g.request_id,
    }


def respond(kind: Kind, detail: str) -> Response:
    response = make_response(jsonify(problem(kind, detail)), kind.status)
    response.content_type = PROBLEM_JSON
    if kind.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def handle_errors(app: Flask) -> None:
    """Every error leaves the application as a problem; nothing internal leaks."""
    app.before_request(_raise_refusal)
    app.register_error_handler(errors.DigitsError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def report(error: errors.DigitsError) -> Kind:
    """The error's kind; what is the server's own fault is logged with its cause."""
    kind = kind_of(error)
    if kind.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s", g.request_id, error, exc_info=error)
    return kind


def _raise_refusal() -> None:
    if REFUSED in request.environ:
        raise request.environ[REFUSED]


def _known(error: errors.DigitsError) -> Response:
    return respond(report(error), str(error))


def _http(error: HTTPException) -> ResponseReturnValue:
    """Flask's own refusals: unknown routes and methods, redirects, bodies over the limit."""
    if isinstance(error, RequestEntityTooLarge):
        return _known(too_large(services().settings.max_bytes))
    if error.code is None or error.code < http.HTTPStatus.BAD_REQUEST:
        return error
    slug = http.HTTPStatus(error.code).phrase.lower().replace(" ", "-")
    response = respond(Kind(error.code, slug, error.name), error.description or error.name)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def too_large(max_bytes: int) -> errors.TooLarge:
    return errors.TooLarge(f"The request is too large; at most {max_bytes:,} bytes are accepted. Send a smaller file.")


def _unexpected(error: Exception) -> Response:
    log.error("%s unexpected error", g.request_id, exc_info=error)
    return respond(UNEXPECTED, "This is not your fault. Tell the operator the request_id.")
