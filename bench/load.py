"""Load on a server: requests over many connections for some seconds, from wrk where it is installed, else from here."""

import asyncio
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np

from bench.bodies import CONTENT_TYPE
from bench.machine import undisturbed

Reading = TypeVar("Reading")

WRK = shutil.which("wrk")
CONNECTIONS = 32
"""That send at the same time, where nothing else is said."""
WARM_UP_SECONDS = 1.0
FIGURES = ("requests/s", "median ms", "99% ms", "errors")

_SCRIPT = """
local requests, turn = {}, 0
init = function(files)
  for place, file in ipairs(files) do
    local handle = io.open(file, "rb")
    requests[place] = handle:read("*a")
    handle:close()
  end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
done = function(summary, latency)
  local wrong = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "p999_ms": %f, "errors": %d}\\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
"""
_PAUSES = """
delay = function() return math.floor(-math.log(1 - math.random()) * %f) end
"""
"""Milliseconds before each request, exponentially distributed with this mean."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one round."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int = 0
    p999_ms: float = 0.0

    @property
    def per_second(self) -> float:
        """Requests that were answered well."""
        return (self.requests - self.errors) / self.seconds


def put_load(
    url: str, bodies: Sequence[bytes], connections: int, seconds: float, token: str = "", rate: float | None = None
) -> Load:
    """POSTs the multipart bodies in turn, or GETs where there are none; each connection waits for its answer.

    With a `rate`, each waits for a random time too, so that all send about so many requests a second.
    """
    requests = [request_of(url, body, token) for body in bodies] or [request_of(url, None, token)]
    pause = connections / rate if rate else 0.0
    if WRK:
        return _by_wrk(url, requests, connections, seconds, pause)
    return asyncio.run(_here(url, requests, connections, seconds, pause))


def steady_load(url: str, bodies: Sequence[bytes], connections: int, seconds: float, token: str = "") -> Load:
    """The same as warm_load, while nothing else is at work. Raises NoRest."""
    return undisturbed(lambda: warm_load(url, bodies, connections, seconds, token))


def metered_load(
    url: str, bodies: Sequence[bytes], connections: int, seconds: float, meter: Callable[[], Reading], token: str = ""
) -> tuple[Load, Reading, Reading]:
    """The same as steady_load, and what a meter reads once the server is warm, and at the end. Raises NoRest."""

    def measured() -> tuple[Load, Reading, Reading]:
        put_load(url, bodies, connections, WARM_UP_SECONDS, token)
        before = meter()
        load = put_load(url, bodies, connections, seconds, token)
        return load, before, meter()

    return undisturbed(measured)


def warm_load(url: str, bodies: Sequence[bytes], connections: int, seconds: float, token: str = "") -> Load:
    """The same once the server is warm."""
    put_load(url, bodies, connections, WARM_UP_SECONDS, token)
    return put_load(url, bodies, connections, seconds, token)


def figures(loads: Sequence[Load]) -> list[str]:
    """FIGURES: medians of the rounds, and all the errors."""
    speed, p50, p99 = (median(getattr(load, name) for load in loads) for name in ("per_second", "p50_ms", "p99_ms"))
    return [f"{speed:,.0f}", f"{p50:.1f}", f"{p99:.1f}", str(sum(load.errors for load in loads))]


def generator() -> str:
    """Where load comes from."""
    return "wrk" if WRK else "Python, which takes a good part of the processors"


def of_times(times: Sequence[float], seconds: float, errors: int = 0) -> Load:
    """The figures of requests that took so many seconds each."""
    p50, p99, p999 = np.quantile(times, [0.5, 0.99, 0.999]) * 1e3
    return Load(len(times), seconds, float(p50), float(p99), errors, float(p999))


def request_of(url: str, body: bytes | None, token: str = "") -> bytes:
    """As it goes over the connection: a POST of a multipart body, or a GET; with an API key if there is one."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    usual = f"{target} HTTP/1.1\r\nHost: {parts.netloc}\r\n" + (f"X-API-Key: {token}\r\n" if token else "")
    if body is None:
        return f"GET {usual}\r\n".encode()
    head = f"POST {usual}Content-Type: {CONTENT_TYPE}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _by_wrk(url: str, requests: Sequence[bytes], connections: int, seconds: float, pause: float) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "load.lua")
        script.write_text(_SCRIPT + (_PAUSES % (1e3 * pause) if pause else ""))
        files = [Path(folder, str(place)) for place in range(len(requests))]
        for file, request in zip(files, requests, strict=True):
            file.write_bytes(request)
        command = [str(WRK), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(script), url]
        output = subprocess.run([*command, "--", *map(str, files)], check=True, capture_output=True, text=True).stdout
    return Load(**json.loads(output.splitlines()[-1]))


async def _here(url: str, requests: Sequence[bytes], connections: int, seconds: float, pause: float) -> Load:
    parts, turns = urlsplit(url), cycle(requests)
    times: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal errors
        writer = None
        while time.perf_counter() < end:
            if pause:
                await asyncio.sleep(random.expovariate(1 / pause))
            start = time.perf_counter()
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
                writer.write(next(turns))
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                errors += not head.startswith(b"HTTP/1.1 2")
            except (asyncio.IncompleteReadError, OSError):
                writer, errors = None, errors + 1
            times.append(time.perf_counter() - start)
        if writer:
            writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return of_times(times, time.perf_counter() - start, errors)
