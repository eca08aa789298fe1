"""Connect to SQLite and PostgreSQL, and turn their failures into this package's errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from digits.errors import SettingsError, StorageFull, Unavailable, Unsettled

_DISK_FULL = {"53100", "SQLITE_FULL"}
"""The codes of PostgreSQL and SQLite for a full disk."""


def create_engine(url: str, *, durable: bool = True) -> sa.Engine:
    """Create an engine for `sqlite:///FILE` or `postgresql+psycopg://…`.

    `durable` commits survive power loss. Others survive a killed server; but if PostgreSQL itself is killed, those of
    the last second may be lost.

    Raises:
        SettingsError: a URL for PostgreSQL is malformed.
    """
    return _sqlite(url, durable) if url.startswith("sqlite:") else _postgresql(url, durable)


def _postgresql(url: str, durable: bool) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            pool_pre_ping=True,  # The next query reconnects to a server that was away.
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
    # Not make_url(): it would take a question mark in a folder's name for the start of a query.
    file = sa.URL.create("sqlite", database=url.removeprefix("sqlite:///"))
    engine = sa.create_engine(file, connect_args={"timeout": 10})
    place = Path(file.database or "")
    first: list[os.stat_result] = []

    @sa.event.listens_for(engine, "do_connect")
    @sa.event.listens_for(engine, "checkout")
    def check(*_: object) -> None:
        """Check that the file is the one opened first: what is written to another is missing at the next start.

        Raises:
            Unavailable: it was moved, deleted or replaced.
        """
        try:
            is_first = not first or os.path.samestat(place.stat(), first[0])
        except OSError:
            is_first = False
        if not is_first:
            raise Unavailable("The database's file was moved, deleted or replaced. Put it back, or restart the server.")

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        first[:] = first or [place.stat()]
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    return engine


@contextmanager
def begin(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Run a transaction, which is committed at the end of the `with` block.

    Raises:
        StorageFull: there is no room on the disk.
        Unsettled: the connection was lost during the commit.
        Unavailable: the database failed otherwise.
    """
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
                "The connection to the database was lost during the commit, so the change may or may not be kept. "
                "Look it up before you try again."
            ) from error
        raise Unavailable("The database does not answer.") from error
