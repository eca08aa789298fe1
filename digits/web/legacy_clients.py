"""The URLs of older systems, so that their clients work unmodified."""

from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from digits.errors import BadRequest, TooLarge
from digits.grids import SIDE, Grid
from digits.stepwise import finished
from digits.web.incoming import base64_picture, json_object, pictures_in
from digits.web.problems import error_field, headers_of, size_limit, tell
from digits.web.scopes import recognises
from digits.web.services import count_reading, keeping, recognise, services

MOST_FORM_BYTES = 100_000
"""Of a form with 784 values, which take some 20 kB. Millions of fields would take seconds, and half a gigabyte."""
SPANISH = ("Cero", "Uno", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete", "Ocho", "Nueve")

# One for each form in which errors are answered.
upload_bp = Blueprint("upload", __name__)
predict_bp = Blueprint("predict", __name__)
predict_bp.register_error_handler(Exception, error_field)
pixeles_bp = Blueprint("pixeles", __name__)


@upload_bp.post("/upload")
@recognises
def upload() -> ResponseReturnValue:
    """Answer a multipart file with a JSON string, for the Angular client of mnist-neural-network.

    Raises:
        BadRequest: there are several files.
    """
    pictures = pictures_in(request.environ, request.get_data())
    if len(pictures) > 1:
        raise BadRequest("/upload takes one file at a time. Send several to /uploads.")
    upload = recognise(pictures[0])
    count_reading(upload)
    finished(keeping(upload, services()))
    return jsonify(upload.record.number)


@predict_bp.post("/predict")
@recognises
def predict() -> ResponseReturnValue:
    """Answer 784 numbers (users of mnist-classifier), or a data URL (page of MNIST Digit Classification).

    The answer is an integer, which these clients expect: of several digits the whole number, its lines joined, without
    leading zeros.

    Raises:
        BadRequest: the JSON object has neither.
    """
    body = json_object(request.get_data())
    if "data" in body:
        return jsonify(prediction=services().recogniser.predict([_grid(body["data"])])[0].digit)
    if "image" not in body:
        raise BadRequest('The JSON object needs "data", 784 numbers, or "image", a data URL.')
    upload = recognise(base64_picture(body["image"]))
    count_reading(upload)
    if shadow := services().shadow:
        shadow.offer(upload)
    return jsonify(prediction=int(upload.record.number.replace("\n", "")))


@pixeles_bp.post("/")
@recognises
def pixeles() -> ResponseReturnValue:
    """Answer a form field of 784 values from 0 to 1 with a line of Spanish text, for the page of NN_numbers.

    Raises:
        TooLarge: the form is much larger than that.
    """
    if len(request.get_data()) > MOST_FORM_BYTES:
        raise TooLarge(size_limit(MOST_FORM_BYTES))
    grid = _grid(request.form.get("pixeles", "").split(","))
    prediction = services().recogniser.predict([grid])[0]
    text = f"Prediccion: {SPANISH[prediction.digit]}, Accuracy: {prediction.confidence:.2f}"
    return Response(text, mimetype="text/plain")


@pixeles_bp.errorhandler(Exception)
def _as_text(error: Exception) -> ResponseReturnValue:
    """Answer an error as plain text, which the page of NN_numbers shows as it is; a bad request in Spanish."""
    kind, detail = tell(error)
    if isinstance(error, BadRequest):
        detail = f"el campo pixeles debe tener {SIDE * SIDE} valores de 0 a 1 separados por comas."
    return Response(f"Error: {detail}", kind.status, headers_of(kind), mimetype="text/plain")


def _grid(values: Any) -> Grid:
    """Make a grid, uint8 (28, 28), of 784 numbers from 0 to 1 or from 0 to 255, white on black.

    Raises:
        BadRequest: the values are not these.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest("`data` holds something that is not a number.") from error
    if array.size != SIDE * SIDE:
        raise BadRequest(f"`data` holds {array.size} values; a picture of {SIDE}x{SIDE} pixels has {SIDE * SIDE}.")
    # Written so that NaN is refused too: comparing it gives false.
    if not (array.min() >= 0 and array.max() <= 255):
        raise BadRequest("`data` holds values outside 0 to 1, or 0 to 255.")
    scale = 255 if array.max() <= 1 else 1
    return np.rint(array * scale).astype(np.uint8).reshape(SIDE, SIDE)
