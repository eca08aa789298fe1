"""The clients of older systems, sending byte for byte what they send."""

import base64
import json
from collections.abc import Callable, Sequence
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from digits.grids import Grid, to_grid
from digits.inference.recogniser import Prediction
from digits.web import incoming
from digits.web.legacy_clients import MOST_FORM_BYTES
from support.drawing import draw, encode, on_paper, png
from tests.fakes import MemoryRecords, MemoryStorage, TemplateRecogniser

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def angular_canvas(digit: str) -> bytes:
    """400x400, white strokes 15 pixels wide on black."""
    canvas = np.zeros((400, 400, 4), np.uint8)
    ink = draw(digit, size=240, pen=15, margin=80)
    canvas[..., :3] = ink[..., np.newaxis]
    canvas[..., 3] = 255
    return encode(canvas)


def drawing_page_canvas(digit: str | None) -> str:
    """280x280, black strokes 20 pixels wide on a transparent canvas, as canvas.toDataURL() gives it."""
    canvas = np.zeros((280, 280, 4), np.uint8)
    if digit:
        canvas[..., 3] = draw(digit, size=180, pen=20, margin=50)
    return "data:image/png;base64," + base64.b64encode(encode(canvas)).decode()


def array_of(digit: str) -> npt.NDArray[np.float64]:
    """float (784,), 0..1, white on black, as MNIST shows it."""
    ink = draw(digit)
    x, y, width, height = cv2.boundingRect(ink)
    return to_grid(ink[y : y + height, x : x + width]).ravel() / 255


def form_data(content: bytes, filename: str, content_type: str) -> bytes:
    """What a browser sends for a FormData with one file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    return (head + f"Content-Type: {content_type}\r\n\r\n").encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(client: FlaskClient, body: bytes) -> TestResponse:
    return client.post("/upload", data=body, content_type=f"multipart/form-data; boundary={BOUNDARY}")


@pytest.mark.parametrize("digit", "0123456789")
def test_the_angular_client_gets_a_json_string_and_its_drawing_is_kept(
    client: FlaskClient, storage: MemoryStorage, records: MemoryRecords, digit: str
) -> None:
    canvas = angular_canvas(digit)
    response = upload(client, form_data(canvas, "blob", "image/png"))
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.data.strip() == f'"{digit}"'.encode()
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert list(storage.files.values()) == [canvas]
    assert len(records.rows) == 1


def test_the_angular_client_may_choose_a_file(client: FlaskClient) -> None:
    photo = encode(on_paper(draw("4")), "JPEG")
    assert upload(client, form_data(photo, "IMG 0042 (1).JPG", "image/jpeg")).get_json() == "4"


def test_the_angular_client_is_told_what_is_wrong(client: FlaskClient, storage: MemoryStorage) -> None:
    response = upload(client, form_data(b"text", "digit.png", "image/png"))
    assert (response.status_code, response.content_type) == (415, "application/problem+json")
    assert storage.files == {}


def test_upload_takes_one_file_at_a_time(client: FlaskClient, storage: MemoryStorage) -> None:
    part = form_data(angular_canvas("1"), "blob", "image/png")
    response = upload(client, part.removesuffix(f"--{BOUNDARY}--\r\n".encode()) + part)
    assert response.status_code == 400
    assert response.get_json()["detail"] == "/upload takes one file at a time. Send several to /uploads."
    assert storage.files == {}


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("digit", "0123456789")
def test_mnist_classifier_sends_784_numbers(
    client: FlaskClient, storage: MemoryStorage, digit: str, scale: int
) -> None:
    body = json.dumps({"data": (array_of(digit) * scale).tolist()}).encode()
    response = client.post("/predict", data=body, content_type="application/json")
    assert (response.status_code, response.get_json()) == (200, {"prediction": int(digit)})
    assert storage.files == {}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"data": ' + json.dumps([0] * 783).encode() + b"}", "holds 783 values; a picture of 28x28 pixels has 784."),
        (b'{"data": ' + json.dumps([0] * 783 + ["x"]).encode() + b"}", "not a number"),
        (b'{"data": ' + json.dumps([0] * 783 + [256]).encode() + b"}", "outside 0 to 1"),
        (b'{"data": ' + json.dumps([0] * 783 + [-1]).encode() + b"}", "outside 0 to 1"),
        (b'{"data": ' + json.dumps([0] * 783 + [float("nan")]).encode() + b"}", "outside 0 to 1"),
        (b'{"data": ' + json.dumps([0] * 783 + [10**400]).encode() + b"}", "not a number"),
        (b'{"data": {"0": 1}}', "not a number"),
        (b'{"data": [[1], [1, 2]]}', "not a number"),
        (b'{"data": null}', "1 values"),
        (b"{}", 'needs "data"'),
        (b"{", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"image": "data:image/png;base64,####"}', "not valid base64"),
    ],
)
def test_predict_tells_what_is_wrong_in_the_field_error(client: FlaskClient, body: bytes, sentence: str) -> None:
    response = client.post("/predict", data=body, content_type="application/json")
    assert response.status_code == 400
    assert list(response.get_json()) == ["error"]
    assert sentence in response.get_json()["error"]


def test_each_older_client_is_told_of_a_body_over_the_limit_in_its_own_way(
    client_of: Callable[..., FlaskClient],
) -> None:
    client, body = client_of(max_bytes=5000), "x" * 6000
    told = client.post("/predict", data=body, content_type="application/json")
    assert (told.status_code, list(told.get_json())) == (413, ["error"])
    told = client.post("/", data=f"pixeles={body}", content_type="application/x-www-form-urlencoded")
    assert (told.status_code, told.mimetype) == (413, "text/plain")


@pytest.mark.parametrize("digit", "0123456789")
def test_the_drawing_page_sends_black_strokes_on_nothing(
    client: FlaskClient, storage: MemoryStorage, digit: str
) -> None:
    body = json.dumps({"image": drawing_page_canvas(digit)}).encode()
    response = client.post("/predict", data=body, content_type="application/json")
    assert (response.status_code, response.get_json()) == (200, {"prediction": int(digit)})
    assert storage.files == {}


@pytest.mark.parametrize(("written", "number"), [("47", 47), ("007", 7), ("12\n34", 1234), ("9" * 20, int("9" * 20))])
def test_of_several_digits_predict_answers_the_whole_number(client: FlaskClient, written: str, number: int) -> None:
    response = client.post("/predict", json={"image": base64.b64encode(png(written)).decode()})
    assert response.get_json() == {"prediction": number}


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28, 1)])
@pytest.mark.parametrize("scale", [1, 255])
def test_784_numbers_are_the_grid_that_the_classifier_sees(
    client: FlaskClient,
    recogniser: TemplateRecogniser,
    monkeypatch: pytest.MonkeyPatch,
    scale: int,
    shape: tuple[int, ...],
) -> None:
    seen: list[Grid] = []
    predict = recogniser.predict

    def noted(grids: Sequence[Grid]) -> list[Prediction]:
        seen.extend(grids)
        return predict(grids)

    monkeypatch.setattr(recogniser, "predict", noted)
    grid = np.rint(array_of("5") * 255).astype(np.uint8).reshape(28, 28)
    client.post("/predict", json={"data": (grid / 255 * scale).reshape(shape).tolist()})
    client.post("/predict", json={"data": (grid // 255 * scale).reshape(shape).tolist()})
    assert np.array_equal(seen, [grid, grid // 255 * 255])


def test_the_drawing_page_is_told_that_its_canvas_is_empty(client: FlaskClient) -> None:
    body = json.dumps({"image": drawing_page_canvas(None)}).encode()
    response = client.post("/predict", data=body, content_type="application/json")
    assert response.status_code == 422
    assert "nothing written" in response.get_json()["error"]


@pytest.mark.parametrize("comma", [",", "%2C"])
@pytest.mark.parametrize(
    ("digit", "word"),
    [
        ("0", "Cero"),
        ("1", "Uno"),
        ("2", "Dos"),
        ("3", "Tres"),
        ("4", "Cuatro"),
        ("5", "Cinco"),
        ("6", "Seis"),
        ("7", "Siete"),
        ("8", "Ocho"),
        ("9", "Nueve"),
    ],
)
def test_nn_numbers_gets_a_line_of_text(client: FlaskClient, digit: str, word: str, comma: str) -> None:
    body = "pixeles=" + comma.join(f"{value:g}" for value in array_of(digit))
    response = client.post("/", data=body.encode(), content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    prediction, _, accuracy = response.text.partition(", Accuracy: ")
    assert prediction == f"Prediccion: {word}"
    assert 0.5 < float(accuracy) <= 1


def test_a_file_beside_the_pixels_is_not_written_to_the_disk(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("It is written to the disk")

    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refused)
    pixels = ",".join(f"{value:g}" for value in array_of("7"))
    response = client.post("/", data={"pixeles": pixels, "file": (BytesIO(png("7")), "7.png")})
    assert response.text.startswith("Prediccion: Siete")


@pytest.mark.parametrize("body", [b"", b"pixeles=", b"pixeles=0,1", b"pixeles=a,b", b"pixel=0", b"\xff"])
def test_nn_numbers_gets_a_sentence_on_errors(client: FlaskClient, body: bytes) -> None:
    response = client.post("/", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert response.mimetype == "text/plain"
    assert response.text == "Error: el campo pixeles debe tener 784 valores de 0 a 1 separados por comas."


def test_a_form_of_many_fields_is_refused_before_it_is_parsed(client: FlaskClient) -> None:
    response = client.post("/", data=b"a&" * MOST_FORM_BYTES, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 413
    assert response.text.startswith("Error: The request is too large: at most 97.7 kB are accepted.")


@pytest.mark.parametrize("path", ["/predict", "/uploads", "/v2/models/templates/infer"])
@pytest.mark.parametrize("item", ["[]", "{}", "1"])
def test_json_of_millions_of_items_is_refused_before_it_is_parsed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str, item: str
) -> None:
    monkeypatch.setattr(incoming, "MAX_ITEMS", 1000)
    items = ",".join([item] * 1000)
    response = client.post(path, data=f'{{"data":[{items}]}}', content_type="application/json")
    assert response.status_code == 413
    assert b"The JSON holds too many values. Send fewer at once." in response.data


def test_a_blank_array_is_answered_too(client: FlaskClient) -> None:
    assert client.post("/predict", json={"data": [0] * 784}).status_code == 200
    zeros = "pixeles=" + ",".join(["0"] * 784)
    response = client.post("/", data=zeros, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
