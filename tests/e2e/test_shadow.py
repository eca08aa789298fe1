"""A second model beside the first, until it takes its place and gives it back."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import requests

from digits.inference.model_file import CLASSES, load_compiled
from support import ROOT
from support.drawing import png
from support.server import Server, environment_of, running, until
from tests.e2e.test_metrics import samples
from tests.e2e.test_reload import model_of, name_of, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that reads each digit as the next one."""
    other = tmp_path_factory.mktemp("other") / "other.h5"
    shutil.copy(ROOT / "tests" / "models" / "keras2.h5", other)

    def turn(_: str, weights: h5py.Group | h5py.Dataset) -> None:
        if isinstance(weights, h5py.Dataset) and weights.shape[-1] == CLASSES:
            weights[...] = np.roll(weights[...], 1, -1)

    with h5py.File(other, "r+") as file:
        file["model_weights"].visititems(turn)
    load_compiled(other, beside=True)
    return other


def digits(folder: Path, model: Path, *words: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "digits", *words]
    environment = environment_of(folder, model=str(model)) | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def send_all(server: Server) -> dict[str, str]:
    """Sends pictures of all digits in three pens; what was read in each, by the id of its upload."""
    answers = [
        requests.post(f"{server.url}/uploads", data=png(digit, pen=pen), timeout=30).json()
        for digit in "0123456789"
        for pen in (4, 10, 20)
    ]
    assert len({answer["model"] for answer in answers}) == 1
    return {answer["id"]: answer["number"] for answer in answers}


def counted(server: Server, *outcomes: str) -> float:
    told = samples(f"{server.url}/metrics")
    return sum(told[f'digits_shadow_pictures_total{{outcome="{outcome}"}}'] for outcome in outcomes)


def test_a_second_model_is_compared_promoted_and_taken_back(tmp_path: Path, model: Path, other: Path) -> None:
    old = name_of(model)
    with running(tmp_path, model=str(model), shadow=str(other), workers="2") as server:
        read = send_all(server)
        until(lambda: counted(server, "agreed", "disagreed") == len(read), 30)
        listed = [line.split() for line in digits(tmp_path, model, "shadow", "--limit", "100").splitlines()[1:]]
        assert len(listed) == counted(server, "disagreed") > 0
        for key, _, _, by, number, shadow, shadow_number, _ in listed:
            assert (by, number, shadow) == (old, read[key], name_of(other))
            assert shadow_number != number

        assert requests.delete(f"{server.url}/uploads/{listed[0][0]}", timeout=10).status_code == 204
        assert len(digits(tmp_path, model, "shadow", "--limit", "100").splitlines()) == len(listed)

        new = f"mnist-neural@{name_of(other).rpartition('@')[2]}"
        assert f"{model} is now {new}." in digits(tmp_path, model, "promote", str(other))
        assert model_of(server) == old
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, new)
        assert f"{model} is {old} again." in digits(tmp_path, model, "rollback")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, old)
        status, output = server.stop()
    assert status == 0
    assert f"{name_of(other)} reads 100 % of the pictures beside {old}.\n" in output
    assert "DIGITS_SHADOW is the model that answers, so it reads nothing." in output
    assert "Traceback" not in output


def test_a_broken_shadow_keeps_no_server_from_its_answers(tmp_path: Path, model: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"\x89HDF\r\n\x1a\nand nothing more")
    with running(tmp_path, model=str(model), shadow=str(broken), workers="1") as server:
        assert model_of(server) == name_of(model)
        broken.unlink()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: model_of(server) == name_of(model), 30)
        status, output = server.stop()
    assert status == 0
    assert "DIGITS_SHADOW cannot be used, so it reads nothing: " in output
    assert "Traceback" not in output
