"""The Open Inference Protocol, as its documents have it."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError
from werkzeug.test import TestResponse

from digits.web.tensors import InferenceRequest
from tests.web.test_legacy_clients import array_of

MODEL = "/v2/models/templates"


def grids_of(digits: str) -> Any:
    """float32 (n, 28, 28), from 0 to 1."""
    return np.stack([array_of(digit) for digit in digits]).reshape(-1, 28, 28).astype("<f4")


def infer(client: FlaskClient, tensor: dict[str, Any], **rest: Any) -> TestResponse:
    named = {"name": "grids", "datatype": "FP32"} | tensor
    return client.post(f"{MODEL}/infer", data=json.dumps({"inputs": [named], **rest}))


def binary(client: FlaskClient, values: Any, datatype: str = "FP32", **headers: str) -> TestResponse:
    tensor = {"name": "grids", "shape": values.shape, "datatype": datatype}
    asked = {
        "inputs": [tensor | {"parameters": {"binary_data_size": values.nbytes}}],
        "parameters": {"binary_data_output": True},
    }
    header = json.dumps(asked).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    return client.post(f"{MODEL}/infer", data=header + values.tobytes(), headers=length | headers)


def by_name(answer: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output for output in answer["outputs"]}


def refusal(response: TestResponse) -> tuple[int, str]:
    assert list(response.json or {}) == ["error"]
    return response.status_code, (response.json or {})["error"]


def test_it_is_live_and_ready_without_a_body(client: FlaskClient) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", f"{MODEL}/ready", f"{MODEL}/versions/00000000/ready"):
        assert client.get(path).status_code == 200


def test_the_server_names_itself_and_its_extension(client: FlaskClient) -> None:
    said = client.get("/v2").json or {}
    assert (said["name"], said["extensions"]) == ("digits", ["binary_tensor_data"])


def test_the_model_describes_its_tensors(client: FlaskClient) -> None:
    said = client.get(MODEL).json or {}
    assert client.get(f"{MODEL}/versions/00000000").json == said
    assert (said["name"], said["versions"]) == ("templates", ["00000000"])
    assert said["inputs"] == [{"name": "grids", "datatype": "FP32", "shape": [-1, 28, 28]}]
    assert {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]} in said["outputs"]


def test_grids_in_json_are_all_classified(client: FlaskClient) -> None:
    grids = grids_of("7041")
    said = infer(client, {"shape": [4, 28, 28], "data": grids.ravel().tolist()}, id="mine").json or {}
    assert (said["model_name"], said["model_version"], said["id"]) == ("templates", "00000000", "mine")
    outputs = by_name(said)
    assert outputs["digit"] == {"name": "digit", "datatype": "INT64", "shape": [4], "data": [7, 0, 4, 1]}
    assert outputs["probabilities"]["shape"] == [4, 10]
    assert np.reshape(outputs["probabilities"]["data"], (4, 10)).argmax(1).tolist() == [7, 0, 4, 1]


@pytest.mark.parametrize("shape", [[1, 28, 28], [1, 28, 28, 1], [1, 784]])
def test_a_grid_may_have_any_shape_that_keras_models_take(client: FlaskClient, shape: list[int]) -> None:
    data = grids_of("5").reshape(shape).tolist()
    assert by_name(infer(client, {"shape": shape, "data": data}).json or {})["digit"]["data"] == [5]


@pytest.mark.parametrize(
    ("datatype", "dtype", "scale"), [("FP32", "<f4", 1), ("FP64", "<f8", 1), ("FP16", "<f2", 1), ("UINT8", "u1", 255)]
)
def test_binary_grids_are_answered_in_binary(client: FlaskClient, datatype: str, dtype: str, scale: int) -> None:
    response = binary(client, (grids_of("38") * scale).astype(dtype), datatype)
    length = int(response.headers["Inference-Header-Content-Length"])
    outputs, rest = by_name(json.loads(response.data[:length])), response.data[length:]
    assert outputs["digit"]["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(rest[:16], "<i8").tolist() == [3, 8]
    assert len(rest) == sum(output["parameters"]["binary_data_size"] for output in outputs.values())


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_request_is_unpacked(
    client: FlaskClient, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    tensor = {"name": "grids", "datatype": "FP32", "shape": [1, 784], "data": array_of("6").tolist()}
    body = compress(json.dumps({"inputs": [tensor]}).encode())
    said = client.post(f"{MODEL}/infer", data=body, headers={"Content-Encoding": encoding}).json or {}
    assert by_name(said)["digit"]["data"] == [6]


def test_only_the_outputs_that_are_asked_for_come_back_each_in_its_form(client: FlaskClient) -> None:
    outputs = [{"name": "confidence"}, {"name": "digit", "parameters": {"binary_data": True}}]
    response = infer(client, {"shape": [1, 784], "data": array_of("2").tolist()}, outputs=outputs)
    length = int(response.headers["Inference-Header-Content-Length"])
    confidence, digit = json.loads(response.data[:length])["outputs"]
    assert confidence["data"][0] > 0.9
    assert (digit["name"], response.data[length:]) == ("digit", (2).to_bytes(8, "little"))


GOOD = {"shape": [1, 784], "data": [0.0] * 784}


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (GOOD | {"name": "input_1"}, "`grids`"),
        (GOOD | {"datatype": "BYTES"}, "FP32"),
        (GOOD | {"shape": [784]}, "must be [n, 28, 28]"),
        (GOOD | {"shape": [0, 784]}, "must be [n, 28, 28]"),
        (GOOD | {"shape": [-1, 784]}, "must be [n, 28, 28]"),
        (GOOD | {"shape": [2, 784]}, "784 values"),
        (GOOD | {"shape": [1001, 784]}, "n from 1 to 1,000"),
        (GOOD | {"shape": [int("9" * 4000), 784]}, "n from 1 to 1,000"),
        (GOOD | {"shape": "all"}, "`inputs.0.shape`"),
        (GOOD | {"data": [0.0] * 783 + [1.5]}, "outside 0 to 1"),
        (GOOD | {"data": [0.0] * 783 + [float("nan")]}, "outside 0 to 1"),
        (GOOD | {"data": [0.0] * 783 + ["0.5"]}, "must hold numbers"),
        (GOOD | {"data": [[0.0] * 28, [0.0]]}, "in rows of one length"),
        (GOOD | {"data": None}, "`inputs.0.data`"),
        ({"shape": [1, 784]}, "0 values"),
        (GOOD | {"datatype": "UINT8", "data": [300] * 784}, "outside 0 to 255"),
        ({"shape": [1, 784], "parameters": {"binary_data_size": 3136}}, "0 bytes follow"),
    ],
)
def test_other_tensors_are_refused_with_a_sentence(client: FlaskClient, tensor: dict[str, Any], said: str) -> None:
    status, error = refusal(infer(client, tensor))
    assert status == 400
    assert said in error


def test_other_outputs_and_their_parameters_are_refused(client: FlaskClient) -> None:
    assert "no output `logits`" in refusal(infer(client, GOOD, outputs=[{"name": "logits"}]))[1]
    classes = {"name": "digit", "parameters": {"classification": 3}}
    assert "twice" in refusal(infer(client, GOOD, outputs=[{"name": "digit"}, {"name": "digit"}]))[1]
    assert "`classification`" in refusal(infer(client, GOOD, outputs=[classes]))[1]


@pytest.mark.parametrize(
    "wrong", [{"inputs": [{}] * 1000}, {"inputs": [GOOD | {"name": "grids", "shape": ["x"] * 1000}]}]
)
def test_a_thousand_wrong_items_cost_one_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        InferenceRequest.model_validate(wrong)
    assert raised.value.error_count() <= 3


@pytest.mark.parametrize("path", ["/v2/models/resnet", f"{MODEL}/versions/2", "/v2/models/resnet/ready"])
def test_another_model_is_unknown_and_the_one_that_serves_is_named(client: FlaskClient, path: str) -> None:
    status, error = refusal(client.get(path))
    assert status == 404
    assert "templates, version 00000000" in error


def test_a_body_that_cannot_be_read_is_refused(client: FlaskClient) -> None:
    def post(data: bytes, **headers: str) -> int:
        dashed = {name.replace("_", "-"): value for name, value in headers.items()}
        return refusal(client.post(f"{MODEL}/infer", data=data, headers=dashed))[0]

    assert post(b"{") == 400
    assert post(b"{}", Inference_Header_Content_Length="-1") == 400
    assert post(b"{}", Content_Encoding="gzip") == 400
    assert post(gzip.compress(b"{}")[:-4], Content_Encoding="gzip") == 400
    assert post(b"{}", Content_Encoding="br") == 415


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(client_of: Callable[..., FlaskClient]) -> None:
    body = gzip.compress(b" " * 2_000_000)
    response = client_of(max_bytes=1_000_000).post(f"{MODEL}/infer", data=body, headers={"Content-Encoding": "gzip"})
    assert refusal(response)[0] == 413


def test_it_answers_as_the_old_predict_does(client: FlaskClient) -> None:
    grids = [array_of(digit) for digit in "0123456789"]
    old = [(client.post("/predict", json={"data": grid.tolist()}).json or {})["prediction"] for grid in grids]
    said = infer(client, {"shape": [10, 784], "data": np.stack(grids).tolist()}).json or {}
    assert by_name(said)["digit"]["data"] == old
