"""MNIST's own pictures must come through unharmed. The whole test set: bench/mnist_over_http.py."""

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
from flask.testing import FlaskClient

from digits.grids import Grid
from digits.inference.recogniser import LiteRTRecogniser
from digits.settings import Settings
from digits.training.data.datasets import DataSet
from digits.web import create_app
from support.drawing import encode

pytestmark = [pytest.mark.mnist, pytest.mark.slow]

PICTURES = 500


@pytest.fixture
def real_client(settings: Settings, shipped: LiteRTRecogniser) -> Iterator[FlaskClient]:
    with create_app(settings).test_client() as client:
        yield client


@pytest.mark.parametrize("look", [lambda grid: grid, lambda grid: 255 - grid], ids=["white on black", "black on white"])
def test_pictures_over_http_are_read_as_their_arrays_are(
    real_client: FlaskClient, shipped: LiteRTRecogniser, mnist: DataSet, look: Callable[[Grid], Grid]
) -> None:
    grids, digits = mnist.test.grids[:PICTURES], mnist.test.digits[:PICTURES]
    on_arrays = [prediction.digit for prediction in shipped.predict(list(grids))]
    over_http = []
    for grid in grids:
        file = BytesIO(encode(look(grid)))
        answer = real_client.post("/uploads?store=false", data={"file": (file, "digit.png")})
        over_http.append(answer.get_json()["digit"])
    assert over_http == on_arrays
    assert np.mean(np.array(over_http) == digits) >= 0.993
