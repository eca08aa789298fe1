"""The real server, `python app.py`, for tests that need the whole of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from support import ROOT

PROGRAM = (str(ROOT / "app.py"),)
"""What Python runs."""
SECONDS_TO_START = 60
"""Long enough for the model to be compiled first."""


@dataclass(frozen=True)
class Server:
    process: "subprocess.Popen[str]"
    url: str
    port: int

    def stop(self) -> tuple[int, str]:
        """Stops it as Ctrl-C does; its exit status, and all that it printed."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(address: str | tuple[str, int]) -> bool:
    """Whether a program listens at this address and port, or at the path of a Unix socket."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as probe:
        return probe.connect_ex(address) == 0


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Waits until it is so; fails where that takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def environment_of(folder: Path, **settings: str) -> dict[str, str]:
    """Of a server that serves the shipped model, and keeps uploads in the folder, unless the settings say otherwise."""
    return {
        **os.environ,
        "DIGITS_MODEL": str(ROOT / "mnist-neural.h5"),
        "DIGITS_STORAGE": str(folder / "uploads"),
        **{f"DIGITS_{name.upper()}": value for name, value in settings.items()},
    }


def start(folder: Path, program: Sequence[str] = PROGRAM, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *program],
        env=environment_of(folder, **settings),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(folder: Path, program: Sequence[str] = PROGRAM, **settings: str) -> Iterator[Server]:
    port = int(settings.setdefault("port", str(free_port())))
    process = start(folder, program, **settings)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_ready(url):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield Server(process, url, port)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def workers_of(server: Server) -> list[int]:
    """Its children that were forked, since their command is its own."""
    own = command_of(server.process.pid)
    return [pid for pid in children_of(server.process.pid) if command_of(pid) == own]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> bytes:
    """Its arguments, or nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
