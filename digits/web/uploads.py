"""/uploads: recognise pictures, keep them, and give them back."""

import re
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from digits.errors import BadRequest, DigitsError, NotFound
from digits.recognition.explanation import explain
from digits.uploads.database import ID
from digits.uploads.service import delete_upload, now
from digits.web.incoming import json_object, pictures_in
from digits.web.problems import problem, tell
from digits.web.queries import flag_in, page_in
from digits.web.schemas import (
    ProblemAnswer,
    RecognitionAnswer,
    UploadAnswer,
    UploadsAnswer,
    UploadsResults,
    png,
    recognition_answer,
    respond,
    upload_answer,
    with_previews,
)
from digits.web.services import keep, recognise, services

MEDIA_TYPES = {"HEIC": "image/heic"}

LONGEST_LABEL = 1000
_LABEL = re.compile(r"([0-9]+(\n[0-9]+)*)?")
_LABELS = 'Give the number\'s digits as a string, "\\n" between lines, "" for no digit, or null to take a label back.'

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")

bp = Blueprint("uploads", __name__, url_prefix="/uploads")


@bp.post("")
def create() -> ResponseReturnValue:
    store, preview = flag_in(request.args, "store", default=True), flag_in(request.args, "preview", default=False)
    pictures = pictures_in(request)
    keys = _idempotency_keys(len(pictures))
    if len(pictures) > 1:
        results = [_result(data, store, preview, key) for data, key in zip(pictures, keys, strict=True)]
        return respond(UploadsResults(uploads=results), 207)
    answer = _recognised(pictures[0], store, preview, keys[0])
    if not isinstance(answer, UploadAnswer):
        return respond(answer)
    response = respond(answer, 201)
    response.headers["Location"] = answer.links.self
    return response


@bp.get("")
def history() -> ResponseReturnValue:
    page = page_in(request.args)
    at_hand = services().records
    records = at_hand.find(page.wanted, page.limit, page.after, page.order)
    following = None
    if len(records) == page.limit:
        asked = request.args.to_dict() | {"cursor": page.cursor_after(records[-1])}
        following = f"{url_for('uploads.history')}?{urlencode(asked)}"
    counted = {"total": at_hand.count(page.wanted)} if page.total else {}
    return respond(UploadsAnswer(uploads=[upload_answer(record) for record in records], next=following, **counted))


@bp.get("/<key>")
def one(key: str) -> ResponseReturnValue:
    return respond(upload_answer(services().records.get(_checked(key))))


@bp.get("/<key>/image")
def image(key: str) -> ResponseReturnValue:
    record = services().records.get(_checked(key))
    response = Response(mimetype=MEDIA_TYPES.get(record.format, f"image/{record.format.lower()}"))
    response.set_etag(record.sha256)
    # Asked for again each time, so that what is deleted is gone from the browser too.
    response.headers["Cache-Control"] = "private, no-cache"
    # Bytes that a stranger sent: shown as a picture and as nothing else.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if not request.if_none_match.contains(record.sha256):
        response.data = services().storage.get(record.id)
    return response.make_conditional(request)


@bp.get("/<key>/preview.png")
def preview(key: str) -> ResponseReturnValue:
    return Response(png(recognise(_kept(key)).grids), mimetype="image/png")


@bp.get("/<key>/explanation.png")
def explanation(key: str) -> ResponseReturnValue:
    at_hand = services()
    picture = explain(_kept(key), at_hand.recogniser, at_hand.settings.max_pixels)
    return Response(picture, mimetype="image/png")


@bp.patch("/<key>")
def label(key: str) -> ResponseReturnValue:
    said = json_object(request)
    if "label" not in said:
        raise BadRequest(f'The JSON object needs the field "label". {_LABELS}')
    text = said["label"]
    if text is not None and not (isinstance(text, str) and len(text) <= LONGEST_LABEL and _LABEL.fullmatch(text)):
        raise BadRequest(f"This is not a label. {_LABELS}")
    at = None if text is None else now()
    return respond(upload_answer(services().records.label(_checked(key), text, at)))


@bp.delete("/<key>")
def delete(key: str) -> ResponseReturnValue:
    delete_upload(_checked(key), services().storage, services().records)
    return Response(status=204)


def _recognised(data: bytes, store: bool, preview: bool, key: str | None) -> UploadAnswer | RecognitionAnswer:
    upload = recognise(data)
    record = keep(upload, key) if store else upload.record
    answer = upload_answer(record) if store else recognition_answer(upload)
    # What another model once read, this one may have seen otherwise.
    return with_previews(answer, upload.grids) if preview and record.model == upload.record.model else answer


def _result(
    data: bytes, store: bool, preview: bool, key: str | None
) -> UploadAnswer | RecognitionAnswer | ProblemAnswer:
    """One of several: a picture that is refused does not spoil the others."""
    try:
        return _recognised(data, store, preview, key)
    except DigitsError as error:
        return ProblemAnswer.model_validate(problem(*tell(error)))


def _idempotency_keys(count: int) -> list[str | None]:
    """That of each picture: the request's, of the origin that asks, since no other is to learn what came under it."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return [None] * count
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 255 visible ASCII characters without a space, such as a UUID.")
    origin = request.headers.get("Origin", "")
    return [f"{key} {place} {origin}" for place in range(count)]


def _kept(key: str) -> bytes:
    """The picture of an upload, as it was sent."""
    at_hand = services()
    return at_hand.storage.get(at_hand.records.get(_checked(key)).id)


def _checked(key: str) -> str:
    if not ID.fullmatch(key):
        raise NotFound("There is no upload with this id. Ids look like 0199f3a2-7c41-7b5e-9d3f-0123456789ab.")
    return key
