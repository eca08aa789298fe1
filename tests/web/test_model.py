"""What GET /model says."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from flask.testing import FlaskClient

from digits.inference.measured import Measured, measured_of, save_measured
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
    assert answer["training"] is answer["measured"] is None
    assert 0 < answer["calibration"]["candidate_threshold"] < 1


def test_the_model_that_ships_says_what_its_report_says(shipped: LiteRTRecogniser) -> None:
    report = json.loads((ROOT / "reports" / "cnn" / "metrics.json").read_text())
    assert shipped.training == Training(
        report["recipe"], report["data"], report["tested_on"], report["accuracy"]["mean"]
    )


def test_the_networks_that_ship_say_what_their_report_says(shipped: LiteRTRecogniser) -> None:
    report = json.loads((ROOT / "reports" / "finder" / "metrics.json").read_text())
    assert (report["model"], report["networks"]) == (shipped.model, shipped.networks)
    assert shipped.measured == Measured(**{field.name: report[field.name] for field in fields(Measured)})


def test_the_figures_of_other_networks_are_not_told(tmp_path: Path) -> None:
    save_measured(Measured(10, 8, 7, 0.9), "a@1", {"finder": "1"}, tmp_path / "measured.json")
    content = (tmp_path / "measured.json").read_bytes()
    assert measured_of(content, "a@1", {"finder": "1"}) == Measured(10, 8, 7, 0.9)
    assert measured_of(content, "a@1", {"finder": "2"}) is None
    assert measured_of(content, "b@1", {"finder": "1"}) is None
