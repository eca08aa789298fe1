"""The URLs in answers. With API keys, those of pictures are signed, since a page cannot send a key for a picture."""

import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from flask import url_for as flask_url_for

from digits.admission.keyring import Keyring
from digits.admission.signatures import is_signed, sign
from digits.web.services import services

PICTURES = frozenset({"uploads.image", "uploads.preview", "uploads.explanation"})
"""Endpoints whose URLs are signed."""


def url_for(endpoint: str, key: str) -> str:
    """Return the URL of an upload or of one of its pictures, in a request."""
    return signed(flask_url_for(endpoint, key=key), endpoint, key, services().keyring)


def signed(url: str, endpoint: str, key: str, keyring: Keyring) -> str:
    """Return a URL with a signature, if it is one of a picture and needs one."""
    if endpoint not in PICTURES or not keyring.are_needed:
        return url
    return f"{url}?{urlencode(sign(f'{endpoint} {key}', keyring.known().signing_secret, time.time()))}"


def is_opened(query: str, endpoint: str, arguments: Mapping[str, str], secret: bytes) -> bool:
    """Whether this query signs the URL of a picture."""
    if endpoint not in PICTURES or "signature=" not in query:
        return False
    return is_signed(f"{endpoint} {arguments['key']}", dict(parse_qsl(query)), secret, time.time())
