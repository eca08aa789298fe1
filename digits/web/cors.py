"""CORS: what pages of other origins may use."""

import ipaddress
import re
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, current_app, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from digits.errors import Forbidden
from digits.settings import ANY_ORIGIN, Settings

METHODS = ["GET", "POST", "PATCH", "DELETE"]
_ADDRESS = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
EXPOSED = ["ETag", "Location", "Retry-After", "Server-Timing", "X-Request-ID"]
"""Headers of a response that pages of other origins may read."""
PREFLIGHT_SECONDS = 24 * 60 * 60
"""For how long a browser may keep the answer to a preflight."""


View = TypeVar("View", bound=Callable[..., object])


def public(view: View) -> View:
    """Mark a view as open to pages of any origin, as long as no origin is named in the settings.

    All other views are only for pages of named origins: otherwise any web page could read or delete a laptop's history.
    """
    view.is_public = True  # type: ignore[attr-defined]
    return view


def _is_private(endpoint: str | None) -> bool:
    return bool(endpoint) and not getattr(current_app.view_functions[str(endpoint)], "is_public", False)


def allow_origins(app: Flask, settings: Settings) -> None:
    """Add CORS headers to every response, errors included; never with credentials."""
    anyone = settings.cors_origins == (ANY_ORIGIN,)
    if anyone:
        # Flask calls these in reverse order, so this one can remove what Flask-CORS has added.
        app.after_request(_keep_history_private)
        if settings.socket or ipaddress.ip_address(settings.host).is_loopback:
            app.before_request(_refuse_borrowed_names)
    CORS(
        app,
        # As patterns, since Flask-CORS would take some plain strings for patterns.
        origins=ANY_ORIGIN if anyone else [re.compile(re.escape(origin) + r"\Z") for origin in settings.cors_origins],
        methods=METHODS,
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_SECONDS,
        send_wildcard=True,
    )


def _keep_history_private(response: Response) -> Response:
    endpoints = _endpoints()
    if endpoints and all(map(_is_private, endpoints)):
        for name in [name for name, _ in response.headers if name.startswith("Access-Control-")]:
            del response.headers[name]
    return response


def _refuse_borrowed_names() -> None:
    """Prevent DNS rebinding: a page whose host name resolves to this machine would count as the same origin.

    Raises:
        Forbidden: the request is for the history, under a host name that is not of this machine.
    """
    if _is_private(request.endpoint) and not _ADDRESS.fullmatch(request.host):
        raise Forbidden(
            f"The history is not shown under the name {request.host}. Use the machine's address, "
            "or name your page's origin in DIGITS_CORS_ORIGINS."
        )


def _endpoints() -> set[str]:
    """Return the request's endpoint; for a preflight, all endpoints of its URL, since browsers cache it per URL."""
    if request.method != "OPTIONS":
        return {request.endpoint} if request.endpoint else set()
    urls = current_app.url_map.bind("")
    try:
        return {str(urls.match(request.path, method=method)[0]) for method in urls.allowed_methods(request.path)}
    except HTTPException:
        return set()
