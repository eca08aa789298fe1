"""The Open Inference Protocol in /openapi.json."""

from digits import __version__
from digits.admission.keys import Scope
from digits.grids import SIDE
from digits.web.open_inference import HEADER_LENGTH
from digits.web.openapi_parts import INFERENCE, TEXT, Part, fields, operation, typed
from digits.web.tensors import INPUT, INPUT_TYPES, OUTPUTS

_INTEGERS = {"type": "array", "items": {"type": "integer"}}
_ERROR = typed(
    "application/json", fields(error=TEXT), "What is wrong", {"error": "The model takes one input, `grids`."}
)
_TENSOR = fields(name=TEXT, datatype=TEXT, shape=_INTEGERS)
_METADATA = {
    "name": "mnist-neural",
    "versions": ["38c1cb05"],
    "platform": "litert",
    "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, SIDE, SIDE]}],
    "outputs": [{"name": name, "datatype": of.datatype, "shape": [-1, *of.shape]} for name, of in OUTPUTS.items()],
}
_SERVER = {"name": "digits", "version": __version__, "extensions": ["binary_tensor_data"]}
_ANSWER = {
    "model_name": "mnist-neural",
    "model_version": "38c1cb05",
    "outputs": [
        {"name": "digit", "datatype": "INT64", "shape": [1], "data": [7]},
        {"name": "confidence", "datatype": "FP32", "shape": [1], "data": [0.9899689]},
    ],
}
_LENGTH = {
    "name": HEADER_LENGTH,
    "in": "header",
    "description": "Bytes of the JSON, if binary data follow it",
    "schema": {"type": "integer", "minimum": 0},
}


def paths() -> Part:
    """The operations under /v2."""
    live, ready = {"200": {"description": "It is"}}, {"200": {"description": "It is"}, "404": _ERROR}
    made = {
        "/v2": {
            "get": operation(
                "getInferenceServer",
                INFERENCE,
                "Get the server's name and extensions",
                {"200": typed("application/json", fields(name=TEXT, version=TEXT), "The server", _SERVER)},
                scope=Scope.RECOGNISE,
                refusal=_ERROR,
            )
        },
        "/v2/health/live": {
            "get": operation("isInferenceLive", INFERENCE, "Ask whether the server lives", live),
        },
        "/v2/health/ready": {
            "get": operation("isInferenceReady", INFERENCE, "Ask whether the server has its model", live),
        },
    }
    for of_version, path in (("", "/v2/models/{name}"), ("Version", "/v2/models/{name}/versions/{version}")):
        made |= {
            path: {
                "get": operation(
                    f"getModel{of_version}Metadata",
                    INFERENCE,
                    "Get the model's input and outputs",
                    {"200": typed("application/json", _metadata(), "The model", _METADATA), "404": _ERROR},
                    scope=Scope.RECOGNISE,
                    refusal=_ERROR,
                )
            },
            f"{path}/ready": {
                "get": operation(
                    f"isModel{of_version}Ready",
                    INFERENCE,
                    "Ask whether this model serves",
                    ready,
                    scope=Scope.RECOGNISE,
                    refusal=_ERROR,
                )
            },
            f"{path}/infer": {
                "post": operation(
                    f"inferModel{of_version}",
                    INFERENCE,
                    "Classify grids, keeping nothing",
                    {"200": typed("application/json", _answer(), "The outputs", _ANSWER)}
                    | dict.fromkeys(("400", "404", "408", "413", "415", "503"), _ERROR),
                    parameters=[_LENGTH],
                    body={"application/json": {"schema": _request()}},
                    scope=Scope.RECOGNISE,
                    refusal=_ERROR,
                )
            },
        }
    return made


def _metadata() -> Part:
    tensors = {"type": "array", "items": _TENSOR}
    return fields(name=TEXT, versions={"type": "array", "items": TEXT}, platform=TEXT, inputs=tensors, outputs=tensors)


def _request() -> Part:
    grids = fields(
        name={"const": INPUT},
        datatype={"enum": list(INPUT_TYPES), "description": "UINT8 from 0 to 255, the others from 0 to 1"},
        shape={**_INTEGERS, "description": f"[n, {SIDE}, {SIDE}], [n, {SIDE}, {SIDE}, 1] or [n, {SIDE * SIDE}]"},
    )
    grids["properties"]["data"] = {"type": "array", "description": "White ink on black, flat or nested"}
    return fields(inputs={"type": "array", "items": grids, "minItems": 1, "maxItems": 1})


def _answer() -> Part:
    output = fields(name={"enum": list(OUTPUTS)}, datatype=TEXT, shape=_INTEGERS)
    output["properties"]["data"] = {"type": "array", "items": {"type": "number"}}
    return fields(model_name=TEXT, model_version=TEXT, outputs={"type": "array", "items": output})
