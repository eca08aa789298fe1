"""Tensors of the Open Inference Protocol: the grids in a request, and the outputs in its answer."""

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, FailFast, ValidationError

from digits.errors import BadRequest
from digits.grids import SIDE, Grid
from digits.inference.recogniser import Prediction
from digits.web.incoming import json_object

INPUT = "grids"
"""The one input: white ink on black, from 0 to 1, or from 0 to 255 if it is UINT8."""
SHAPES = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
"""Shapes in which one grid is accepted."""
MOST_GRIDS = 1000
"""In one request: they take a thread about 2 s."""
INPUT_TYPES = {"FP32": "<f4", "FP64": "<f8", "FP16": "<f2", "UINT8": "u1"}
"""Datatypes of the input, and NumPy's names for them."""


class Output(NamedTuple):
    """The datatype of an output, NumPy's name for it, and its shape for one grid."""

    datatype: str
    dtype: str
    shape: tuple[int, ...]


OUTPUTS = {
    "digit": Output("INT64", "<i8", ()),
    "confidence": Output("FP32", "<f4", ()),
    "probabilities": Output("FP32", "<f4", (10,)),
}
"""As in `Prediction`: confidence is that there is a digit, and this one; the probabilities are of each if there is."""


T = TypeVar("T")
_List = Annotated[list[T], FailFast()]
"""Without FailFast, each wrong item of a long list costs an error of its own."""


class _Parameters(BaseModel, extra="allow"):
    binary_data_size: int | None = None
    binary_data: bool | None = None


class _Input(BaseModel):
    name: str
    shape: _List[int]
    datatype: str
    parameters: _Parameters = _Parameters()
    data: list[Any] = []


class _Output(BaseModel):
    name: str
    parameters: _Parameters = _Parameters()


class _Options(BaseModel):
    """Others, such as a priority, change nothing here."""

    binary_data_output: bool = False


class InferenceRequest(BaseModel):
    """The JSON of a request."""

    inputs: _List[_Input]
    id: str | None = None
    outputs: _List[_Output] = []
    parameters: _Options = _Options()


def parse(body: bytes, header_length: int | None) -> tuple[InferenceRequest, list[Grid]]:
    """Parse a request's body: JSON, whose length is given if binary data follow it.

    Raises:
        BadRequest: it is not a request of the protocol, or not one for this model.
    """
    try:
        asked = InferenceRequest.model_validate(json_object(body[:header_length]))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRequest(f"`{'.'.join(map(str, first['loc']))}` of the request: {first['msg']}.") from error
    if [tensor.name for tensor in asked.inputs] != [INPUT]:
        raise BadRequest(f"The model takes one input, `{INPUT}`.")
    names = [output.name for output in asked.outputs]
    if len(set(names)) < len(names):
        raise BadRequest("An output is asked for twice.")
    for output in asked.outputs:
        if output.name not in OUTPUTS:
            raise BadRequest(f"The model has no output `{output.name}`. Its outputs are {', '.join(OUTPUTS)}.")
        if unknown := output.parameters.model_extra:
            raise BadRequest(f"Outputs do not take the parameter `{next(iter(unknown))}` here.")
    binary = b"" if header_length is None else body[header_length:]
    return asked, _grids(asked.inputs[0], binary)


def answer(asked: InferenceRequest, predictions: Sequence[Prediction], model: dict[str, str]) -> tuple[bytes, int]:
    """Make the answer's body, and the length of the JSON at its start; outputs that were asked for so follow binary."""
    arrays = {
        "digit": [each.digit for each in predictions],
        "confidence": [each.confidence for each in predictions],
        "probabilities": [each.probabilities for each in predictions],
    }
    outputs: list[dict[str, Any]] = []
    binary = b""
    for wanted in asked.outputs or [_Output(name=name) for name in OUTPUTS]:
        kind = OUTPUTS[wanted.name]
        array = np.array(arrays[wanted.name], kind.dtype)
        output = {"name": wanted.name, "datatype": kind.datatype, "shape": array.shape}
        is_binary = wanted.parameters.binary_data
        if asked.parameters.binary_data_output if is_binary is None else is_binary:
            outputs.append(output | {"parameters": {"binary_data_size": array.nbytes}})
            binary += array.tobytes()
        else:
            outputs.append(output | {"data": array.ravel().tolist()})
    named = {} if asked.id is None else {"id": asked.id}
    header = json.dumps(model | named | {"outputs": outputs}).encode()
    return header + binary, len(header)


def _grids(tensor: _Input, binary: bytes) -> list[Grid]:
    """The grids of the input.

    Raises:
        BadRequest: its datatype, shape or values are not those of grids.
    """
    if tensor.datatype not in INPUT_TYPES:
        raise BadRequest(f"`{INPUT}` is {tensor.datatype}; the model takes {', '.join(INPUT_TYPES)}.")
    if tuple(tensor.shape[1:]) not in SHAPES or not 1 <= tensor.shape[0] <= MOST_GRIDS:
        raise BadRequest(f"The shape of `{INPUT}` must be [n, {SIDE}, {SIDE}], with n from 1 to {MOST_GRIDS:,}.")
    values = _values(tensor, binary)
    if values.size != (needed := math.prod(tensor.shape)):
        raise BadRequest(f"`{INPUT}` holds {values.size:,} values; its shape {tensor.shape} needs {needed:,}.")
    largest = 255 if tensor.datatype == "UINT8" else 1
    # Written so that NaN is refused too: comparing it gives false.
    if not (values.min() >= 0 and values.max() <= largest):
        raise BadRequest(f"`{INPUT}` holds values outside 0 to {largest}.")
    return list(np.rint(values * (255 / largest)).astype(np.uint8).reshape(-1, SIDE, SIDE))


def _values(tensor: _Input, binary: bytes) -> npt.NDArray[np.float64]:
    """The values of a tensor, flat.

    Raises:
        BadRequest: there are none, or not as many bytes as announced, or something that is not a number.
    """
    size, dtype = tensor.parameters.binary_data_size, np.dtype(INPUT_TYPES[tensor.datatype])
    if size is None:
        with suppress(ValueError):  # The rows of nested lists are not equally long.
            values = np.asarray(tensor.data).ravel()
            if values.dtype.kind in "iuf":
                return values.astype(np.float64)
        raise BadRequest(f"`data` of `{INPUT}` must hold numbers, flat or in rows of one length.")
    if size != len(binary) or size % dtype.itemsize:
        raise BadRequest(f"{len(binary):,} bytes follow the JSON, but `binary_data_size` of `{INPUT}` is {size:,}.")
    return np.frombuffer(binary, dtype).astype(np.float64)
