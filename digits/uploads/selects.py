"""The queries that search the records, each in a form that an index serves.

`own` are conditions on the owner, empty for the records of all; each index has a twin for the records of one owner.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from digits.uploads.models import Cursor, Order, Wanted, first_id
from digits.uploads.schema import uploads

Conditions = tuple[sa.ColumnElement[bool], ...]

RARE = 2000
"""Number of records below the wanted confidence up to which finding and sorting all of them is fast.

If there are more, going through the history from its newest record soon finds enough of them.
"""


def page(
    connection: sa.Connection, wanted: Wanted, own: Conditions, after: Cursor | None, order: Order
) -> sa.Select[Any]:
    """Select the wanted records that follow `after` in this order."""
    if order is Order.DOUBTFUL:
        return _doubtful_first(wanted, own, after)
    return _newest_first(wanted, own, after, rare=_is_rare(connection, wanted, own))


def count(wanted: Wanted, own: Conditions) -> sa.Select[int]:
    """Select how many records are wanted."""
    of_all = [*own, *_conditions(wanted), *_less_confident(wanted)]
    return sa.select(sa.func.count()).select_from(uploads).where(*of_all)


def _newest_first(wanted: Wanted, own: Conditions, after: Cursor | None, *, rare: bool) -> sa.Select[Any]:
    query = sa.select(uploads).where(*own).order_by(uploads.c.id.desc())
    if after:
        query = query.where(uploads.c.id < after.id)
    if rare:
        doubtful = sa.select(uploads.c.id).where(*own, *_less_confident(wanted))
        return query.where(uploads.c.id.in_(doubtful), *_conditions(wanted, by_index=False))
    return query.where(*_conditions(wanted), *_less_confident(wanted, by_index=False))


def _doubtful_first(wanted: Wanted, own: Conditions, after: Cursor | None) -> sa.Select[Any]:
    place = uploads.c.confidence, uploads.c.id
    query = sa.select(uploads).where(*own).order_by(*place)
    if after:
        query = query.where(sa.tuple_(*place) > sa.tuple_(sa.literal(after.confidence), sa.literal(after.id)))
    return query.where(*_conditions(wanted, by_index=False), *_less_confident(wanted))


def _is_rare(connection: sa.Connection, wanted: Wanted, own: Conditions) -> bool:
    """Whether at most RARE records are below the wanted confidence, which are then sorted."""
    if wanted.confidence_below is None:
        return False
    doubtful = sa.select(uploads.c.id).where(*own, *_less_confident(wanted))
    some = doubtful.order_by(uploads.c.confidence).limit(RARE + 1)
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
