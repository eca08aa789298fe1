"""The metrics of a server with several workers."""

import os
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest
import requests

from digits.server.metrics_folder import SHARED_MEMORY
from support.drawing import png
from support.server import Server, free_port, running, start, until, workers_of
from tests.e2e.test_serve import catches

pytestmark = pytest.mark.slow


def samples(url: str) -> dict[str, float]:
    lines = requests.get(url, timeout=10).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def folders(pid: int) -> list[Path]:
    places = (Path(SHARED_MEMORY), Path(tempfile.gettempdir()))
    return [folder for place in places for folder in place.glob(f"digits-metrics-{pid}-*")]


def send(server: Server, times: int) -> None:
    for _ in range(times):  # Each over a connection of its own, to whichever worker.
        assert requests.post(f"{server.url}/uploads", data=png("7"), timeout=10).status_code == 201


def is_up(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_whichever_worker_is_asked_tells_of_all_even_of_those_that_ended(tmp_path: Path) -> None:
    kept = 'digits_requests_total{method="POST",route="/uploads",status="201"}'
    with running(tmp_path, workers="2") as server:
        url = f"{server.url}/metrics"
        send(server, 20)
        assert {samples(url)[kept] for _ in range(8)} == {20}
        with socket.create_connection(("127.0.0.1", server.port)) as stalled:
            stalled.sendall(b"POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nbegun")
            until(lambda: samples(url)["digits_body_bytes"] == 5, 10)
            for worker in workers_of(server):
                os.kill(worker, signal.SIGKILL)
        time.sleep(1)
        until(lambda: is_up(f"{server.url}/healthz"), 20)
        assert samples(url)["digits_body_bytes"] == 0
        assert samples(url)["digits_worker_deaths_total"] == 2
        send(server, 5)
        old = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: not set(old) & set(workers_of(server)), 30)
        send(server, 5)
        after = samples(url)
        assert after[kept] == 30
        assert after['digits_uploads_total{digit="7",recognised="true"}'] == 30
        assert len(folders(server.process.pid)) == 1
        assert server.stop()[0] == 0
        assert folders(server.process.pid) == []


def test_a_port_of_their_own_is_the_only_place_where_metrics_are_told(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, workers="2", metrics_port=str(port)) as server:
        send(server, 6)
        url = f"http://127.0.0.1:{port}/metrics"
        until(lambda: is_up(url), 20)
        assert samples(url)['digits_uploads_total{digit="7",recognised="true"}'] == 6
        assert requests.get(f"{server.url}/metrics", timeout=5).status_code == 404
        status, output = server.stop()
        assert (status, "Traceback" in output) == (0, False)
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=5)


@pytest.mark.parametrize("seconds", [0, 0.1, 0.3, 0.6])
def test_a_start_that_is_broken_off_leaves_no_folder(tmp_path: Path, seconds: float) -> None:
    process = start(tmp_path, port=str(free_port()))
    while not catches(process.pid, signal.SIGTERM):
        time.sleep(0.005)
    time.sleep(seconds)
    process.terminate()
    process.communicate(timeout=10)
    assert folders(process.pid) == []


def test_a_killed_server_leaves_no_folder(tmp_path: Path) -> None:
    with running(tmp_path, workers="2") as server:
        server.process.kill()
        server.process.communicate(timeout=20)  # Ends when the last worker has closed its output.
        assert folders(server.process.pid) == []
