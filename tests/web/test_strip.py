"""DIGITS_STRIP: what is kept has no metadata, and the record tells of what is kept."""

import hashlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from PIL import Image

from support.drawing import draw, encode, on_paper
from tests.fakes import MemoryStorage, NearDecoders

SECRET = "Rosa Luxemburg"
PAGE = Image.fromarray(on_paper(draw("7"))).convert("RGB")


def secret_file(image_format: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    return encode(PAGE, image_format, exif=exif.tobytes())


@pytest.fixture
def stripping(client_of: Callable[..., FlaskClient]) -> FlaskClient:
    return client_of(strip=True)


@pytest.mark.parametrize(
    ("image_format", "kept_as"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "WEBP"), ("HEIF", "PNG")]
)
def test_a_kept_picture_has_no_metadata(
    stripping: FlaskClient, storage: MemoryStorage, image_format: str, kept_as: str
) -> None:
    data = secret_file(image_format)
    answer = stripping.post("/uploads", data=data, content_type="image/png").get_json()
    (kept,) = storage.files.values()
    assert SECRET.encode() in data
    assert SECRET.encode() not in kept
    assert answer["number"] == "7"
    assert answer["image"] == {
        "width": PAGE.width,
        "height": PAGE.height,
        "format": kept_as,
        "bytes": len(kept),
        "sha256": hashlib.sha256(kept).hexdigest(),
    }
    sent = stripping.get(answer["links"]["image"])
    assert (sent.data, sent.mimetype) == (kept, f"image/{kept_as.lower()}")
    assert stripping.get(answer["links"]["preview"]).status_code == 200


def test_formats_that_must_be_decoded_for_it_are_decoded_elsewhere(client_of: Callable[..., FlaskClient]) -> None:
    elsewhere = NearDecoders()
    client = client_of(strip=True, elsewhere=elsewhere)
    sent = {image_format: secret_file(image_format) for image_format in ("PNG", "JPEG", "WEBP", "HEIF")}
    for data in sent.values():
        assert client.post("/uploads", data=data, content_type="image/png").status_code == 201
    assert elsewhere.made_png == [sent["HEIF"]]


def test_what_is_not_kept_is_told_as_it_was_sent(stripping: FlaskClient) -> None:
    data = secret_file("HEIF")
    answer = stripping.post("/uploads?store=false", data=data, content_type="image/heic").get_json()
    assert answer["image"]["format"] == "HEIC"
    assert answer["image"]["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("image_format", ["JPEG", "HEIF"])
def test_a_picture_that_is_sent_again_is_kept_once(
    stripping: FlaskClient, storage: MemoryStorage, image_format: str
) -> None:
    sent = {"data": secret_file(image_format), "content_type": "image/jpeg", "headers": {"Idempotency-Key": "mine"}}
    first, again = (stripping.post("/uploads", **sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert len(storage.files) == 1


def test_clients_of_older_systems_are_served_alike(stripping: FlaskClient, storage: MemoryStorage) -> None:
    assert stripping.post("/upload", data=secret_file("JPEG"), content_type="image/jpeg").get_json() == "7"
    (kept,) = storage.files.values()
    assert SECRET.encode() not in kept


def test_without_the_setting_a_picture_is_kept_as_it_was_sent(client: FlaskClient, storage: MemoryStorage) -> None:
    data = secret_file("JPEG")
    client.post("/uploads", data=data, content_type="image/jpeg")
    assert list(storage.files.values()) == [data]
