"""A decoder that fails costs its picture, and nothing else: the real server, with a decoder that fails on demand."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from support import ROOT
from support.drawing import draw, encode, on_paper
from support.server import Server, children_of, command_of, running, until, workers_of

pytestmark = pytest.mark.slow

FAILING = f"""
import functools, sys
sys.path.insert(0, {str(ROOT)!r})
from digits.server.main import main
from digits.vision import sandbox
sandbox.Sandbox = functools.partial(sandbox.Sandbox, module="tests.vision.failing_decoder")
main()
"""
PICTURE = encode(on_paper(draw("7")), "GIF")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), ("-c", FAILING), workers="1") as server:
        yield server


def post(server: Server, data: bytes) -> requests.Response:
    return requests.post(f"{server.url}/uploads?store=false", data, timeout=20)


def forking(server: Server) -> psutil.Process:
    """The process that forks decoders."""
    (pid,) = (pid for pid in children_of(server.process.pid) if b"decoder" in command_of(pid))
    return psutil.Process(pid)


def test_a_decoder_that_does_not_return_costs_only_its_picture(server: Server) -> None:
    workers = workers_of(server)
    with ThreadPoolExecutor(3) as threads:
        looping = [threads.submit(post, server, b"loops") for _ in range(3)]
        read = 0
        while not all(request.done() for request in looping):
            assert post(server, PICTURE).json()["number"] == "7"
            read += 1
    assert read
    for request in looping:
        assert (request.result().status_code, request.result().json()["type"]) == (415, "/problems/not-a-picture")
    assert workers_of(server) == workers


def test_a_decoder_that_crashes_costs_only_its_picture_and_its_hash_is_logged(tmp_path: Path) -> None:
    with running(tmp_path, ("-c", FAILING), workers="1") as server:
        workers = workers_of(server)
        refused = post(server, b"is a segmentation fault")
        assert refused.status_code == 415
        assert post(server, PICTURE).json()["number"] == "7"
        assert workers_of(server) == workers
        _, output = server.stop()
    (line,) = (line for line in output.splitlines() if refused.json()["request_id"] in line)
    assert hashlib.sha256(b"is a segmentation fault").hexdigest() in line
    assert "Fatal Python error: Segmentation fault" in line


def test_what_forks_decoders_comes_back(server: Server) -> None:
    old = forking(server)
    old.kill()
    assert post(server, PICTURE).json()["number"] == "7"
    assert forking(server) != old


def test_a_picture_that_was_accepted_is_read_although_all_processes_are_told_to_stop(tmp_path: Path) -> None:
    """As systemd does it."""
    with running(tmp_path, ("-c", FAILING), workers="1") as server, ThreadPoolExecutor(1) as thread:
        post(server, PICTURE)
        processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        sent = thread.submit(post, server, b"takes a while")
        time.sleep(0.5)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        assert sent.result().json()["number"] == "7"
        server.process.communicate(timeout=20)
        until(lambda: not any(process.is_running() for process in processes), 5)
