"""Records of uploads, and what may be asked of them, without SQL."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from digits.box import Box

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An upload's id, a UUID."""
LABEL = re.compile(r"([0-9]+(\n[0-9]+)*)?")
"""What a person says is written there: the digits, with a line feed between lines; empty if there is none."""
LONGEST_LABEL = 1000
PAGE = 500
"""Records in one query, when all are gone through."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit as it was read, and its box in the upright picture."""

    digit: int
    confidence: float
    probabilities: tuple[float, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an upload: a row of the table `uploads`. Times are in UTC."""

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
    networks: Mapping[str, str] | None = field(default=None, hash=False)
    """Which files read it beside the model: the first 8 of each one's SHA-256, by its name. None in earlier records."""
    owner: str | None = None
    """Whose API key it was sent with; None if no key was needed then."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions on records; a record must meet all that are not None."""

    digit: int | None = None
    """The number is this one digit."""
    recognised: bool | None = None
    labelled: bool | None = None
    confidence_below: float | None = None
    since: datetime | None = None
    """The upload arrived then or later."""
    until: datetime | None = None
    """The upload arrived before this time."""
    number: str | None = None
    """The number is exactly this, with a line feed between lines."""
    sha256: str | None = None
    """The SHA-256 of the picture as it was sent, in small hexadecimal digits."""


class Order(StrEnum):
    """Which records come first."""

    NEWEST = "newest"
    DOUBTFUL = "confidence"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in an order: that of a record, which may have been deleted."""

    id: str
    confidence: float


class Records(Protocol):
    """A database of records. Every method raises Unavailable if it does not answer."""

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        """Keep all records; once this returns they are safe. Return the record that is kept for each.

        That is the given one, or an earlier one with the same idempotency key.
        """

    def get(self, key: str) -> Record:
        """Return the record of an upload.

        Raises:
            NotFound: there is none.
        """

    def find(
        self, wanted: Wanted, limit: int, after: Cursor | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        """Return the first `limit` of the wanted records, or the first that follow the place `after`."""

    def count(self, wanted: Wanted) -> int:
        """Return how many records are wanted."""

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        """Set a person's correction and its time, or remove it with None. Return the record with it.

        Raises:
            NotFound: there is no such record.
        """

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the keys that have a record."""

    def delete(self, keys: Collection[str]) -> int:
        """Delete these records, and return how many there were."""

    def of(self, owner: str) -> "Records":
        """Return the records of this owner alone; to the others they are as if there were none."""

    def check(self) -> None:
        """Return if the database answers."""


def every(records: Records, wanted: Wanted) -> Iterator[Record]:
    """Yield all wanted records, newest first."""
    after = None
    while page := records.find(wanted, PAGE, after):
        yield from page
        after = Cursor(page[-1].id, page[-1].confidence)


def is_label(text: str) -> bool:
    """Whether this is a LABEL, and not too long."""
    return len(text) <= LONGEST_LABEL and LABEL.fullmatch(text) is not None


def first_id(time: datetime) -> str:
    """Return a text that sorts before the ids (UUIDv7) of that millisecond and later, and after all earlier ids."""
    # Not timestamp(): its floats are sometimes a millisecond off.
    milliseconds = max(0, -((EPOCH - time) // timedelta(milliseconds=1)))
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}"
