"""Lets requests in: once there are API keys, each needs one, but for what holds no data."""

import re
from typing import Any

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException

from digits.errors import KeyNeeded, MissingScope
from digits.web.exchange import Exchange
from digits.web.links import is_opened
from digits.web.scopes import scope_of
from digits.web.services import services, services_of

_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)


def admit(app: Flask, environ: dict[str, Any]) -> None:
    """Let a request in if it may do what it asks for, and note its key.

    A front calls this before it receives the body; Flask calls it for what no front has seen.

    Raises:
        KeyNeeded: it has no key, or none that is valid.
        MissingScope: its key does not allow this.
    """
    keyring = services_of(app).keyring
    exchange = Exchange.of(environ)
    if not keyring.are_needed or exchange.key:
        return
    try:
        endpoint, arguments = app.url_map.bind_to_environ(environ).match()
    except HTTPException:
        return  # Flask will only say that there is no such URL.
    if scope := scope_of(app, endpoint, environ["REQUEST_METHOD"].upper()):
        keyring.check()
        if is_opened(environ["QUERY_STRING"], endpoint, arguments, keyring):
            return
        exchange.key = keyring.key_of(_token(environ))
        if scope not in exchange.key.scopes:
            raise MissingScope(
                f"This API key lacks the scope `{scope}`. Ask whoever runs this server for one that has it."
            )


def guard(app: Flask) -> None:
    """Admit every request, and show each only what its key's owner has sent."""

    @app.before_request
    def admit_and_bind() -> None:
        admit(app, request.environ)
        if key := Exchange.of(request.environ).key:
            g.services = services().of(key.owner)


def _token(environ: dict[str, Any]) -> str:
    bearer = _BEARER.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    token = bearer[1] if bearer else environ.get("HTTP_X_API_KEY")
    if not token and "signature=" in environ["QUERY_STRING"]:
        raise KeyNeeded("This link has expired, or is incomplete. GET /uploads/{id} has new ones.")
    if not token:
        raise KeyNeeded("This server needs an API key. Send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.")
    return str(token)
