"""What is known of an upload, and what is asked about uploads; no SQL."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from digits.box import Box

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAGE = 500
"""Records that are found at once where all are gone through."""


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
    networks: Mapping[str, str] | None = None
    """Which files read it beside the model: the first 8 of each one's SHA-256, by its name. None in earlier records."""


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
