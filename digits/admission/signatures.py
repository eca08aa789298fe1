"""Signatures that open one thing for a while, for those who cannot send a key, such as `<img>` in a page."""

import hashlib
import hmac

SECONDS = 30 * 60
"""A signature is valid for one to two times as long. Meanwhile it stays the same, so that browsers keep the picture."""


def sign(what: str, secret: bytes, now: float) -> dict[str, str]:
    """Return until when the signature is valid, in seconds since 1970, and the signature, by the names in a query."""
    expires = str((int(now) // SECONDS + 2) * SECONDS)
    return {"expires": expires, "signature": _signature(what, expires, secret)}


def is_signed(what: str, signed: dict[str, str], secret: bytes, now: float) -> bool:
    """Whether this is signed so, and is still valid."""
    expires, signature = signed.get("expires", ""), signed.get("signature", "")
    right = _signature(what, expires, secret)
    return hmac.compare_digest(signature.encode(), right.encode()) and int(expires) > now


def _signature(what: str, expires: str, secret: bytes) -> str:
    """HMAC-SHA256, in hexadecimal."""
    return hmac.new(secret, f"{what}\n{expires}".encode(), hashlib.sha256).hexdigest()
