"""Query parameters. One field of a model parses each, makes its error sentence, and describes it in /openapi.json."""

import re
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from digits.errors import BadRequest
from digits.recognition.alternatives import MOST
from digits.spelling import meant
from digits.uploads.models import ID, Cursor, Order, Record, Wanted

LARGEST_PAGE = 100

_CONFIDENCE = re.compile(r"[01](\.[0-9]{1,20})?|[0-9](\.[0-9]{1,20})?e-[0-9]{1,2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?)?")
_CURSORS = {Order.NEWEST: ID, Order.DOUBTFUL: re.compile(f"({_CONFIDENCE.pattern})_{ID.pattern}")}
_EITHER = "either true or false"
_WHEN = "a day or a time, such as 2026-11-20 or 2026-11-20T21:35:00Z (in a URL, the + of a zone is %2B)"


def _like(pattern: re.Pattern[str]) -> BeforeValidator:
    """Accept only texts of this form; pydantic alone also accepts " 5", "1_000" and "yes"."""

    def checked(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return BeforeValidator(checked)


def _time(text: str) -> datetime:
    """Parse a time, in UTC unless it has a zone; a day is its first moment.

    Raises:
        ValueError: it is neither.
    """
    with suppress(OverflowError):
        if _TIME.fullmatch(text):
            time = datetime.fromisoformat(text)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    raise ValueError


Flag = Annotated[bool, _like(re.compile("true|false"))]
Alternatives = Annotated[int, Field(ge=1, le=MOST), _like(re.compile("[0-9]{1,2}"))]
Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE), _like(re.compile("[0-9]{1,3}"))]
OneDigit = Annotated[int, Field(ge=0, le=9), _like(re.compile("[0-9]"))]
Confidence = Annotated[float, Field(ge=0, le=1), _like(_CONFIDENCE)]
Time = Annotated[
    datetime,
    BeforeValidator(_time),
    WithJsonSchema({"anyOf": [{"type": "string", "format": each} for each in ("date", "date-time")]}),
]
Number = Annotated[str, Field(pattern=r"^[0-9]+(\n[0-9]+)*$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$"), AfterValidator(str.lower)]
Sorting = Annotated[Order, WithJsonSchema({"type": "string", "enum": list(Order)})]
Absent = SkipJsonSchema[None]
"""Type of a parameter that is missing. A client cannot send this value."""


class Query(BaseModel, frozen=True, extra="forbid"):
    """Parameters of a URL. A field's title says what it does, and its description what it must be.

    The description ends the error sentence. `cursor` has one of its own, since what it must be depends on `order`.
    """

    @classmethod
    def of(cls, arguments: dict[str, str]) -> Self:
        """Parse and check the parameters.

        Raises:
            BadRequest: one is wrong, or there is no such parameter; the sentence names it.
        """
        try:
            return cls.model_validate(arguments)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            if name in cls.model_fields:
                raise BadRequest(f"`{name}` is {cls.model_fields[name].description}.") from error
            raise BadRequest(f"There is no parameter `{name}`. {cls._instead_of(name)}") from error

    @classmethod
    def _instead_of(cls, name: str) -> str:
        """A sentence that names the parameter that is spelt most alike, or all there are."""
        if alike := meant(name, cls.model_fields):
            return f"Did you mean `{alike}`?"
        return f"It may be one of {', '.join(f'`{field}`' for field in cls.model_fields)}."


_ALTERNATIVES = Field(None, title="Rank this many numbers at most", description=f"a whole number from 1 to {MOST}")


class AnswerQuery(Query, frozen=True):
    """Parameters of GET /uploads/{id}."""

    alternatives: Alternatives | Absent = _ALTERNATIVES


class UploadQuery(Query, frozen=True):
    """Parameters of POST /uploads."""

    store: Flag = Field(True, title="Keep the pictures", description=_EITHER)
    preview: Flag = Field(False, title="Send what the model saw of each digit", description=_EITHER)
    alternatives: Alternatives | Absent = _ALTERNATIVES
    explanation: Flag = Field(
        False, title="Send the picture, its ink coloured by how much it decided", description=_EITHER
    )


class DeletionQuery(Query, frozen=True):
    """Parameters of DELETE /uploads."""

    before: Time = Field(title="Delete those that arrived before then", description=_WHEN)


class HistoryQuery(Query, frozen=True):
    """Parameters of GET /uploads."""

    limit: Limit = Field(20, title="Uploads on a page", description=f"a whole number from 1 to {LARGEST_PAGE}")
    order: Sorting = Field(Order.NEWEST, title="Which come first", description=f"one of {', '.join(Order)}")
    cursor: str | Absent = Field(
        None, title="Where the page starts", description="where the page before ended, as its `next` has it"
    )
    digit: OneDigit | Absent = Field(None, title="Only those read as this digit", description="one digit, from 0 to 9")
    number: Number | Absent = Field(
        None,
        title="Only those read as exactly this number",
        description="digits, such as 42 or 007, with a line feed between lines (in a URL, %0A)",
    )
    sha256: Sha256 | Absent = Field(
        None,
        title="Only those of this file",
        description="the SHA-256 of the picture as it was sent, 64 hexadecimal digits",
    )
    recognised: Flag | Absent = Field(None, title="Only those that were, or were not, recognised", description=_EITHER)
    labelled: Flag | Absent = Field(None, title="Only those that were, or were not, labelled", description=_EITHER)
    confidence_below: Confidence | Absent = Field(
        None, title="Only those less confident", description="a number from 0 to 1, such as 0.5"
    )
    since: Time | Absent = Field(None, title="Only those from then on", description=_WHEN)
    until: Time | Absent = Field(None, title="Only those before", description=_WHEN)
    total: Flag = Field(False, title="Count the uploads of all pages", description=_EITHER)

    @property
    def wanted(self) -> Wanted:
        """Which uploads are asked for."""
        return Wanted(**{field.name: getattr(self, field.name) for field in fields(Wanted)})

    @property
    def after(self) -> Cursor | None:
        """Where this page starts; None for the first.

        Raises:
            BadRequest: the cursor is of another order, or was made up.
        """
        if self.cursor is None:
            return None
        if not _CURSORS[self.order].fullmatch(self.cursor):
            raise BadRequest(
                "`cursor` is not one that this server gave for this order. Follow `next` from the first page."
            )
        confidence, _, key = self.cursor.rpartition("_")
        return Cursor(key, float(confidence or 0))

    def cursor_after(self, last: Record) -> str:
        """Where the next page starts, even if uploads are added or deleted meanwhile."""
        return last.id if self.order is Order.NEWEST else f"{last.confidence!r}_{last.id}"
