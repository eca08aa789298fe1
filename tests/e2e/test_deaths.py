"""The real server, whose workers are killed, or die by themselves."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import requests

from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Wanted, every
from support import ROOT
from support.drawing import png
from support.server import Server, environment_of, free_port, running, until, workers_of

pytestmark = pytest.mark.slow

DEATH = re.compile(
    r"^Worker \d+ \(process (\d+)\) was killed by signal 9 \(Killed\)\. Requests in work there: (.*)\.", re.MULTILINE
)
KILLS = 12


def test_workers_that_are_killed_again_and_again_cost_only_what_they_were_working_on(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    failed: list[requests.RequestException] = []
    stopped = Event()

    def send(server: Server, name: str) -> None:
        while not stopped.is_set():
            try:
                response = requests.post(
                    f"{server.url}/uploads",
                    data=png(name, size=900),
                    headers={"X-Request-ID": f"sent-{name}"},
                    timeout=30,
                )
                assert response.status_code == 201
                acknowledged.add(response.json()["id"])
            except requests.ConnectionError as error:
                failed.append(error)

    killed = []
    with running(tmp_path, workers="2") as server, ThreadPoolExecutor(8) as threads:
        senders = [threads.submit(send, server, name) for name in "12345678"]
        try:
            for number in range(KILLS):
                time.sleep(0.4)
                until(lambda: len(workers_of(server)) == 2, 10)
                first_seen = workers_of(server)
                time.sleep(0.1)  # The parent tries whether it can fork, with a child that ends at once.
                victim = random.choice([pid for pid in workers_of(server) if pid in first_seen])
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)
                if number == KILLS // 2:
                    server.process.send_signal(signal.SIGHUP)
            until(lambda: len(workers_of(server)) == 2, 15)
            before = len(acknowledged)
            until(lambda: len(acknowledged) > before + 20, 20)
        finally:
            stopped.set()
        for sender in senders:
            sender.result(30)
        assert requests.get(f"{server.url}/readyz", timeout=10).status_code == 200
        status, output = server.stop()
    assert status == 0
    deaths = dict(DEATH.findall(output))
    assert set(deaths) == set(map(str, killed))
    assert any("sent-" in request_ids for request_ids in deaths.values())
    assert len(failed) <= 8 * KILLS
    engine = create_engine(f"sqlite:///{tmp_path}/uploads.db")
    assert acknowledged <= {record.id for record in every(SqlRecords(engine), Wanted())}
    engine.dispose()


POISONED = """
import os, signal, sys
from pathlib import Path
import digits.web.asgi as asgi
from digits.server.main import main
create_front = asgi.create_front
def poisoned(*arguments):
    if Path("poison").exists():
        os.kill(os.getpid(), signal.SIGSEGV)
    return create_front(*arguments)
asgi.create_front = poisoned
main()
"""
"""A server whose workers die at their start, as long as there is a file."""


def test_workers_that_die_at_their_start_are_tried_less_and_less_until_they_live(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "poison").touch()
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", POISONED],
            env=environment_of(tmp_path, port=str(port), workers="1") | {"PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=file,
            cwd=tmp_path,
        )
        try:
            until(lambda: "started in 2 s" in log.read_text(), 30)
            (tmp_path / "poison").unlink()
            until(lambda: is_ready(port), 30)
        finally:
            process.terminate()
            process.wait(30)
    assert process.returncode == 0
    deaths = [line for line in log.read_text().splitlines() if "was killed by signal 11 (Segmentation fault)" in line]
    assert [line.partition("Another one is started ")[2] for line in deaths] == [
        "now.",
        "in 0.25 s.",
        "in 0.5 s.",
        "in 1 s.",
        "in 2 s.",
    ]


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
