"""The record of every upload."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from digits.box import Box
from digits.errors import NotFound, SettingsError, StorageFull, Unavailable

SCHEMA = "0001"
"""The newest revision in migrations/versions."""

metadata = sa.MetaData()

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="UUIDv7: in order of arrival"),
    sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("recognised", sa.Boolean, nullable=False),
    sa.Column("digits", sa.JSON, nullable=False),
    sa.Column("label", sa.String),
    sa.Column("labelled_at", sa.DateTime),
)


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit as it was read, and where it stands in the upright picture."""

    digit: int
    confidence: float
    probabilities: tuple[float, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an upload: a row of `uploads`. Times are in UTC."""

    id: str
    created_at: datetime
    sha256: str
    format: str
    width: int
    height: int
    bytes: int
    model: str
    number: str
    confidence: float
    recognised: bool
    digits: tuple[Digit, ...]
    label: str | None = None
    labelled_at: datetime | None = None


class Records(Protocol):
    """What recognition and the web need of a database. Every method raises Unavailable where it does not answer."""

    def add(self, records: Sequence[Record]) -> None:
        """Keeps them all; once this returns they are not lost."""

    def get(self, key: str) -> Record:
        """Raises NotFound."""

    def latest(self, limit: int, before: str | None = None) -> Sequence[Record]:
        """At most `limit` records, newest first; only those that came before the one with the id `before`."""

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        """What a person says is written there, and when; None takes it back. Raises NotFound."""

    def delete(self, key: str) -> None:
        """Raises NotFound."""

    def check(self) -> None:
        """Returns if the database answers."""


class SqlRecords:
    """Records in a relational database, through an engine of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, records: Sequence[Record]) -> None:
        rows = [_row(record) for record in records]
        with _begin(self._engine) as connection:
            connection.execute(sa.insert(uploads), rows)

    def get(self, key: str) -> Record:
        with _begin(self._engine) as connection:
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise _unknown()
        return _record(row)

    def latest(self, limit: int, before: str | None = None) -> Sequence[Record]:
        query = sa.select(uploads).order_by(uploads.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(uploads.c.id < before)
        with _begin(self._engine) as connection:
            return [_record(row) for row in connection.execute(query)]

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        values = {"label": label, "labelled_at": at.replace(tzinfo=None) if at else None}
        with _begin(self._engine) as connection:
            connection.execute(sa.update(uploads).where(uploads.c.id == key).values(values))
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise _unknown()
        return _record(row)

    def delete(self, key: str) -> None:
        with _begin(self._engine) as connection:
            if connection.execute(sa.delete(uploads).where(uploads.c.id == key)).rowcount == 0:
                raise _unknown()

    def check(self) -> None:
        with _begin(self._engine) as connection:
            connection.execute(sa.select(uploads.c.id).limit(1))


def create_engine(url: str, *, durable: bool = True) -> sa.Engine:
    """An engine for `sqlite:///FILE`. `durable` commits survive power loss; others survive a killed server."""
    # Not make_url(), which takes a question mark in a folder's name for the start of a query.
    file = sa.URL.create("sqlite", database=url.removeprefix("sqlite:///"))
    engine = sa.create_engine(file, connect_args={"timeout": 10})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    return engine


def migrate(engine: sa.Engine) -> None:
    """Brings the database to SCHEMA. Several processes may do so at once: one works, the others wait for it.

    Raises SettingsError for a database of a newer schema.
    """
    with _begin(engine) as connection:
        if _is_current(connection):
            return
    # Alembic takes a third of a second to import, and most starts have nothing for it to do.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "digits:migrations")
    with _begin(engine) as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, SCHEMA)
        except CommandError as error:
            raise SettingsError("DIGITS_DATABASE was made by a newer version. Use that version, or a copy.") from error


def _is_current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == SCHEMA


@contextmanager
def _begin(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction whose failures are told in our words."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if "full" in str(error.orig):
            raise StorageFull("There is no room to keep the record. Recognise it with ?store=false.") from error
        raise Unavailable("The database does not answer. Recognise with ?store=false, or try again later.") from error


def _row(record: Record) -> dict[str, Any]:
    values = {column.name: getattr(record, column.name) for column in uploads.columns}
    for column in ("created_at", "labelled_at"):
        if values[column]:
            values[column] = values[column].replace(tzinfo=None)
    # Not dataclasses.asdict(), which takes longer than SQLite.
    values["digits"] = [
        {
            "digit": digit.digit,
            "confidence": digit.confidence,
            "probabilities": digit.probabilities,
            "box": {"x": digit.box.x, "y": digit.box.y, "width": digit.box.width, "height": digit.box.height},
        }
        for digit in record.digits
    ]
    return values


def _record(row: sa.Row[Any]) -> Record:
    values = row._asdict()
    for column in ("created_at", "labelled_at"):
        if values[column]:
            values[column] = values[column].replace(tzinfo=UTC)
    values["digits"] = tuple(
        Digit(digit["digit"], digit["confidence"], tuple(digit["probabilities"]), Box(**digit["box"]))
        for digit in values["digits"]
    )
    return Record(**values)


def _unknown() -> NotFound:
    return NotFound("There is no upload with this id.")
