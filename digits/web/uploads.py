"""/uploads: recognise pictures, keep them, and give them back."""

import re

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from digits.errors import BadRequest, DigitsError, NotFound
from digits.explanation import explain
from digits.recognition import delete_upload, now
from digits.web.answers import (
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
from digits.web.incoming import json_object, pictures_in
from digits.web.problems import problem, tell
from digits.web.services import keep, recognise, services

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
MEDIA_TYPES = {"HEIC": "image/heic"}

LONGEST_LABEL = 1000
_LABEL = re.compile(r"([0-9]+(\n[0-9]+)*)?")
_LABELS = 'Give the number\'s digits as a string, "\\n" between lines, "" for no digit, or null to take a label back.'

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

bp = Blueprint("uploads", __name__, url_prefix="/uploads")


@bp.post("")
def create() -> ResponseReturnValue:
    store, preview = _flag("store", default=True), _flag("preview", default=False)
    pictures = pictures_in(request)
    if len(pictures) > 1:
        return respond(UploadsResults(uploads=[_result(data, store, preview) for data in pictures]), 207)
    answer = _recognised(pictures[0], store, preview)
    if not isinstance(answer, UploadAnswer):
        return respond(answer)
    response = respond(answer, 201)
    response.headers["Location"] = answer.links.self
    return response


@bp.get("")
def latest() -> ResponseReturnValue:
    limit = _limit()
    cursor = request.args.get("cursor")
    if cursor is not None and not _ID.fullmatch(cursor):
        raise BadRequest("`cursor` is not one that this server gave. Follow `next` from the first page.")
    records = services().records.latest(limit, before=cursor)
    following = url_for("uploads.latest", limit=limit, cursor=records[-1].id) if len(records) == limit else None
    return respond(UploadsAnswer(uploads=[upload_answer(record) for record in records], next=following))


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


def _recognised(data: bytes, store: bool, preview: bool) -> UploadAnswer | RecognitionAnswer:
    upload = recognise(data)
    if store:
        keep(upload)
    answer = upload_answer(upload.record) if store else recognition_answer(upload)
    return with_previews(answer, upload.grids) if preview else answer


def _result(data: bytes, store: bool, preview: bool) -> UploadAnswer | RecognitionAnswer | ProblemAnswer:
    """One of several: a picture that is refused does not spoil the others."""
    try:
        return _recognised(data, store, preview)
    except DigitsError as error:
        return ProblemAnswer.model_validate(problem(*tell(error)))


def _kept(key: str) -> bytes:
    """The picture of an upload, as it was sent."""
    at_hand = services()
    return at_hand.storage.get(at_hand.records.get(_checked(key)).id)


def _checked(key: str) -> str:
    if not _ID.fullmatch(key):
        raise NotFound("There is no upload with this id. Ids look like 0199f3a2-7c41-7b5e-9d3f-0123456789ab.")
    return key


def _flag(name: str, *, default: bool) -> bool:
    value = request.args.get(name)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise BadRequest(f"`{name}` is either true or false.")
    return value == "true"


def _limit() -> int:
    text = request.args.get("limit", str(DEFAULT_PAGE))
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= LARGEST_PAGE:
        raise BadRequest(f"`limit` is a whole number from 1 to {LARGEST_PAGE}.")
    return int(text)
