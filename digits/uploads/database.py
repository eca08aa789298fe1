"""The record of every upload."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from digits.box import Box
from digits.errors import NotFound, SettingsError, StorageFull, Unavailable, Unsettled

SCHEMA = "0004"
"""The newest revision in migrations/versions."""

_ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
"""In the order of its characters, whatever the order of the database's language."""
_DISK_FULL = {"53100", "SQLITE_FULL"}
"""PostgreSQL's code for it, and SQLite's."""
_MIGRATION_LOCK = 0x64696769
"""Any number, as long as it stays the same."""

metadata = sa.MetaData()

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", _ID, primary_key=True, comment="UUIDv7: in order of arrival"),
    sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("text", sa.String, comment="Null in earlier records: their number is all"),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("recognised", sa.Boolean, nullable=False),
    sa.Column("digits", sa.JSON, nullable=False),
    sa.Column("label", sa.String),
    sa.Column("labelled_at", sa.DateTime),
    sa.Column("idempotency_key", sa.String, comment="Under which its client may send it again"),
    sa.Index("uploads_by_number", "number", "id"),
    sa.Index("uploads_by_recognised", "recognised", "id"),
    sa.Index("uploads_by_confidence", "confidence", "id"),
)
sa.Index(
    "uploads_labelled",
    uploads.c.id,
    sqlite_where=uploads.c.label.is_not(None),
    postgresql_where=uploads.c.label.is_not(None),
)

sa.Index(
    "uploads_idempotency_key",
    uploads.c.idempotency_key,
    unique=True,
    sqlite_where=uploads.c.idempotency_key.is_not(None),
    postgresql_where=uploads.c.idempotency_key.is_not(None),
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAGE = 500
"""Records that are found at once where all are gone through."""
RARE = 2000
"""As many records are found and put in order in a moment; of more, some of the newest are never far."""


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
    text: str
    """The number with the signs between its digits."""
    confidence: float
    recognised: bool
    digits: tuple[Digit, ...]
    label: str | None = None
    labelled_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are looked for: those that are all of this."""

    digit: int | None = None
    """Read as this one digit."""
    recognised: bool | None = None
    labelled: bool | None = None
    confidence_below: float | None = None
    since: datetime | None = None
    """Arrived then or later."""
    until: datetime | None = None
    """Arrived before."""


class Order(StrEnum):
    """Which records come first."""

    NEWEST = "newest"
    DOUBTFUL = "confidence"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the order, that of a record that may be gone."""

    id: str
    confidence: float


class Records(Protocol):
    """What recognition and the web need of a database. Every method raises Unavailable where it does not answer."""

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        """Keeps them all; once this returns they are not lost. Returns the records that stand.

        These are the same, but that of two with one idempotency key the first stands for both.
        """

    def get(self, key: str) -> Record:
        """Raises NotFound."""

    def find(
        self, wanted: Wanted, limit: int, after: Place | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        """At most `limit` of the wanted records, in order; only those that follow a place."""

    def count(self, wanted: Wanted) -> int:
        """How many there are."""

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        """Sets a person's correction and its time; None removes it. Raises NotFound."""

    def known(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that have a record."""

    def delete(self, keys: Collection[str]) -> int:
        """Deletes these records, and returns how many there were."""

    def check(self) -> None:
        """Returns if the database answers."""


class SqlRecords:
    """Records in a relational database, through an engine of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # Not both imported above, which takes a while.
        insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert(uploads)
        self._add_or_find = insert.on_conflict_do_update(
            index_elements=[uploads.c.idempotency_key],
            index_where=uploads.c.idempotency_key.is_not(None),
            # The row that stands is returned only if it is changed, and so to what it is.
            set_={"idempotency_key": insert.excluded.idempotency_key},
        ).returning(uploads)

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        others = [_row(record) for record in records if record.idempotency_key is None]
        # In the order of their keys, so that no two transactions wait for each other.
        keyed = sorted((record for record in records if record.idempotency_key), key=_idempotency_key)
        with _begin(self._engine) as connection:
            if others:
                connection.execute(sa.insert(uploads), others)
            standing = {record.id: connection.execute(self._add_or_find, _row(record)).one() for record in keyed}
        return [_record(standing[record.id]) if record.id in standing else record for record in records]

    def get(self, key: str) -> Record:
        with _begin(self._engine) as connection:
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise _unknown()
        return _record(row)

    def find(
        self, wanted: Wanted, limit: int, after: Place | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        with _begin(self._engine) as connection:
            if order is Order.DOUBTFUL:
                query = _doubtful_first(wanted, after)
            else:
                query = _newest_first(wanted, after, rare=_is_rare(connection, wanted))
            return [_record(row) for row in connection.execute(query.limit(limit))]

    def count(self, wanted: Wanted) -> int:
        with _begin(self._engine) as connection:
            of_all = [*_conditions(wanted), *_less_confident(wanted)]
            return connection.execute(sa.select(sa.func.count()).select_from(uploads).where(*of_all)).scalar_one()

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        values = {"label": label, "labelled_at": at.replace(tzinfo=None) if at else None}
        with _begin(self._engine) as connection:
            connection.execute(sa.update(uploads).where(uploads.c.id == key).values(values))
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise _unknown()
        return _record(row)

    def known(self, keys: Collection[str]) -> set[str]:
        with _begin(self._engine) as connection:
            return set(connection.scalars(sa.select(uploads.c.id).where(uploads.c.id.in_(keys))))

    def delete(self, keys: Collection[str]) -> int:
        with _begin(self._engine) as connection:
            return connection.execute(sa.delete(uploads).where(uploads.c.id.in_(keys))).rowcount

    def check(self) -> None:
        with _begin(self._engine) as connection:
            connection.execute(sa.select(uploads.c.id).limit(1))


def every(records: Records, wanted: Wanted) -> Iterator[Record]:
    """All that are wanted, newest first."""
    after = None
    while page := records.find(wanted, PAGE, after):
        yield from page
        after = Place(page[-1].id, page[-1].confidence)


def first_id(time: datetime) -> str:
    """What sorts before the ids (UUIDv7) of that millisecond and later ones, and after all earlier ones."""
    # Not timestamp(), whose floats are off by a millisecond now and then.
    milliseconds = max(0, -((EPOCH - time) // timedelta(milliseconds=1)))
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}"


def _idempotency_key(record: Record) -> str:
    return record.idempotency_key or ""


def _newest_first(wanted: Wanted, after: Place | None, *, rare: bool) -> sa.Select[Any]:
    query = sa.select(uploads).order_by(uploads.c.id.desc())
    if after:
        query = query.where(uploads.c.id < after.id)
    if rare:
        doubtful = sa.select(uploads.c.id).where(*_less_confident(wanted))
        return query.where(uploads.c.id.in_(doubtful), *_conditions(wanted, by_index=False))
    return query.where(*_conditions(wanted), *_less_confident(wanted, by_index=False))


def _doubtful_first(wanted: Wanted, after: Place | None) -> sa.Select[Any]:
    place = uploads.c.confidence, uploads.c.id
    query = sa.select(uploads).order_by(*place)
    if after:
        query = query.where(sa.tuple_(*place) > sa.tuple_(sa.literal(after.confidence), sa.literal(after.id)))
    return query.where(*_conditions(wanted, by_index=False), *_less_confident(wanted))


def _is_rare(connection: sa.Connection, wanted: Wanted) -> bool:
    """Whether sorting the few doubtful ones is faster than walking an index until enough are found."""
    if wanted.confidence_below is None:
        return False
    some = sa.select(uploads.c.id).where(*_less_confident(wanted)).order_by(uploads.c.confidence).limit(RARE + 1)
    return connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one() <= RARE


def _conditions(wanted: Wanted, *, by_index: bool = True) -> Iterator[sa.ColumnElement[bool]]:
    """All conditions but that on confidence."""
    number, recognised, labelled = uploads.c.number, uploads.c.recognised, uploads.c.label.is_not(None)
    if wanted.digit is not None:
        yield (number if by_index else number.concat("")) == str(wanted.digit)
    if wanted.recognised is not None:
        yield (recognised if by_index else sa.case((recognised, True), else_=False)) == wanted.recognised
    if wanted.labelled is not None:
        yield labelled if wanted.labelled else ~labelled
    if wanted.since:
        yield uploads.c.id >= first_id(wanted.since)
    if wanted.until:
        yield uploads.c.id < first_id(wanted.until)


def _less_confident(wanted: Wanted, *, by_index: bool = True) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.confidence_below is not None:
        yield (uploads.c.confidence if by_index else uploads.c.confidence + 0) < wanted.confidence_below


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


def open_records(url: str, *, durable: bool = True) -> Records:
    """The records in a database that prepare_records() has prepared."""
    return SqlRecords(create_engine(url, durable=durable))


def prepare_records(url: str) -> None:
    """Brings the database to SCHEMA. Raises SettingsError where it cannot be used."""
    engine = create_engine(url)
    try:
        migrate(engine)
    except (Unavailable, StorageFull) as error:
        said = " ".join(str(getattr(error.__cause__, "orig", error)).split())
        # Without its query, which may have a password too; the other one is masked.
        raise SettingsError(f"DIGITS_DATABASE: {engine.url.set(query={})} cannot be used: {said}.") from error
    finally:
        engine.dispose()


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
    config.set_main_option("script_location", "digits.uploads:migrations")
    with _begin(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
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
    values["text"] = values["number"] if values["text"] is None else values["text"]
    values["digits"] = tuple(
        Digit(digit["digit"], digit["confidence"], tuple(digit["probabilities"]), Box(**digit["box"]))
        for digit in values["digits"]
    )
    return Record(**values)


def _unknown() -> NotFound:
    return NotFound("There is no upload with this id.")
