"""Which pages of other origins may use what."""

from flask import Flask, Response, current_app, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from digits.settings import ANY_ORIGIN

PRIVATE = {"uploads.latest", "uploads.one", "uploads.image", "uploads.preview", "uploads.delete"}
"""What needs an origin that is named: else any web page could read or empty a laptop's history."""

EXPOSED = ["Location", "ETag", "Retry-After", "X-Request-ID"]
PREFLIGHT_SECONDS = 24 * 60 * 60


def allow_origins(app: Flask, origins: tuple[str, ...]) -> None:
    """Adds CORS to every response, errors included; never with credentials."""
    if origins == (ANY_ORIGIN,):
        # Flask calls these in reverse order: this one sees what Flask-CORS has added.
        app.after_request(_keep_history_private)
    CORS(app, origins=list(origins), expose_headers=EXPOSED, max_age=PREFLIGHT_SECONDS, send_wildcard=True)


def _keep_history_private(response: Response) -> Response:
    if _asked_for() in PRIVATE:
        for name in [name for name, _ in response.headers if name.startswith("Access-Control-")]:
            del response.headers[name]
    return response


def _asked_for() -> str | None:
    """The endpoint of the request, or the one that a preflight asks about."""
    if request.method != "OPTIONS":
        return request.endpoint
    method = request.headers.get("Access-Control-Request-Method", "")
    try:
        endpoint, _ = current_app.url_map.bind("").match(request.path, method=method)
    except HTTPException:
        return None
    return str(endpoint)
