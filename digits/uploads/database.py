"""The records of uploads, in SQLite or PostgreSQL."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from digits.box import Box
from digits.errors import NotFound
from digits.uploads.engine import begin, create_engine
from digits.uploads.models import Cursor, Digit, Order, Record, Records, Wanted, first_id
from digits.uploads.schema import uploads

_UNKNOWN = "There is no upload with this id."

RARE = 2000
"""Number of records below the wanted confidence up to which finding and sorting all of them is fast.

If there are more, going through the history from its newest record soon finds enough of them.
"""


class SqlRecords:
    """Records in SQLite or PostgreSQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # Not imported above, since importing both dialects takes a while.
        insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert(uploads)
        self._add_or_find = insert.on_conflict_do_update(
            index_elements=[uploads.c.idempotency_key],
            index_where=uploads.c.idempotency_key.is_not(None),
            # RETURNING skips rows that are left alone, so an earlier one is updated, to the key that it has.
            set_={"idempotency_key": insert.excluded.idempotency_key},
        ).returning(uploads)

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        """Insert all records in one transaction; the index of idempotency keys finds the earlier ones."""
        others = [_row(record) for record in records if record.idempotency_key is None]
        # Sorted by key, so that two transactions cannot be in a deadlock.
        keyed = sorted((record for record in records if record.idempotency_key), key=_idempotency_key)
        with begin(self._engine) as connection:
            if others:
                connection.execute(sa.insert(uploads), others)
            standing = {record.id: connection.execute(self._add_or_find, _row(record)).one() for record in keyed}
        return [_record(standing[record.id]) if record.id in standing else record for record in records]

    def get(self, key: str) -> Record:
        """Select the record of an upload.

        Raises:
            NotFound: there is none.
        """
        with begin(self._engine) as connection:
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise NotFound(_UNKNOWN)
        return _record(row)

    def find(
        self, wanted: Wanted, limit: int, after: Cursor | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        """Select by key, so that a late page takes as long as the first."""
        with begin(self._engine) as connection:
            if order is Order.DOUBTFUL:
                query = _doubtful_first(wanted, after)
            else:
                query = _newest_first(wanted, after, rare=_is_rare(connection, wanted))
            return [_record(row) for row in connection.execute(query.limit(limit))]

    def count(self, wanted: Wanted) -> int:
        """Count the wanted records of all pages."""
        with begin(self._engine) as connection:
            of_all = [*_conditions(wanted), *_less_confident(wanted)]
            return connection.execute(sa.select(sa.func.count()).select_from(uploads).where(*of_all)).scalar_one()

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        """Set or remove a label, and return the record as it is then.

        Raises:
            NotFound: there is none.
        """
        values = {"label": label, "labelled_at": at.replace(tzinfo=None) if at else None}
        with begin(self._engine) as connection:
            connection.execute(sa.update(uploads).where(uploads.c.id == key).values(values))
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key)).first()
        if row is None:
            raise NotFound(_UNKNOWN)
        return _record(row)

    def known(self, keys: Collection[str]) -> set[str]:
        """Select the ids among these keys."""
        with begin(self._engine) as connection:
            return set(connection.scalars(sa.select(uploads.c.id).where(uploads.c.id.in_(keys))))

    def delete(self, keys: Collection[str]) -> int:
        """Delete in one transaction, and return how many records there were."""
        with begin(self._engine) as connection:
            return connection.execute(sa.delete(uploads).where(uploads.c.id.in_(keys))).rowcount

    def check(self) -> None:
        """Return if a query succeeds."""
        with begin(self._engine) as connection:
            connection.execute(sa.select(uploads.c.id).limit(1))


def open_records(url: str, *, durable: bool = True) -> Records:
    """Open the records of a database that prepare_records() has prepared."""
    return SqlRecords(create_engine(url, durable=durable))


def _idempotency_key(record: Record) -> str:
    return record.idempotency_key or ""


def _newest_first(wanted: Wanted, after: Cursor | None, *, rare: bool) -> sa.Select[Any]:
    query = sa.select(uploads).order_by(uploads.c.id.desc())
    if after:
        query = query.where(uploads.c.id < after.id)
    if rare:
        doubtful = sa.select(uploads.c.id).where(*_less_confident(wanted))
        return query.where(uploads.c.id.in_(doubtful), *_conditions(wanted, by_index=False))
    return query.where(*_conditions(wanted), *_less_confident(wanted, by_index=False))


def _doubtful_first(wanted: Wanted, after: Cursor | None) -> sa.Select[Any]:
    place = uploads.c.confidence, uploads.c.id
    query = sa.select(uploads).order_by(*place)
    if after:
        query = query.where(sa.tuple_(*place) > sa.tuple_(sa.literal(after.confidence), sa.literal(after.id)))
    return query.where(*_conditions(wanted, by_index=False), *_less_confident(wanted))


def _is_rare(connection: sa.Connection, wanted: Wanted) -> bool:
    """Whether at most RARE records are below the wanted confidence, which are then sorted."""
    if wanted.confidence_below is None:
        return False
    some = sa.select(uploads.c.id).where(*_less_confident(wanted)).order_by(uploads.c.confidence).limit(RARE + 1)
    return connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one() <= RARE


def _conditions(wanted: Wanted, *, by_index: bool = True) -> Iterator[sa.ColumnElement[bool]]:
    """Yield all conditions except the one on confidence; without `by_index`, in a form that no index serves."""
    number, recognised, labelled = uploads.c.number, uploads.c.recognised, uploads.c.label.is_not(None)
    if wanted.digit is not None:
        yield (number if by_index else number.concat("")) == str(wanted.digit)
    if wanted.number is not None:  # Of one digit there are many records, of a longer number few.
        yield (number if by_index or len(wanted.number) > 1 else number.concat("")) == wanted.number
    if wanted.sha256 is not None:
        yield uploads.c.sha256 == wanted.sha256
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


def _row(record: Record) -> dict[str, Any]:
    values = {column.name: getattr(record, column.name) for column in uploads.columns}
    for column in ("created_at", "labelled_at"):
        if values[column]:
            values[column] = values[column].replace(tzinfo=None)
    # Not dataclasses.asdict(), which takes longer than the insert in SQLite.
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
