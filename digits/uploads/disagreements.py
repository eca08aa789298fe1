"""Kept uploads that a shadow reads differently, in SQLite or PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from digits.uploads.database import record_of
from digits.uploads.engine import begin
from digits.uploads.models import Record
from digits.uploads.schema import disagreements, uploads


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An upload, and what another model than that of its record reads in it."""

    upload: Record
    shadow: str
    """The other model, as NAME@HASH."""
    shadow_number: str
    shadow_confidence: float
    """The probability that all digits of the other number are right."""


class Disagreements(Protocol):
    """A database of disagreements. Each is deleted with its upload."""

    def add(self, disagreement: Disagreement) -> None:
        """Keep it, unless its upload is gone."""

    def find(self, limit: int) -> Sequence[Disagreement]:
        """Return as many, those of the newest uploads first, with the uploads as they are now."""


class SqlDisagreements:
    """Disagreements in SQLite or PostgreSQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, disagreement: Disagreement) -> None:
        """Insert it if there is its upload."""
        values = [getattr(disagreement, name) for name in ("shadow", "shadow_number", "shadow_confidence")]
        row = sa.select(uploads.c.id, *map(sa.literal, values)).where(uploads.c.id == disagreement.upload.id)
        with begin(self._engine) as connection:
            connection.execute(sa.insert(disagreements).from_select(disagreements.columns.keys(), row))

    def find(self, limit: int) -> Sequence[Disagreement]:
        """Select them with their uploads."""
        both = sa.select(uploads, disagreements).join_from(disagreements, uploads)
        newest = both.order_by(disagreements.c.upload_id.desc(), disagreements.c.shadow).limit(limit)
        with begin(self._engine) as connection:
            return [
                Disagreement(record_of(row), row.shadow, row.shadow_number, row.shadow_confidence)
                for row in connection.execute(newest)
            ]
