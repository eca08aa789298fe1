"""The servers that are measured, each started as its own documentation says."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import psutil
import requests

from bench.bodies import CONTENT_TYPE, multipart, pictures
from support import ROOT
from support.server import free_port

SECONDS_TO_START, SECONDS_TO_STOP = 120, 20
MODEL = "{model}"
_SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class System:
    """A server: its command, with {port}, {workers} and {model} to be filled in, and where it takes pictures."""

    name: str
    command: Sequence[str]
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """An API key that is sent with each request."""
    answer: str = "digit"
    """The field of its answers that holds what it reads; empty if it reads nothing."""


_OURS = (sys.executable, str(ROOT / "app.py"))
_OUR_SETTINGS = {
    "DIGITS_PORT": "{port}",
    "DIGITS_WORKERS": "{workers}",
    "DIGITS_MODEL": str(ROOT / "mnist-neural.h5"),
    "DIGITS_STORAGE": "uploads",
}
_NORMAL = _OUR_SETTINGS | {"DIGITS_SYNC": "normal"}
_TAKES = (sys.executable, "-m", "bench.peers.floor")
OURS = System("digits, store=false", _OURS, "/uploads?store=false", _OUR_SETTINGS, answer="number")
STORED = System("digits, stored, sync=normal", _OURS, "/uploads", _NORMAL, answer="number")
DURABLE = System("digits, stored, sync=full", _OURS, "/uploads", _OUR_SETTINGS, answer="number")
FLOOR = System("floor: only takes the upload", _TAKES, "/uploads", _OUR_SETTINGS, answer="")
FASTAPI = System(
    "FastAPI + ONNX Runtime",
    (
        f"{_SCRIPTS}/uvicorn", "bench.peers.fastapi_onnx:app",
        "--port", "{port}", "--workers", "{workers}", "--log-level", "warning", "--no-access-log",
    ),
    "/predict",
    {"MODEL": MODEL},
)  # fmt: skip
LITESTAR = replace(
    FASTAPI,
    name="Litestar + ONNX Runtime",
    command=[part.replace("fastapi", "litestar") for part in FASTAPI.command],
)
ROBYN = System(
    "Robyn + ONNX Runtime",
    (sys.executable, "-m", "bench.peers.robyn_onnx", "--processes", "{workers}", "--log-level", "WARN"),
    "/predict",
    {"PORT": "{port}", "MODEL": MODEL},
)
LITSERVE = System(
    "LitServe + ONNX Runtime",
    (sys.executable, "-m", "bench.peers.litserve_onnx"),
    "/predict",
    {"PORT": "{port}", "WORKERS": "{workers}", "MODEL": MODEL},
)
FLASK = System(
    "Flask + gunicorn + model.predict",
    (f"{_SCRIPTS}/gunicorn", "bench.peers.flask_predict:app", "--bind", "127.0.0.1:{port}", "--workers", "{workers}"),
    "/predict",
)
SYSTEMS = {
    "digits": OURS,
    "stored": STORED,
    "durable": DURABLE,
    "floor": FLOOR,
    "fastapi": FASTAPI,
    "litestar": LITESTAR,
    "robyn": ROBYN,
    "litserve": LITSERVE,
    "flask": FLASK,
}


class DoesNotStart(Exception):
    """A server gives no answer; str(error) says what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has answered."""

    url: str
    """Of its origin."""
    start_s: float
    """From the command to the first picture that was read."""
    process: "subprocess.Popen[bytes]"

    def processes(self) -> list[psutil.Process]:
        """All that it consists of at present."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def memory_mb(self) -> tuple[float, float]:
        """Of all its processes, what they share counted once; and of the largest, what it shares counted in full."""
        each = [process.memory_full_info() for process in self.processes()]
        return sum(info.pss for info in each) / 1e6, max(info.rss for info in each) / 1e6


class Workplace:
    """A folder for servers to work in, kept to the end: to delete what one has left would slow the next one down."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    @cached_property
    def model(self) -> Path:
        """The shipped one as ONNX."""
        file = self.folder / "model.onnx"
        subprocess.run(
            [sys.executable, "-m", "bench.peers.onnx_model", file], check=True, capture_output=True, cwd=ROOT
        )
        return file

    @contextmanager
    def running(self, system: System) -> Iterator[Running]:
        """Starts a server in a folder of its own, waits for its first answer, and stops it. Raises DoesNotStart."""
        port = free_port()
        values = {"port": str(port), "workers": str(self.workers)}
        if MODEL in system.environment.values():
            values["model"] = str(self.model)
        start = time.perf_counter()
        process = subprocess.Popen(
            [part.format(**values) for part in system.command],
            cwd=tempfile.mkdtemp(dir=self.folder),
            env={**os.environ, "PYTHONPATH": str(ROOT)}
            | {name: value.format(**values) for name, value in system.environment.items()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, system)
            yield Running(url, time.perf_counter() - start, process)
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """All that it has started too, since not every server ends its workers."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, system: System) -> None:
    body = multipart(pictures("small")[0])
    headers = {"Content-Type": CONTENT_TYPE, "X-API-Key": system.token}
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            if requests.post(url + system.path, data=body, headers=headers, timeout=30).ok:
                return
        except requests.RequestException:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise DoesNotStart(
                f"{system.name} does not start. Install what it needs with "
                ".venv/bin/pip install -r requirements/bench.txt, or leave it out."
            )
        time.sleep(0.01)
