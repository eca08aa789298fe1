"""CORS: what pages of other origins may use."""

import ipaddress
import re

from flask import Flask, Response, current_app, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from digits.admission.keys import Scope
from digits.errors import Forbidden
from digits.settings import ANY_ORIGIN, Settings
from digits.web.scopes import is_private, scope_of
from digits.web.services import services

METHODS = ["GET", "POST", "PATCH", "DELETE"]
_ADDRESS = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
EXPOSED = [
    "ETag",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "Server-Timing",
    "X-Request-ID",
]
"""Headers of a response that pages of other origins may read."""
PREFLIGHT_SECONDS = 24 * 60 * 60
"""For how long a browser may keep the answer to a preflight."""
KEYED_PREFLIGHT_SECONDS = 60
"""The same, once there are API keys: without them, pages of other origins may do less."""


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
    """Let pages of other origins see nothing of the history, unless they bring a key, which no browser does by itself.

    Otherwise any web page could read or delete a laptop's history.
    """
    headers = response.headers
    if services().keyring.are_needed:
        if "Access-Control-Max-Age" in headers:
            headers["Access-Control-Max-Age"] = str(KEYED_PREFLIGHT_SECONDS)
        return response
    scopes = _scopes()
    allowed = [method for method, scope in scopes.items() if not is_private(scope)]
    if "Access-Control-Allow-Methods" in headers:
        headers["Access-Control-Allow-Methods"] = ", ".join(allowed)
    if scopes and not allowed:
        for name in [name for name, _ in headers if name.startswith("Access-Control-")]:
            del headers[name]
    return response


def _refuse_borrowed_names() -> None:
    """Prevent DNS rebinding: a page whose host name resolves to this machine would count as the same origin.

    Raises:
        Forbidden: the request is for the history, under a host name that is not of this machine, and needs no key.
    """
    if services().keyring.are_needed or _ADDRESS.fullmatch(request.host):
        return
    if any(map(is_private, _scopes().values())) and request.method != "OPTIONS":
        how = f"under the name {request.host}" if request.host else "without a Host header"
        raise Forbidden(
            f"The history is not shown {how}. Use the machine's address, "
            "or name your page's origin in DIGITS_CORS_ORIGINS."
        )


def _scopes() -> dict[str, Scope | None]:
    """By method, the scope of the request; of a preflight, those of its URL, for which browsers keep the answer."""
    app = current_app
    if request.method != "OPTIONS":
        return {request.method: scope_of(app, request.endpoint, request.method)} if request.endpoint else {}
    urls = app.url_map.bind("")
    try:
        methods = sorted(set(METHODS) & set(urls.allowed_methods(request.path)))
        return {method: scope_of(app, str(urls.match(request.path, method)[0]), method) for method in methods}
    except HTTPException:
        return {}
