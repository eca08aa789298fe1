"""The API keys, in SQLite or PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digits.admission.keys import ApiKey, Scope
from digits.errors import NotFound
from digits.uploads.engine import begin
from digits.uploads.schema import api_keys, signing_secrets


class SqlKeys:
    """Keys in SQLite or PostgreSQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, key: ApiKey) -> None:
        """Insert a key."""
        with begin(self._engine) as connection:
            connection.execute(sa.insert(api_keys).values(_row(key)))

    def every(self) -> Sequence[ApiKey]:
        """Select all keys, the oldest first."""
        with begin(self._engine) as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
            return [_key(row) for row in rows]

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Set the time from which a key is not valid any more; one that was revoked before keeps its time.

        Raises:
            NotFound: there is no such key.
        """
        this = api_keys.c.id == key_id
        revoking = sa.update(api_keys).where(this, api_keys.c.revoked_at.is_(None))
        with begin(self._engine) as connection:
            connection.execute(revoking.values(revoked_at=at))
            row = connection.execute(sa.select(api_keys).where(this)).first()
        if row is None:
            raise NotFound("There is no key with this id. `digits keys list` shows the ids.")
        return _key(row)

    def clear(self) -> int:
        """Delete all keys, and return how many there were."""
        with begin(self._engine) as connection:
            return connection.execute(sa.delete(api_keys)).rowcount

    def version(self) -> object:
        """Select how many keys there are, how many are revoked, and when the newest was made."""
        columns = (sa.func.count(), sa.func.count(api_keys.c.revoked_at), sa.func.max(api_keys.c.created_at))
        with begin(self._engine) as connection:
            return tuple(connection.execute(sa.select(*columns).select_from(api_keys)).one())

    def signing_secret(self) -> bytes:
        """Select the secret, which was made with its table."""
        with begin(self._engine) as connection:
            return connection.execute(sa.select(signing_secrets.c.secret)).scalar_one().encode()


def _row(key: ApiKey) -> dict[str, Any]:
    return asdict(key) | {"scopes": ",".join(sorted(key.scopes))}


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(**row._asdict() | {"scopes": frozenset(map(Scope, row.scopes.split(",")))})
