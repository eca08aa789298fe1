"""API keys, without SQL and HTTP: what they may do, how they are made, and how one is known."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

OWNER = re.compile(r"[\w.@-]{1,64}", re.ASCII)
"""Whose a key is, and what is sent with it."""
_TOKEN = re.compile(r"digits_([0-9a-f]{12})_([0-9a-f]{64})")
"""A key as its holder sends it: the public id, and the secret."""


class Scope(StrEnum):
    """What a key may do."""

    RECOGNISE = "recognise"
    """Read pictures, and keep them."""
    READ = "read"
    """See what was kept."""
    WRITE = "write"
    """Correct and delete what was kept."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept, without its secret. Times are in UTC."""

    id: str
    hash: str = field(repr=False)
    """SHA-256 of the secret. A slow hash would add nothing: it protects passwords, but nobody can guess 256 bits."""
    owner: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        """Whether it is neither expired nor revoked at this time."""
        return not self.revoked_at and not (self.expires_at and self.expires_at <= at)


class Keys(Protocol):
    """The keys in a database. Every method raises Unavailable if it does not answer."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""

    def every(self) -> Sequence[ApiKey]:
        """Return all keys, the oldest first; those that are expired or revoked, too."""

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Let a key not be valid any more, and return it.

        Raises:
            NotFound: there is no such key.
        """

    def clear(self) -> int:
        """Delete all keys, and return how many there were."""

    def version(self) -> object:
        """Return what is another value after each change."""

    def signing_secret(self) -> bytes:
        """Return the secret under which the URLs of pictures are signed."""


def new_key(owner: str, scopes: Collection[Scope], at: datetime, days: int | None = None) -> tuple[str, ApiKey]:
    """Make a key. Return the text that its holder sends, which is kept nowhere, and what is kept."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    expires_at = at + timedelta(days=days) if days else None
    return f"digits_{key_id}_{secret}", ApiKey(key_id, _hash(secret), owner, frozenset(scopes), at, expires_at)


def find_key(token: str, keys: Mapping[str, ApiKey]) -> ApiKey | None:
    """Return the key that was sent, from `keys` by id; None if there is none with this id and this secret."""
    sent = _TOKEN.fullmatch(token)
    key = keys.get(sent[1]) if sent else None
    return key if sent and key and hmac.compare_digest(key.hash, _hash(sent[2])) else None


def copy_keys(keys: Keys, to_keys: Keys) -> None:
    """Copy all keys to another database. Keys that were copied before are only revoked there if they are here."""
    there = {key.id for key in to_keys.every()}
    for key in keys.every():
        if key.id not in there:
            to_keys.add(key)
        elif key.revoked_at:
            to_keys.revoke(key.id, key.revoked_at)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
