"""A real PostgreSQL and a real server of S3, for tests and measurements that need them."""

import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.server import free_port

SECONDS_TO_START = 30
SUPERUSER = "postgres"
"""Who runs it where we are root, which PostgreSQL refuses to be run by."""


def postgresql_programs() -> Path | None:
    """Folder of initdb and pg_ctl, which Debian keeps out of the path; None where PostgreSQL is not installed."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@dataclass(frozen=True)
class PostgreSQL:
    """A cluster that can be stopped and started."""

    programs: Path
    folder: Path
    durable: bool
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        # Of a language, so that nothing rests on characters being in the order of their codes.
        language = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8")
        self._run("initdb", f"--username={SUPERUSER}", "--auth=trust", *language, "--pgdata", str(self._data))

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        if not self.durable:
            options += " -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "--pgdata", str(self._data), "--wait", "--log", log, "--options", options, "start")

    def stop(self) -> None:
        """At once, as if it were killed."""
        self._run("pg_ctl", "--pgdata", str(self._data), "--wait", "--mode", "immediate", "stop")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            user=SUPERUSER if os.getuid() == 0 else None,
            cwd=self.folder,
        )


@contextmanager
def postgresql(programs: Path, *, durable: bool = False) -> Iterator[PostgreSQL]:
    """A cluster of its own; unless durable, it does not wait for the disk."""
    with TemporaryDirectory(prefix="digits-postgresql-") as folder:
        shutil.chown(folder, SUPERUSER if os.getuid() == 0 else getpass.getuser())
        server = PostgreSQL(programs, Path(folder), durable)
        server.create()
        server.start()
        try:
            yield server
        finally:
            if (server.folder / "data" / "postmaster.pid").exists():
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
