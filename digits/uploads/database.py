"""The records of uploads, in SQLite or PostgreSQL."""

from collections.abc import Collection, Sequence
from copy import copy
from datetime import datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from digits.box import Box
from digits.errors import NotFound
from digits.uploads import selects
from digits.uploads.engine import begin
from digits.uploads.models import Cursor, Digit, Order, Record, Records, Wanted
from digits.uploads.schema import uploads

_UNKNOWN = "There is no upload with this id."


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
        self._own: tuple[sa.ColumnElement[bool], ...] = ()
        """The condition that every query has, if these are the records of one owner."""

    def of(self, owner: str) -> Records:
        """Return the records of this owner, in the same database."""
        theirs = copy(self)
        theirs._own = (uploads.c.owner == owner,)
        return theirs

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        """Insert all records in one transaction; the index of idempotency keys finds the earlier ones."""
        others = [_row(record) for record in records if record.idempotency_key is None]
        # Sorted by key, so that two transactions cannot be in a deadlock.
        keyed = sorted((record for record in records if record.idempotency_key), key=_idempotency_key)
        with begin(self._engine) as connection:
            if others:
                connection.execute(sa.insert(uploads), others)
            standing = {record.id: connection.execute(self._add_or_find, _row(record)).one() for record in keyed}
        return [record_of(standing[record.id]) if record.id in standing else record for record in records]

    def get(self, key: str) -> Record:
        """Select the record of an upload.

        Raises:
            NotFound: there is none.
        """
        with begin(self._engine) as connection:
            row = connection.execute(sa.select(uploads).where(uploads.c.id == key, *self._own)).first()
        if row is None:
            raise NotFound(_UNKNOWN)
        return record_of(row)

    def find(
        self, wanted: Wanted, limit: int, after: Cursor | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        """Select by key, so that a late page takes as long as the first."""
        with begin(self._engine) as connection:
            query = selects.page(connection, wanted, self._own, after, order)
            return [record_of(row) for row in connection.execute(query.limit(limit))]

    def count(self, wanted: Wanted) -> int:
        """Count the wanted records of all pages."""
        with begin(self._engine) as connection:
            return connection.execute(selects.count(wanted, self._own)).scalar_one()

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        """Set or remove a label, and return the record as it is then.

        Raises:
            NotFound: there is none.
        """
        values = {"label": label, "labelled_at": at}
        with begin(self._engine) as connection:
            this = (uploads.c.id == key, *self._own)
            connection.execute(sa.update(uploads).where(*this).values(values))
            row = connection.execute(sa.select(uploads).where(*this)).first()
        if row is None:
            raise NotFound(_UNKNOWN)
        return record_of(row)

    def known(self, keys: Collection[str]) -> set[str]:
        """Select the ids among these keys."""
        with begin(self._engine) as connection:
            return set(connection.scalars(sa.select(uploads.c.id).where(uploads.c.id.in_(keys), *self._own)))

    def delete(self, keys: Collection[str]) -> int:
        """Delete in one transaction, and return how many records there were."""
        with begin(self._engine) as connection:
            return connection.execute(sa.delete(uploads).where(uploads.c.id.in_(keys), *self._own)).rowcount

    def check(self) -> None:
        """Return if a query succeeds."""
        with begin(self._engine) as connection:
            connection.execute(sa.select(uploads.c.id).limit(1))


def _idempotency_key(record: Record) -> str:
    return record.idempotency_key or ""


def _row(record: Record) -> dict[str, Any]:
    values = {column.name: getattr(record, column.name) for column in uploads.columns}
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


def record_of(row: sa.Row[Any]) -> Record:
    """Make the record of a row that has all columns of `uploads`, and perhaps others."""
    values = {column.name: row._mapping[column] for column in uploads.columns}
    values["text"] = values["number"] if values["text"] is None else values["text"]
    values["digits"] = tuple(
        Digit(digit["digit"], digit["confidence"], tuple(digit["probabilities"]), Box(**digit["box"]))
        for digit in values["digits"]
    )
    return Record(**values)
