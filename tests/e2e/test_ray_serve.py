"""The service on a real Ray of two nodes, of which one is killed."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
import requests

pytest.importorskip("ray", reason="make ray")

from ray.cluster_utils import Cluster

from support import ROOT
from support.drawing import png
from support.server import free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray's own warnings are not ours.

SECONDS = 120
CONFIG = """
proxy_location: HeadOnly
http_options: {{host: 127.0.0.1, port: {port}}}
applications: [{{name: digits, import_path: "digits.ray_serve:app", route_prefix: /}}]
"""


@dataclass
class Service:
    url: str
    cluster: Any
    second_node: Any

    def replicas(self) -> list[psutil.Process]:
        named = ((each, " ".join(_command(each))) for each in psutil.process_iter())
        return [each for each, command in named if "ServeReplica:digits" in command]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def service(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Two nodes for one replica each."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "DIGITS_MODEL": str(ROOT / "mnist-neural.h5"),
        "DIGITS_STORAGE": str(tmp_path / "uploads"),
        "DIGITS_DATABASE": database,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    (tmp_path / "serve.yaml").write_text(CONFIG.format(port=port))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        serve = [str(Path(sys.executable).with_name("serve")), "run", "--address", cluster.address, "serve.yaml"]
        process = subprocess.Popen(serve, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            service = Service(f"http://127.0.0.1:{port}", cluster, second)
            until(lambda: _is_ready(service.url) and len(service.replicas()) == 2, SECONDS)
            yield service
        finally:
            process.terminate()
            process.wait(30)
    finally:
        cluster.shutdown()


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_nothing_acknowledged_is_lost_with_a_replica_or_a_node(service: Service) -> None:
    acknowledged: dict[str, bytes] = {}
    refused: list[int] = []
    stopped = Event()

    def send(name: str) -> None:
        picture, number = png(name), 0
        while not stopped.is_set():
            number += 1
            key = {"Idempotency-Key": f"{name}-{number}"}
            while not stopped.is_set():
                try:
                    response = requests.post(f"{service.url}/uploads", data=picture, headers=key, timeout=30)
                except requests.RequestException:
                    refused.append(0)
                    continue
                if response.status_code == 201:
                    assert response.json()["number"] == name
                    acknowledged[response.json()["id"]] = picture
                    break
                refused.append(response.status_code)
                stopped.wait(0.1)

    def more(count: int) -> None:
        goal = len(acknowledged) + count
        until(lambda: len(acknowledged) >= goal, SECONDS)

    with ThreadPoolExecutor(6) as threads:
        senders = [threads.submit(send, name) for name in "234567"]
        try:
            more(100)
            service.replicas()[0].kill()
            more(100)
            service.cluster.remove_node(service.second_node, allow_graceful=False)
            more(100)
        finally:
            stopped.set()
    for sender in senders:
        sender.result()
    print(f"acknowledged {len(acknowledged)}, refused or failed {len(refused)}: {sorted(set(refused))}")
    for key, picture in acknowledged.items():
        assert requests.get(f"{service.url}/uploads/{key}/image", timeout=30).content == picture
