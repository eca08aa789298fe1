"""Liveness and readiness of a worker, for load balancers and container platforms."""

import logging

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from digits.errors import DigitsError, Unavailable
from digits.uploads.blobs import Storage
from digits.uploads.models import Records
from digits.web.cors import public
from digits.web.services import services

bp = Blueprint("health", __name__)

log = logging.getLogger(__name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Answer as long as the process lives, whatever the state of database and storage."""
    return jsonify(status="alive")


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Answer with the model's name if the database and the storage answer.

    Raises:
        Unavailable: one or both do not; the sentence names them.
    """
    at_hand = services()
    away = [name for name, part in (("database", at_hand.records), ("storage", at_hand.storage)) if not _answers(part)]
    if away:
        raise Unavailable(f"No answer from the {' and the '.join(away)}.")
    return jsonify(status="ready", model=at_hand.recogniser.model, networks=at_hand.recogniser.networks)


def _answers(part: Records | Storage) -> bool:
    try:
        part.check()
    except DigitsError as error:
        log.warning("%s (%r)", error, error.__cause__)
        return False
    return True
