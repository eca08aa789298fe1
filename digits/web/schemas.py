"""Models of the JSON answers; /openapi.json is made from them, with their docstrings."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import AwareDatetime, BaseModel, Field, PlainSerializer, WithJsonSchema

from digits.uploads.models import Record
from digits.uploads.service import Upload
from digits.web.links import url_for
from digits.web.problems import KINDS

Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"), when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


class BoxAnswer(BaseModel, from_attributes=True):
    """A rectangle in pixels; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class DigitAnswer(BaseModel, from_attributes=True):
    """One digit as it was read."""

    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="Calibrated probability that this digit is right")
    probabilities: list[float] = Field(description="Of the digits 0 to 9; they sum to 1")
    box: BoxAnswer = Field(description="Where it is, in pixels of the upright picture")
    preview: str = Field("", description="With ?preview=true: what the model saw, 28x28, as a data URL")


class ImageAnswer(BaseModel, from_attributes=True):
    """The picture as it was sent; its width and height are those of the upright picture."""

    width: int
    height: int
    format: str = Field(examples=["PNG"])
    bytes: int
    sha256: str


class LinksAnswer(BaseModel):
    """URLs of this upload. If API keys are needed, those of pictures are signed: they need none for half an hour."""

    self: str
    image: str
    preview: str
    explanation: str


class AlternativeAnswer(BaseModel, from_attributes=True):
    """A number that may be written there."""

    number: str
    confidence: float = Field(description="Calibrated probability that this number is right")


class _Identified(BaseModel):
    id: str


class RecognitionAnswer(BaseModel):
    """What is written in a picture."""

    number: str = Field(description="All digits in reading order, with a line feed between lines", examples=["007"])
    text: str = Field(
        description="The number with the points, commas, minus signs, slashes and colons before and between its digits",
        examples=["-3.14"],
    )
    digit: int | None = Field(description="The digit, if there is exactly one")
    confidence: float = Field(description="Calibrated probability that `number` is right")
    recognised: bool = Field(description="False if the best guess is too doubtful")
    alternatives: list[AlternativeAnswer] = Field(
        [], description="With ?alternatives=: the likeliest numbers, the likeliest first; that is `number`"
    )
    digits: list[DigitAnswer]
    image: ImageAnswer
    model: str = Field(description="The model's name, and the first 8 characters of its file's SHA-256")
    networks: Mapping[str, str] | None = Field(
        description="By name, the same of each other network and of their calibration; null in older uploads",
        examples=[{"finder": "1a2b3c4d", "segmenter": "1a2b3c4d", "verifier": "1a2b3c4d", "calibration": "1a2b3c4d"}],
    )
    explanation: str = Field(
        "", description="With ?explanation=true: the picture, its ink coloured by how much it decided, as a data URL"
    )


class UploadAnswer(RecognitionAnswer, _Identified):
    """A picture that was kept, and what is written in it."""

    created_at: Timestamp
    label: str | None = Field(
        description="A person's correction: the number that is written there; empty if there is no digit"
    )
    labelled_at: Timestamp | None = Field(description="When it was corrected")
    links: LinksAnswer


class UploadsAnswer(BaseModel):
    """A page of uploads."""

    uploads: list[UploadAnswer]
    next: str | None = Field(description="The URL of the next page, if there is one")
    total: int = Field(0, description="With ?total=true: how many there are on all pages")


class DeletionAnswer(BaseModel):
    """What was deleted."""

    deleted: int = Field(description="How many uploads")


class ProblemAnswer(BaseModel):
    """RFC 9457: what went wrong, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class _Kept(BaseModel):
    status: Literal[201]


class _Read(BaseModel):
    status: Literal[200]


class KeptResult(UploadAnswer, _Kept):
    """One of several pictures, recognised and kept."""


class ReadResult(RecognitionAnswer, _Read):
    """One of several pictures, recognised and not kept."""


class RefusedResult(ProblemAnswer):
    """What is wrong with one of several pictures."""

    status: Annotated[
        int, WithJsonSchema({"type": "integer", "enum": sorted({kind.status for kind in KINDS.values()})})
    ]


Result = KeptResult | ReadResult | RefusedResult


class UploadsResults(BaseModel):
    """The results of several pictures, in the order of the request."""

    uploads: list[Result] = Field(
        description="The `status` of each is what the picture would have got alone: "
        "201 if it was kept, 200 if it was only read, or that of its problem"
    )


def recognition_answer(upload: Upload) -> RecognitionAnswer:
    """Return the answer to a picture that was not kept."""
    return RecognitionAnswer(**_read(upload.record))


def upload_answer(record: Record, url_for: Callable[..., str] = url_for) -> UploadAnswer:
    """Return the answer to a picture that was kept, now or earlier. Outside a request, give another `url_for`."""
    return UploadAnswer(
        id=record.id,
        created_at=record.created_at,
        label=record.label,
        labelled_at=record.labelled_at,
        links=LinksAnswer(
            self=url_for("uploads.one", key=record.id),
            image=url_for("uploads.image", key=record.id),
            preview=url_for("uploads.preview", key=record.id),
            explanation=url_for("uploads.explanation", key=record.id),
        ),
        **_read(record),
    )


def result(answer: UploadAnswer | RecognitionAnswer) -> KeptResult | ReadResult:
    """Return the answer as one of several."""
    fields = {name: getattr(answer, name) for name in answer.model_fields_set}
    return KeptResult(status=201, **fields) if isinstance(answer, UploadAnswer) else ReadResult(status=200, **fields)


def respond(answer: BaseModel, status: int = 200) -> Response:
    """Return an answer as a response of JSON."""
    return Response(as_json(answer), status, mimetype="application/json")


def as_json(answer: BaseModel) -> str:
    """Return an answer as JSON, without fields that were not set, such as previews that nobody asked for."""
    return answer.model_dump_json(exclude_unset=True)


def _read(record: Record) -> dict[str, Any]:
    return {
        "number": record.number,
        "text": record.text,
        "digit": record.digits[0].digit if len(record.digits) == 1 else None,
        "confidence": record.confidence,
        "recognised": record.recognised,
        "digits": record.digits,
        "image": record,
        "model": record.model,
        "networks": record.networks,
    }
