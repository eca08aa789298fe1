"""Connections to SQLite and PostgreSQL, and what their failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from digits.errors import SettingsError, StorageFull, Unavailable, Unsettled

_DISK_FULL = {"53100", "SQLITE_FULL"}
"""PostgreSQL's code for it, and SQLite's."""


def create_engine(url: str, *, durable: bool = True) -> sa.Engine:
    """An engine for `sqlite:///FILE` or `postgresql+psycopg://…`.

    `durable` commits survive power loss; others survive a killed server, and a PostgreSQL that is killed may have
    lost those of the last second. Raises SettingsError for what is no URL.
    """
    return _sqlite(url, durable) if url.startswith("sqlite:") else _postgresql(url, durable)


def _postgresql(url: str, durable: bool) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            pool_pre_ping=True,  # A server that was away is found again by whoever asks next.
            connect_args={
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
                "keepalives_idle": 5,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "options": f"-c statement_timeout=30s -c synchronous_commit={'on' if durable else 'off'}",
            },
        )
    except (ArgumentError, ValueError) as error:
        raise SettingsError("DIGITS_DATABASE: it is not of the form postgresql://USER:PASSWORD@HOST/NAME.") from error


def _sqlite(url: str, durable: bool) -> sa.Engine:
    # Not make_url(), which takes a question mark in a folder's name for the start of a query.
    file = sa.URL.create("sqlite", database=url.removeprefix("sqlite:///"))
    engine = sa.create_engine(file, connect_args={"timeout": 10})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    return engine


@contextmanager
def begin(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction; raises this package's errors."""
    committing = False
    try:
        with engine.connect() as connection:
            yield connection
            committing = True
            connection.commit()
    except (DBAPIError, sa.exc.TimeoutError) as error:
        original = getattr(error, "orig", None)
        if _DISK_FULL & {getattr(original, name, None) for name in ("sqlstate", "sqlite_errorname")}:
            raise StorageFull("There is no room to keep the record.") from error
        if committing and isinstance(error, DBAPIError) and error.connection_invalidated:
            raise Unsettled(
                "The database went away while it was written, and may have it or not. Look it up before you try again."
            ) from error
        raise Unavailable("The database does not answer.") from error
