"""What GET /model says."""

import json
from collections.abc import Callable

from flask.testing import FlaskClient

from digits.inference.model_file import Training
from digits.inference.recogniser import LiteRTRecogniser
from digits.vision.decode import FORMATS
from support import ROOT
from tests.fakes import TemplateRecogniser


def test_a_page_learns_what_it_may_send(client_of: Callable[..., FlaskClient]) -> None:
    limits = client_of(max_bytes=2000, max_pixels=3000).get("/model").get_json()["limits"]
    assert (limits["bytes"], limits["pixels"], limits["files"]) == (2000, 3000, 20)
    assert {f"image/{name.lower()}" for name in FORMATS} | {"image/heic"} == set(limits["media_types"])


def test_it_names_what_reads_the_pictures(client: FlaskClient, recogniser: TemplateRecogniser) -> None:
    answer = client.get("/model").get_json()
    assert (answer["model"], answer["networks"]) == (recogniser.model, recogniser.networks)
    assert answer["threshold"] == recogniser.threshold
    assert answer["training"] is None
    assert 0 < answer["calibration"]["candidate_threshold"] < answer["calibration"]["sure_threshold"] < 1


def test_the_model_that_ships_says_what_its_report_says(shipped: LiteRTRecogniser) -> None:
    report = json.loads((ROOT / "reports" / "cnn" / "metrics.json").read_text())
    assert shipped.training == Training(
        report["recipe"], report["data"], report["tested_on"], report["accuracy"]["mean"]
    )
