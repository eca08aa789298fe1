"""The image, with no more rights than it needs. `IMAGE=digits.tar` names it; building it takes minutes."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from digits.vision.decode import FORMATS
from digits_client import Client
from support import backends
from support.drawing import draw, encode, on_paper, png
from support.forms import FORM, form
from support.image import RUNC, confined, identity, unpack
from support.server import free_port, is_ready, until
from tests.web.test_legacy_clients import array_of, drawing_page_canvas

pytestmark = pytest.mark.slow

SECONDS_TO_START = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the image is unpacked."""
    return tmp_path_factory.mktemp("image") / "root"


@pytest.fixture(scope="module")
def image(root: Path) -> dict[str, Any]:
    """Its configuration."""
    archive = os.environ.get("IMAGE")
    if not (archive and shutil.which(RUNC) and os.geteuid() == 0):
        pytest.skip("needs root, runc, and IMAGE, an archive of the image")
    return unpack(Path(archive), root)


@pytest.fixture(scope="module", params=["SQLite and a folder", "PostgreSQL and S3"])
def url(
    request: pytest.FixtureRequest, root: Path, image: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of the image at work, without root, capabilities or a disk that it can write to, but for /data."""
    user, port = identity(root, image["User"]), free_port()
    assert user["uid"] != 0
    data = tmp_path_factory.mktemp("container") / "data"
    data.mkdir()
    os.chown(data, user["uid"], user["gid"])
    environment = {"DIGITS_PORT": str(port), "DIGITS_HOST": "127.0.0.1"}
    with ExitStack() as parts:
        if request.param == "PostgreSQL and S3":
            if not (programs := backends.postgresql_programs()):
                pytest.skip("PostgreSQL is not installed")
            s3 = parts.enter_context(backends.s3())
            environment |= s3.environment | {
                "DIGITS_DATABASE": parts.enter_context(backends.postgresql(programs)).url,
                "DIGITS_STORAGE": s3.bucket("digits") + "/uploads",
            }
        process = parts.enter_context(confined(root, image, environment, data))
        url = f"http://127.0.0.1:{port}"
        until(lambda: process.poll() is not None or is_ready(url), SECONDS_TO_START)
        assert process.poll() is None, process.communicate()[1].decode()
        yield url
        assert any(data.rglob("*")) == (request.param == "SQLite and a folder")
        process.terminate()
        assert process.wait(30) == 0


def test_it_keeps_what_it_reads(url: str) -> None:
    with Client(url) as digits:
        upload = digits.recognise(png("42"))
        assert upload.number == "42"
        assert digits.image(upload.id) == png("42")
        assert digits.correct(upload.id, "17").label == "17"
        assert [kept.id for kept in digits.history(labelled=True)] == [upload.id]
        digits.delete(upload.id)
    assert requests.get(f"{url}/uploads/{upload.id}", timeout=10).status_code == 404


@pytest.mark.parametrize("image_format", FORMATS)
def test_it_reads_every_format(url: str, image_format: str) -> None:
    picture = encode(on_paper(draw("7")), image_format)
    read = requests.post(f"{url}/uploads", files={"file": picture}, timeout=10)
    assert (read.status_code, read.json()["number"]) == (201, "7")


def test_it_answers_the_clients_of_older_systems(url: str) -> None:
    angular = requests.post(f"{url}/upload", form(png("7")), headers={"Content-Type": FORM}, timeout=10)
    assert angular.json() == "7"
    classifier = requests.post(f"{url}/predict", json={"data": array_of("7").tolist()}, timeout=10)
    assert classifier.json() == {"prediction": 7}
    drawing_page = requests.post(f"{url}/predict", json={"image": drawing_page_canvas("7")}, timeout=10)
    assert drawing_page.json() == {"prediction": 7}
    numbers = requests.post(url, data={"pixeles": ",".join(map(str, array_of("7")))}, timeout=10)
    assert numbers.text.startswith("Prediccion: Siete, Accuracy: ")


def test_it_shows_its_page_and_its_metrics(url: str) -> None:
    assert requests.get(url, timeout=10).headers["Content-Type"].startswith("text/html")
    assert "digits_" in requests.get(f"{url}/metrics", timeout=10).text
