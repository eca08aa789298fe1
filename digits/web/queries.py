"""Read and check query parameters."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from digits.errors import BadRequest
from digits.uploads.models import ID, Order, Place, Record, Wanted

DEFAULT_PAGE, LARGEST_PAGE = 20, 100

Arguments = Mapping[str, str]
T = TypeVar("T")

_CONFIDENCE = re.compile(r"[01](\.[0-9]{1,20})?|[0-9](\.[0-9]{1,20})?e-[0-9]{1,2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the history to return."""

    wanted: Wanted
    order: Order
    limit: int
    after: Place | None
    total: bool
    """Whether to count the uploads of all pages."""

    def cursor_after(self, last: Record) -> str:
        """Return the cursor of the next page; it stays right if uploads are added or deleted meanwhile."""
        return last.id if self.order is Order.NEWEST else f"{last.confidence!r}_{last.id}"


def page_in(arguments: Arguments) -> Page:
    """Read which page of the history is asked for. Raises BadRequest if a parameter cannot be read, and names it."""
    order = _of(arguments, "order", _order) or Order.NEWEST
    return Page(
        Wanted(
            digit=_of(arguments, "digit", _digit),
            recognised=_of(arguments, "recognised", _true_or_false),
            labelled=_of(arguments, "labelled", _true_or_false),
            confidence_below=_of(arguments, "confidence_below", _confidence),
            since=_of(arguments, "since", _time),
            until=_of(arguments, "until", _time),
        ),
        order,
        _of(arguments, "limit", _limit) or DEFAULT_PAGE,
        _of(arguments, "cursor", _newest if order is Order.NEWEST else _doubtful),
        flag_in(arguments, "total", default=False),
    )


def flag_in(arguments: Arguments, name: str, *, default: bool) -> bool:
    """Read a parameter that is `true` or `false`. Raises BadRequest if it is something else."""
    given = _of(arguments, name, _true_or_false)
    return default if given is None else given


def _of(arguments: Arguments, name: str, read: Callable[[str], T]) -> T | None:
    """Read a parameter with a function; None if it is missing.

    Raises:
        BadRequest: the function raised ValueError; the message of that follows the parameter's name.
    """
    if (text := arguments.get(name)) is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise BadRequest(f"`{name}` is {error}.") from error


def _true_or_false(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("either true or false")
    return text == "true"


def _digit(text: str) -> int:
    if not re.fullmatch("[0-9]", text):
        raise ValueError("one digit, from 0 to 9")
    return int(text)


def _confidence(text: str) -> float:
    if not _CONFIDENCE.fullmatch(text):
        raise ValueError("a number from 0 to 1, such as 0.5")
    return float(text)


def _time(text: str) -> datetime:
    """Read a time, in UTC unless a zone is given. A day alone means its first moment.

    Raises:
        ValueError: it is not a time.
    """
    with suppress(ValueError, OverflowError):
        if _TIME.fullmatch(text):
            time = datetime.fromisoformat(text)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    raise ValueError("a day or a time, such as 2026-11-20 or 2026-11-20T21:35:00Z (in a URL, the + of a zone is %2B)")


def _order(text: str) -> Order:
    try:
        return Order(text)
    except ValueError:
        raise ValueError(f"one of {', '.join(Order)}") from None


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= LARGEST_PAGE:
        raise ValueError(f"a whole number from 1 to {LARGEST_PAGE}")
    return int(text)


def _newest(text: str) -> Place:
    if not ID.fullmatch(text):
        raise ValueError(_FOREIGN)
    return Place(text, 0)


def _doubtful(text: str) -> Place:
    confidence, _, key = text.partition("_")
    if not _CONFIDENCE.fullmatch(confidence) or not ID.fullmatch(key):
        raise ValueError(_FOREIGN)
    return Place(key, float(confidence))


_FOREIGN = "not one that this server gave for this order. Follow `next` from the first page"
