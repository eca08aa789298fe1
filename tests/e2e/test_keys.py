"""API keys and rates in front of the real server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from digits.admission.keyring import REFRESH_SECONDS
from support import ROOT
from support.drawing import png
from support.server import Server, environment_of, running, until

pytestmark = pytest.mark.slow


def keys(folder: Path, *words: str, **settings: str) -> str:
    command = [sys.executable, "-m", "digits", "keys", *words]
    environment = environment_of(folder, **settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with running(folder, workers="2") as server:
        yield server


def status(server: Server, token: str = "", path: str = "/uploads", method: str = "GET") -> int:
    # On a connection of its own, for any worker.
    data = png("7") if method == "POST" else None
    sent = {"X-API-Key": token, "Content-Type": "image/png", "Connection": "close"}
    return requests.request(method, f"{server.url}{path}", data=data, headers=sent, timeout=10).status_code


def all_answer(server: Server, expected: int, token: str = "") -> bool:
    return {status(server, token) for _ in range(8)} == {expected}


def test_keys_that_are_made_and_revoked_are_known_to_all_workers_soon(server: Server, folder: Path) -> None:
    assert status(server, method="POST") == 201
    token = keys(folder, "new", "--owner", "me", "--scope", "recognise,read")
    until(lambda: all_answer(server, 401), 4 * REFRESH_SECONDS)
    until(lambda: all_answer(server, 200, token), 4 * REFRESH_SECONDS)
    assert status(server, method="POST") == 401
    assert status(server, token, method="POST") == 201
    assert status(server, token, "/uploads?before=2027-01-01", "DELETE") == 403
    assert status(server, path="/readyz") == 200
    mine = requests.get(f"{server.url}/uploads?total=true", headers={"X-API-Key": token}, timeout=10).json()
    assert mine["total"] == 1
    assert requests.get(server.url + mine["uploads"][0]["links"]["image"], timeout=10).content == png("7")
    keys(folder, "revoke", token.split("_")[1])
    until(lambda: all_answer(server, 401, token), 4 * REFRESH_SECONDS)
    keys(folder, "clear", "--yes")
    until(lambda: all_answer(server, 200), 4 * REFRESH_SECONDS)


def test_with_redis_the_rate_is_that_of_all_workers(tmp_path: Path, redis_url: str) -> None:
    with running(tmp_path, workers="2", rate="10/minute", rate_storage=redis_url) as server:
        statuses = [status(server, path="/uploads?store=false", method="POST") for _ in range(20)]
    assert sorted(statuses) == [200] * 10 + [429] * 10
