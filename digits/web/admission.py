"""Lets requests in. Once there are API keys, each needs one, but for what holds no data; and each sender has a rate."""

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from digits.admission.keys import Scope
from digits.admission.rates import RateLimit, sender_of
from digits.errors import KeyNeeded, MissingScope, RateExceeded
from digits.web.exchange import Exchange
from digits.web.links import is_opened
from digits.web.scopes import scope_of
from digits.web.services import services, services_of

MOST_URLS = 256
"""URLs whose views are remembered, since to find one takes longer than all else here."""
_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)


async def admit(app: Flask, environ: dict[str, Any]) -> None:
    """Let a request in before its body is received, or raise what is against it."""
    exchange, rate = Exchange.of(environ), services_of(app).rate
    if _check(app, environ, exchange) and rate:
        if rate.waits:
            await asyncio.to_thread(_count, exchange, rate)
        else:
            _count(exchange, rate)
    exchange.is_admitted = True


def guard(app: Flask) -> None:
    """Admit every request that no front has admitted, and show each only what its key's owner has sent."""

    @app.before_request
    def admit_and_bind() -> None:
        exchange, rate = Exchange.of(request.environ), services_of(app).rate
        if not exchange.is_admitted and _check(app, request.environ, exchange) and rate:
            _count(exchange, rate)
        if exchange.key:
            g.services = services().of(exchange.key.owner)

    @app.after_request
    def tell_rate(response: Response) -> Response:
        response.headers.update(Exchange.of(request.environ).rate_headers)
        return response


def _check(app: Flask, environ: dict[str, Any], exchange: Exchange) -> bool:
    """Check what a request may do, and note its key. Return whether it is to be counted.

    Raises:
        KeyNeeded: it has no key, or none that is valid.
        MissingScope: its key does not allow this.
    """
    at_hand = services_of(app)
    keyring = at_hand.keyring
    if not (keyring.are_needed or at_hand.rate):
        return False
    matched = _matched(app, environ["REQUEST_METHOD"].upper(), exchange.readable_path)
    if matched is None:
        return False  # Flask will only say that there is no such URL.
    endpoint, arguments, scope = matched
    if scope and keyring.are_needed:
        known = keyring.known()
        if not is_opened(environ["QUERY_STRING"], endpoint, arguments, known.signing_secret):
            exchange.key = known.key_of(_token(environ))
            if scope not in exchange.key.scopes:
                raise MissingScope(
                    f"This API key lacks the scope `{scope}`. Ask whoever runs this server for one that has it."
                )
    return bool(scope)


@lru_cache(MOST_URLS)
def _matched(app: Flask, method: str, path: str) -> tuple[str, Mapping[str, str], Scope | None] | None:
    """The endpoint of a request, its arguments, and the scope that it needs; None if there is no such URL."""
    try:
        endpoint, arguments = app.url_map.bind("").match(path, method)
    except HTTPException:
        return None
    return endpoint, arguments, scope_of(app, endpoint, method)


def _count(exchange: Exchange, rate: RateLimit) -> None:
    """Count a request for its key, or else for its client's address.

    Raises:
        RateExceeded: it is one too many.
    """
    exchange.rate = rate.hit(exchange.key.id if exchange.key else sender_of(exchange.client))
    if exchange.rate and exchange.rate.is_exceeded:
        seconds = exchange.rate.reset
        raise RateExceeded(f"These are too many requests. Send it again in {seconds} second{'s' * (seconds > 1)}.")


def _token(environ: dict[str, Any]) -> str:
    bearer = _BEARER.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    token = bearer[1] if bearer else environ.get("HTTP_X_API_KEY")
    if not token and "signature=" in environ["QUERY_STRING"]:
        raise KeyNeeded("This link has expired, or is incomplete. GET /uploads/{id} has new ones.")
    if not token:
        raise KeyNeeded("This server needs an API key. Send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.")
    return str(token)
