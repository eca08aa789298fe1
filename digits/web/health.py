"""Liveness and readiness of a worker, for load balancers and container platforms, and metrics for Prometheus."""

import logging

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from digits.errors import DigitsError, Unavailable
from digits.metrics import exposition
from digits.uploads.blobs import Storage
from digits.uploads.models import Records
from digits.web.scopes import public
from digits.web.services import services

bp = Blueprint("health", __name__)
metrics_bp = Blueprint("metrics", __name__)

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


@metrics_bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Send the metrics of all workers."""
    return Response(exposition(), content_type=CONTENT_TYPE_LATEST)


def _answers(part: Records | Storage) -> bool:
    try:
        part.check()
    except DigitsError as error:
        log.warning("%s", error.with_cause)
        return False
    return True
