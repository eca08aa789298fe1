"""A real PostgreSQL, a real server of S3 and a real Redis, for tests and measurements that need them."""

import getpass
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import requests

from support.server import free_port, until

SECONDS_TO_START = 30
SUPERUSER = "postgres"
"""Who runs it where we are root, which PostgreSQL refuses to be run by."""


def postgresql_programs() -> Path | None:
    """Folder of PostgreSQL's programs, which Debian keeps out of the path; None where it is not installed."""
    if found := max(Path("/usr/lib/postgresql").glob("*/bin"), default=None):
        return found
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class PostgreSQL:
    """A cluster that can be stopped and started."""

    def __init__(self, programs: Path, folder: Path, *, durable: bool) -> None:
        self._programs, self._folder, self._durable = programs, folder, durable
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        # Of a language, so that nothing rests on characters being in the order of their codes.
        language = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8")
        arguments = (f"--username={SUPERUSER}", "--auth=trust", *language, "--pgdata", "data")
        assert self._popen("initdb", *arguments).wait(60) == 0

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ".", "fsync": self._durable}
        options = [f"--{name}={value}" for name, value in settings.items()]
        # Not by pg_ctl, from which it would not be a child of ours, whose work is counted as such.
        self._process = self._popen("postgres", "-D", "data", "-p", str(self._port), *options)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            assert self._process.poll() is None, "PostgreSQL did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """At once, as if it were killed."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)

    def _popen(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [str(self._programs / program), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=SUPERUSER if os.getuid() == 0 else None,
            cwd=self._folder,
        )


@contextmanager
def postgresql(programs: Path, *, durable: bool = False) -> Iterator[PostgreSQL]:
    """A cluster of its own; unless durable, it does not wait for the disk."""
    with TemporaryDirectory(prefix="digits-postgresql-") as folder:
        shutil.chown(folder, SUPERUSER if os.getuid() == 0 else getpass.getuser())
        server = PostgreSQL(programs, Path(folder), durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(frozen=True)
class S3:
    """Moto's server: it speaks as S3 does, and keeps all in its memory."""

    port: int
    process: "subprocess.Popen[bytes]" = field(repr=False)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    @property
    def environment(self) -> dict[str, str]:
        """What tells clients of S3 to use it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }

    def bucket(self, name: str) -> str:
        """The URL of a new bucket."""
        requests.put(f"http://127.0.0.1:{self.port}/{name}", timeout=10).raise_for_status()
        return f"s3://{name}"


@contextmanager
def s3(port: int | None = None) -> Iterator[S3]:
    port = port or free_port()
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = S3(port, process)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _answers(port):
            assert process.poll() is None, "moto's server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server
    finally:
        server.stop()


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/moto-api/", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis that keeps nothing on disk."""
    with TemporaryDirectory(prefix="digits-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(socket.exists, SECONDS_TO_START)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)
