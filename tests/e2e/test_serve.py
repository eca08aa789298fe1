"""`python app.py` as its operator meets it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest
import requests

from support import ROOT
from support.drawing import png
from support.server import Server, accepts, free_port, running, start, until, workers_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), workers="2") as server:
        yield server


def test_a_picture_comes_back_as_its_digit(server: Server) -> None:
    response = requests.post(f"{server.url}/uploads", files={"file": png("7")}, timeout=10)
    assert (response.status_code, response.json()["number"]) == (201, "7")
    kept = requests.get(server.url + response.headers["Location"], timeout=10).json()
    assert kept == response.json()


def test_many_clients_at_once_are_all_answered_and_kept(server: Server) -> None:
    def send(digit: str) -> tuple[str, str]:
        answer = requests.post(f"{server.url}/uploads", files={"file": png(digit)}, timeout=30).json()
        return digit, answer["number"]

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, "0123456789" * 8))
    assert all(sent == read for sent, read in answers)
    assert len(requests.get(f"{server.url}/uploads?limit=100", timeout=10).json()["uploads"]) >= len(answers)


def test_two_hundred_stalled_uploads_do_not_stop_the_others(server: Server) -> None:
    head = b"POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\n"
    stalled = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    try:
        for connection in stalled:
            connection.sendall(head + b"\x89PNG")
        for _ in range(10):
            assert requests.post(f"{server.url}/uploads", data=png("3"), timeout=5).json()["number"] == "3"
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_gets_its_answer(server: Server, chunked: bool) -> None:
    body = iter([bytes(1 << 20)] * 12) if chunked else bytes(12 << 20)
    response = requests.post(f"{server.url}/uploads", data=body, timeout=10)
    assert response.status_code == 413
    assert "at most 10 MB" in response.json()["detail"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("size", [11 << 20, 64 << 20])
def test_a_client_that_sends_all_before_it_listens_gets_it_too(server: Server, size: int) -> None:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("POST", "/uploads", bytes(size), {"Content-Type": "image/jpeg"})
        assert connection.getresponse().status == 413


def test_it_prints_where_it_listens_and_stops_cleanly(tmp_path: Path) -> None:
    with running(tmp_path, workers="1") as server:
        status, output = server.stop()
    assert status == 0
    assert f"Listening on {server.url}" in output
    assert f"curl -F file=@digit.png {server.url}/uploads" in output
    assert "Traceback" not in output


def test_sigterm_finishes_what_was_accepted_and_refuses_what_comes_meanwhile(tmp_path: Path) -> None:
    with running(tmp_path, workers="2") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            data = png("7")
            head = (
                f"POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(data)}\r\n\r\n"
            )
            connection.sendall(head.encode() + data[:100])
            time.sleep(0.5)  # The server has read the head.
            server.process.send_signal(signal.SIGTERM)
            until(lambda: not accepts(("127.0.0.1", server.port)), 5)
            connection.sendall(data[100:])
            connection.settimeout(10)
            assert connection.recv(12) == b"HTTP/1.1 201"
        server.process.communicate(timeout=30)
        assert server.process.returncode == 0


def test_sigterm_under_load_leaves_no_request_without_an_answer(tmp_path: Path) -> None:
    with running(tmp_path, workers="2") as server, ThreadPoolExecutor(50) as threads:
        clients = [threads.submit(answered_until_refused, server.port, number % 2 == 0) for number in range(50)]
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        assert sum(client.result() for client in clients)
        server.process.communicate(timeout=30)


def answered_until_refused(port: int, keeps_connection: bool) -> int:
    """How many uploads are answered before a connection is refused; all else that goes wrong is raised."""
    headers = {"Content-Type": "image/png", "Connection": "keep-alive" if keeps_connection else "close"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        for answered in count():
            if connection.sock is None:
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return answered
            connection.request("POST", "/uploads", png("7"), headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 201
    raise AssertionError


def test_an_acknowledged_upload_survives_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path, workers="1") as server:
        kept = requests.post(f"{server.url}/uploads", files={"file": png("7")}, timeout=10).json()
        for pid in (*workers_of(server), server.process.pid):
            os.kill(pid, signal.SIGKILL)
        server.process.communicate()
    with running(tmp_path, workers="1") as server:
        assert requests.get(server.url + kept["links"]["self"], timeout=10).json() == kept
        assert requests.get(server.url + kept["links"]["image"], timeout=10).content == png("7")


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    with running(tmp_path, workers="2") as server:
        server.process.kill()
        server.process.communicate(timeout=20)  # Ends when the last worker has closed its output.
    with running(tmp_path, workers="1", port=str(server.port)):
        pass


HANGING = """
import os, signal, time
from digits.server import main as serve
serve.STOP_SECONDS = 1
serve._stop_on_signals("")
if os.fork():
    os.kill(os.getpid(), signal.SIGKILL)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(1)
"""


def test_a_worker_that_hangs_does_not_outlive_its_parent_either() -> None:
    parent = subprocess.Popen([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE)
    parent.communicate(timeout=20)


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path, workers="1") as server:
        os.kill(workers_of(server)[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while True:
            try:
                assert requests.post(f"{server.url}/uploads", data=png("3"), timeout=5).json()["number"] == "3"
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def test_connections_that_say_nothing_are_closed(server: Server) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for connection in silent:
        connection.settimeout(20)
        assert connection.recv(100) in (b"", b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        connection.close()


def test_a_chunked_upload_is_read(server: Server) -> None:
    data = png("3")
    pieces = (data[i : i + 700] for i in range(0, len(data), 700))
    answer = requests.post(f"{server.url}/uploads", data=pieces, headers={"Content-Type": "image/png"}, timeout=10)
    assert (answer.status_code, answer.json()["number"]) == (201, "3")


def fails(folder: Path, **settings: str) -> str:
    """What it prints when it does not start."""
    output, _ = start(folder, **settings).communicate(timeout=60)
    return output


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(tmp_path, port=str(port))
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. "
        "Stop what uses it, or choose another with DIGITS_PORT.\n"
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"port": "http"}, "DIGITS_PORT: Input should be a valid integer"),
        ({"model": "missing.h5"}, "The model missing.h5 does not exist. Set DIGITS_MODEL to a Keras .h5 file."),
        ({"storage": "/proc/uploads"}, "DIGITS_STORAGE: /proc/uploads cannot be made"),
        ({"database": "sqlite:////proc/uploads.db"}, "DIGITS_DATABASE: sqlite:////proc/uploads.db cannot be used"),
    ],
)
def test_what_it_cannot_start_with_is_told_in_one_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    output = fails(tmp_path, **({"port": str(free_port())} | settings))
    assert output.startswith(sentence)
    assert output.count("\n") == 1


def test_a_setting_that_is_spelt_wrongly_is_told_once_and_refuses_no_start(tmp_path: Path) -> None:
    with running(tmp_path, workers="2", stroage="elsewhere") as server:
        assert requests.get(f"{server.url}/readyz", timeout=10).ok
        _, output = server.stop()
    assert output.count("DIGITS_STROAGE is no setting. Did you mean DIGITS_STORAGE?\n") == 1


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "other.db"
    database.write_bytes(b"this is not a database, but somebody's notes" * 50)
    assert "DIGITS_DATABASE" in fails(tmp_path, port=str(free_port()), database=f"sqlite:///{database}")
    assert database.read_bytes().startswith(b"this is not a database")


def test_the_history_is_an_ordinary_database(server: Server) -> None:
    requests.post(f"{server.url}/uploads", files={"file": png("5")}, timeout=10)
    cwd = Path(f"/proc/{server.process.pid}/cwd").resolve()
    with sqlite3.connect(cwd / "uploads.db") as connection:
        assert connection.execute("SELECT count(*) FROM uploads WHERE number = '5'").fetchone()[0] >= 1
    connection.close()


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    mask = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_while_it_is_still_starting(tmp_path: Path, number: int) -> None:
    for seconds in (0, 0.1, 0.2, 0.3, 0.4, 0.6):
        process = start(tmp_path, port=str(free_port()), workers="4")
        while not catches(process.pid, signal.SIGTERM):
            time.sleep(0.005)
        time.sleep(seconds)
        process.send_signal(number)
        output, _ = process.communicate(timeout=5)
        assert process.returncode == 0
        assert "Traceback" not in output
