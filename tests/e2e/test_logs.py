"""The log of a server with several workers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from support import ROOT
from support.drawing import png
from support.server import children_of, environment_of, free_port, running, until

pytestmark = pytest.mark.slow


def test_the_last_lines_of_workers_that_end_are_written(tmp_path: Path) -> None:
    with running(tmp_path, workers="2", access_log="true") as server:
        for number in range(20):
            requests.get(f"{server.url}/nothing", headers={"X-Request-ID": f"request-{number}"}, timeout=10)
        status, output = server.stop()
    assert status == 0
    lines = [line.split() for line in output.splitlines() if " GET /nothing 404 " in line]
    assert sorted(line[-1] for line in lines) == sorted(f"request-{number}" for number in range(20))


def test_as_json_stderr_has_nothing_but_objects(tmp_path: Path) -> None:
    port = free_port()
    errors = tmp_path / "errors"
    environment = environment_of(tmp_path, port=str(port), workers="1", log="json", access_log="true")
    model = tmp_path / "mnist-neural.h5"
    for suffix in (".h5", ".tflite"):
        model.with_suffix(suffix).write_bytes((ROOT / "mnist-neural.h5").with_suffix(suffix).read_bytes())
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            env=environment | {"DIGITS_MODEL": str(model)},
            stdout=subprocess.DEVNULL,
            stderr=file,
            cwd=tmp_path,
        )
        until(lambda: is_up(port), 30)
        requests.post(f"http://127.0.0.1:{port}/uploads", files={"file": png("7")}, timeout=30).raise_for_status()
        until(lambda: '"POST"' in errors.read_text(), 10)
        model.unlink()
        process.send_signal(signal.SIGHUP)
        until(lambda: "cannot be used" in errors.read_text(), 20)
        (worker,) = children_of(process.pid)
        os.kill(worker, signal.SIGKILL)
        until(lambda: "was killed by signal 9" in errors.read_text(), 20)
        process.terminate()
        process.wait(30)
    said = [json.loads(line) for line in errors.read_text().splitlines()]
    assert {each["logger"] for each in said} >= {"digits.access", "digits.server.main", "digits.server.place"}


def is_up(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_log_that_nobody_reads_stops_neither_requests_nor_the_end(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py")],
        env=environment_of(tmp_path, port=str(port), workers="1", access_log="true"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    until(lambda: is_up(port), 30)
    with requests.Session() as session:
        long = "x" * 4000
        for _ in range(200):  # The pipe takes 64 KiB.
            assert session.get(f"http://127.0.0.1:{port}/{long}", timeout=5).status_code == 404
    begun = time.monotonic()
    process.terminate()
    process.wait(30)
    assert time.monotonic() - begun < 6
    assert process.returncode == 0
    assert process.stderr
    process.stderr.close()
