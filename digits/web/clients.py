"""The URLs of older systems, so that their clients work unmodified."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from digits.errors import BadRequest, DigitsError
from digits.grids import SIDE, Grid
from digits.recognition import keep_upload, recognise_upload
from digits.web.incoming import base64_picture, json_object, pictures_in
from digits.web.problems import report
from digits.web.services import services

SPANISH = ("Cero", "Uno", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete", "Ocho", "Nueve")

bp = Blueprint("clients", __name__)


@bp.post("/upload")
def upload() -> ResponseReturnValue:
    """The Angular client of mnist-neural-network: a multipart file for a JSON string."""
    at_hand = services()
    pictures = pictures_in(request)
    if len(pictures) > 1:
        raise BadRequest("/upload takes one file at a time. Send several to /uploads.")
    upload = recognise_upload(pictures[0], at_hand.recogniser, at_hand.settings.max_pixels)
    keep_upload(upload, at_hand.storage, at_hand.records)
    return jsonify(upload.record.number)


def _told_as_error(view: Callable[[], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    """Those who call /predict look for the field `error`."""

    @wraps(view)
    def wrapped() -> ResponseReturnValue:
        try:
            return view()
        except DigitsError as error:
            return jsonify(error=str(error)), report(error).status

    return wrapped


@bp.post("/predict")
@_told_as_error
def predict() -> ResponseReturnValue:
    """mnist-classifier sends 784 numbers, the page of MNIST Digit Classification a drawing as a data URL."""
    at_hand = services()
    body = json_object(request)
    if "data" in body:
        return jsonify(prediction=at_hand.recogniser.predict([_grid(body["data"])])[0].digit)
    if "image" not in body:
        raise BadRequest('The JSON object needs "data", 784 numbers, or "image", a data URL.')
    upload = recognise_upload(base64_picture(body["image"]), at_hand.recogniser, at_hand.settings.max_pixels)
    surest = max(upload.record.digits, key=lambda digit: digit.confidence)
    return jsonify(prediction=surest.digit)


@bp.post("/")
def pixeles() -> ResponseReturnValue:
    """NN_numbers: a form field of 784 values from 0 to 1, for a line of text in its page's language."""
    try:
        values = [float(value) for value in request.form["pixeles"].split(",")]
        grid = _grid(values)
    except (KeyError, ValueError, BadRequest):
        text = f"Error: el campo pixeles debe tener {SIDE * SIDE} valores de 0 a 1 separados por comas."
        return Response(text, 400, mimetype="text/plain")
    prediction = services().recogniser.predict([grid])[0]
    text = f"Prediccion: {SPANISH[prediction.digit]}, Accuracy: {prediction.confidence:.2f}"
    return Response(text, mimetype="text/plain")


def _grid(values: Any) -> Grid:
    """784 numbers, 0..1 or 0..255, white on black -> uint8 (28, 28). Raises BadRequest."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest("`data` holds something that is not a number.") from error
    if array.size != SIDE * SIDE:
        raise BadRequest(f"`data` holds {array.size} values; a picture of {SIDE}x{SIDE} pixels has {SIDE * SIDE}.")
    # Written so that NaN, which compares as false, is refused too.
    if not (array.min() >= 0 and array.max() <= 255):
        raise BadRequest("`data` holds values outside 0 to 1, or 0 to 255.")
    scale = 255 if array.max() <= 1 else 1
    return np.rint(array * scale).astype(np.uint8).reshape(SIDE, SIDE)
