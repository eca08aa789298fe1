"""A stock client of the Open Inference Protocol at the real server."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tritonclient import http as triton

from support.server import Server, running
from tests.web.test_open_inference import grids_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), workers="1") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


def tensor(digits: str, *, binary: bool) -> Any:
    made = triton.InferInput("grids", [len(digits), 28, 28], "FP32")
    made.set_data_from_numpy(grids_of(digits), binary_data=binary)
    return made


def test_it_finds_a_live_server_with_a_ready_model(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("mnist-neural")
    assert not client.is_model_ready("resnet")
    assert client.get_server_metadata()["name"] == "digits"
    (version,) = client.get_model_metadata("mnist-neural")["versions"]
    assert client.is_model_ready("mnist-neural", version)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_it_reads_one_grid_or_many(client: Any, binary: bool, compression: str | None) -> None:
    for digits in ("7", "0123456789"):
        result = client.infer(
            "mnist-neural",
            [tensor(digits, binary=binary)],
            request_compression_algorithm=compression,
            response_compression_algorithm=compression,
        )
        assert "".join(map(str, result.as_numpy("digit"))) == digits
        assert np.allclose(result.as_numpy("probabilities").sum(1), 1, atol=1e-3)


def test_it_gets_the_outputs_that_it_asks_for_as_json(client: Any) -> None:
    asked = [triton.InferRequestedOutput("digit", binary_data=False)]
    result = client.infer("mnist-neural", [tensor("4", binary=True)], outputs=asked, request_id="mine")
    assert result.get_response()["id"] == "mine"
    assert result.as_numpy("digit").tolist() == [4]
    assert result.as_numpy("confidence") is None


def test_it_is_told_what_is_wrong(client: Any) -> None:
    with pytest.raises(Exception, match="The one that serves is mnist-neural"):
        client.infer("resnet", [tensor("4", binary=True)])
    wrong = triton.InferInput("grids", [1, 10], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 10), np.float32))
    with pytest.raises(Exception, match="The shape of"):
        client.infer("mnist-neural", [wrong])
