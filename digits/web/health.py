"""Whether the process lives, and whether it can work."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from digits.web.services import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    return jsonify(status="alive")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Raises Unavailable, naming the part, where the database or the storage does not answer."""
    at_hand = services()
    at_hand.records.check()
    at_hand.storage.check()
    return jsonify(status="ready", model=at_hand.recogniser.model)
