"""The Open Inference Protocol, version 2, under /v2: grids as tensors, for stock clients such as tritonclient.

https://github.com/kserve/open-inference-protocol, with its extension for binary data.
"""

import zlib

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from digits import __version__
from digits.errors import BadRequest, NotFound, TooLarge, UnsupportedRequest
from digits.grids import SIDE
from digits.web.problems import error_field, size_limit
from digits.web.scopes import public, recognises
from digits.web.services import services
from digits.web.tensors import INPUT, OUTPUTS, answer, parse

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header with the length of the JSON, if binary data follow it."""
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""What zlib must be told of each content encoding."""

bp = Blueprint("open_inference", __name__, url_prefix="/v2")
bp.register_error_handler(Exception, error_field)


@bp.get("/health/live")
@bp.get("/health/ready")
@public
def health() -> ResponseReturnValue:
    """Answer: a worker that serves has its model, and this protocol needs neither database nor storage."""
    return Response()


@bp.get("")
@recognises
def server() -> ResponseReturnValue:
    """Say what serves, and which extensions of the protocol it has."""
    return jsonify(name="digits", version=__version__, extensions=["binary_tensor_data"])


@bp.get("/models/<name>")
@bp.get("/models/<name>/versions/<version>")
@recognises
def model(name: str, version: str | None = None) -> ResponseReturnValue:
    """Describe the model's input and outputs; its version is the first 8 characters of its SHA-256."""
    name, version = _served(name, version)
    return jsonify(
        name=name,
        versions=[version],
        platform="litert",
        inputs=[{"name": INPUT, "datatype": "FP32", "shape": [-1, SIDE, SIDE]}],
        outputs=[{"name": each, "datatype": of.datatype, "shape": [-1, *of.shape]} for each, of in OUTPUTS.items()],
    )


@bp.get("/models/<name>/ready")
@bp.get("/models/<name>/versions/<version>/ready")
@recognises
def ready(name: str, version: str | None = None) -> ResponseReturnValue:
    """Answer if it is this model that serves."""
    _served(name, version)
    return Response()


@bp.post("/models/<name>/infer")
@bp.post("/models/<name>/versions/<version>/infer")
@recognises
def infer(name: str, version: str | None = None) -> ResponseReturnValue:
    """Classify grids, keeping nothing.

    Raises:
        BadRequest: the header with the JSON's length has none.
    """
    name, version = _served(name, version)
    length = request.headers.get(HEADER_LENGTH)
    if length is not None and not (length.isascii() and length.isdigit() and len(length) <= 10):
        raise BadRequest(f"The header {HEADER_LENGTH} is not a number of bytes.")
    asked, grids = parse(_unpacked(), None if length is None else int(length))
    predictions = services().recogniser.predict(grids)
    content, length_of_json = answer(asked, predictions, {"model_name": name, "model_version": version})
    if len(content) == length_of_json:
        return Response(content, mimetype="application/json")
    return Response(content, mimetype="application/octet-stream", headers={HEADER_LENGTH: str(length_of_json)})


def _served(name: str, version: str | None) -> tuple[str, str]:
    """The name and version of the model that serves, if they are these.

    Raises:
        NotFound: they are not.
    """
    served, _, its_version = services().recogniser.model.rpartition("@")
    if name != served or version not in (None, its_version):
        raise NotFound(f"There is no such model. The one that serves is {served}, version {its_version}.")
    return served, its_version


def _unpacked() -> bytes:
    """The request's body, decompressed.

    Raises:
        BadRequest: it cannot be decompressed.
        TooLarge: it would be larger than a body may be.
        UnsupportedRequest: the encoding is not known.
    """
    body, encoding = request.get_data(), request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding not in _WINDOW_BITS:
        raise UnsupportedRequest(f"The Content-Encoding {encoding} is not understood. Send gzip, deflate or none.")
    unpacking = zlib.decompressobj(_WINDOW_BITS[encoding])
    most = services().settings.max_bytes
    try:
        unpacked = unpacking.decompress(body, most)
    except zlib.error as error:
        raise BadRequest(f"The body is not valid {encoding}.") from error
    if unpacking.unconsumed_tail:
        raise TooLarge(size_limit(most))
    if not unpacking.eof:
        raise BadRequest(f"The body is not valid {encoding}: it broke off.")
    return unpacked
