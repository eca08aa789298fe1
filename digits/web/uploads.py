"""The URLs under /uploads: recognise pictures and keep them; find, correct and delete uploads."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue

from digits.audit import note
from digits.errors import BadRequest, NotFound
from digits.stepwise import finished
from digits.uploads.models import ID, is_label
from digits.uploads.retention import delete_before
from digits.uploads.service import delete_upload, now
from digits.web.exchange import Exchange
from digits.web.extras import png, with_alternatives
from digits.web.incoming import json_object
from digits.web.links import url_for
from digits.web.post_uploads import post_uploads
from digits.web.queries import AnswerQuery, DeletionQuery, HistoryQuery
from digits.web.schemas import DeletionAnswer, UploadsAnswer, respond, upload_answer
from digits.web.scopes import recognises
from digits.web.services import explained, recognise, services

BEGUN = "digits.begun"
"""Key under which the fast path puts work that it has begun into a request's environ."""

_LABELS = (
    "Give the number's digits alone as a string, without points or signs, "
    '"\\n" between lines, "" for no digit, or null to take a label back.'
)

bp = Blueprint("uploads", __name__, url_prefix="/uploads")


@bp.after_request
def _keep_from_caches(response: Response) -> Response:
    """Let no proxy keep what is one owner's, and browsers ask each time, so that what is deleted is gone there too."""
    if request.method != "POST":  # What is answered to that, no cache keeps.
        response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.post("")
@recognises
def create() -> ResponseReturnValue:
    """Recognise pictures and keep them, or go on with what the fast path has begun."""
    work = request.environ.pop(BEGUN, None) or post_uploads(request.environ, request.get_data(), services(), url_for)
    reply = finished(work)
    response = respond(reply.answer, reply.status)
    response.headers.update(reply.headers)
    return response


@bp.get("")
def history() -> ResponseReturnValue:
    """Send a page of the uploads, and the URL of the next page."""
    arguments = request.args.to_dict()
    query = HistoryQuery.of(arguments)
    at_hand = services().records
    found = at_hand.find(query.wanted, query.limit + 1, query.after, query.order)
    records, following = found[: query.limit], None
    if len(found) > len(records):
        asked = arguments | {"cursor": query.cursor_after(records[-1])}
        following = f"{flask_url_for('uploads.history')}?{urlencode(asked)}"
    counted = {"total": at_hand.count(query.wanted)} if query.total else {}
    return respond(UploadsAnswer(uploads=[upload_answer(record) for record in records], next=following, **counted))


@bp.delete("")
def delete_old() -> ResponseReturnValue:
    """Delete all uploads that arrived before some time, and say how many there were."""
    before = DeletionQuery.of(request.args.to_dict()).before
    at_hand = services()
    deleted = delete_before(min(before, now()), at_hand.storage, at_hand.records)
    _note("uploads deleted", before=before.isoformat(), count=deleted)
    return respond(DeletionAnswer(deleted=deleted))


@bp.get("/<key>")
def one(key: str) -> ResponseReturnValue:
    """Send the record of an upload."""
    query = AnswerQuery.of(request.args.to_dict())
    answer = upload_answer(services().records.get(_checked(key)))
    return respond(with_alternatives(answer, query.alternatives) if query.alternatives else answer)


@bp.get("/<key>/image")
def image(key: str) -> ResponseReturnValue:
    """Send the picture as it was uploaded, unless the browser has it."""
    record = services().records.get(_checked(key))
    response = Response(mimetype=f"image/{record.format.lower()}")
    response.set_etag(record.sha256)
    # A stranger sent these bytes: a browser must treat them as a picture, and as nothing else.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if not request.if_none_match.contains(record.sha256):
        response.data = services().storage.get(record.id)
    return response.make_conditional(request)


@bp.get("/<key>/preview.png")
def preview(key: str) -> ResponseReturnValue:
    """Read the picture again, and send the digits as the current model sees them."""
    return Response(png(recognise(_kept(key)).grids), mimetype="image/png")


@bp.get("/<key>/explanation.png")
def explanation(key: str) -> ResponseReturnValue:
    """Read the picture again, and send it with its ink coloured by how much it decided."""
    return Response(explained(_kept(key), services()), mimetype="image/png")


@bp.patch("/<key>")
def label(key: str) -> ResponseReturnValue:
    """Keep a person's correction, or remove it.

    Raises:
        BadRequest: the body has no label, or one that cannot be kept.
    """
    said = json_object(request.get_data())
    if "label" not in said:
        raise BadRequest(f'The JSON object needs the field "label". {_LABELS}')
    text = said["label"]
    if text is not None and not (isinstance(text, str) and is_label(text)):
        raise BadRequest(f"This is not a label. {_LABELS}")
    at = None if text is None else now()
    record = services().records.label(_checked(key), text, at)
    _note("label removed" if text is None else "labelled", upload_id=key, label=text)
    return respond(upload_answer(record))


@bp.delete("/<key>")
def delete(key: str) -> ResponseReturnValue:
    """Delete the picture and the record of an upload."""
    delete_upload(_checked(key), services().storage, services().records)
    _note("upload deleted", upload_id=key)
    return Response(status=204)


def _kept(key: str) -> bytes:
    """Return the picture of an upload, as it was sent."""
    at_hand = services()
    return at_hand.storage.get(at_hand.records.get(_checked(key)).id)


def _note(event: str, **about: str | int | None) -> None:
    """Write a line of the audit log about what the current request has done."""
    exchange = Exchange.of(request.environ)
    who = {"owner": exchange.key.owner, "key_id": exchange.key.id} if exchange.key else {}
    note(event, **about, **who, client=exchange.client, request_id=exchange.request_id)


def _checked(key: str) -> str:
    if not ID.fullmatch(key):
        raise NotFound("There is no upload with this id. Ids look like 0199f3a2-7c41-7b5e-9d3f-0123456789ab.")
    return key
