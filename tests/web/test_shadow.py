"""The shadow beside the answers."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from digits.uploads.shadow import Shadow
from support.drawing import png
from support.forms import FORM, form
from support.server import until
from tests.fakes import MemoryDisagreements, MemoryRecords, OneMoreRecogniser
from tests.web.test_legacy_clients import drawing_page_canvas
from tests.web.test_metrics import through_the_front, told

SOON = 10


@pytest.fixture
def client(client_of: Callable[..., FlaskClient], disagreements: MemoryDisagreements) -> Iterator[FlaskClient]:
    shadow = Shadow(OneMoreRecogniser(), disagreements, 1.0)
    yield client_of(shadow=shadow)
    shadow.close()


def sends(client: FlaskClient) -> dict[str, Callable[[], object]]:
    return {
        "one": lambda: client.post("/uploads", data=png("7")),
        "through the front": lambda: through_the_front(client, png("7")),
        "unkept": lambda: client.post("/uploads?store=false", data=png("7")),
        "upload": lambda: client.post("/upload", data=form(png("7")), content_type=FORM),
        "predict": lambda: client.post("/predict", json={"image": drawing_page_canvas("7")}),
    }


@pytest.mark.parametrize(
    ("name", "kept"), [("one", 1), ("through the front", 1), ("unkept", 0), ("upload", 1), ("predict", 0)]
)
def test_whoever_answers_the_shadow_reads_too(
    client: FlaskClient, disagreements: MemoryDisagreements, name: str, kept: int
) -> None:
    def disagreed() -> float:
        return told(client)["digits_shadow_pictures_total", "disagreed"]

    before = disagreed()
    sends(client)[name]()
    until(lambda: disagreed() == before + 1, SOON)
    assert [each.shadow_number for each in disagreements.find(10)] == ["8"] * kept


def test_the_answer_is_that_of_the_model(client: FlaskClient) -> None:
    answer = client.post("/uploads", data=png("407")).get_json()
    assert (answer["number"], answer["model"]) == ("407", "templates@00000000")


def test_a_picture_that_is_sent_again_is_not_kept_as_another_disagreement(
    client: FlaskClient, disagreements: MemoryDisagreements, records: MemoryRecords
) -> None:
    def disagreed() -> float:
        return told(client)["digits_shadow_pictures_total", "disagreed"]

    before = disagreed()
    for _ in range(2):
        client.post("/uploads", data=png("7"), headers={"Idempotency-Key": "a"})
    until(lambda: disagreed() == before + 2, SOON)
    assert [each.upload.id for each in disagreements.find(10)] == list(records.rows)


def test_a_deleted_upload_takes_its_disagreement_along(client: FlaskClient, disagreements: MemoryDisagreements) -> None:
    key = client.post("/uploads", data=png("7")).get_json()["id"]
    until(lambda: bool(disagreements.find(10)), SOON)
    assert client.delete(f"/uploads/{key}").status_code == 204
    assert disagreements.find(10) == []
