"""Instances of the server on one PostgreSQL and one S3, behind nginx as docs/scaling.md has it, and their clients."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Generic, TypeVar

import requests

from support.backends import S3, PostgreSQL
from support.drawing import png
from support.nginx import balanced, nginx, served
from support.server import Server, free_port, running, workers_of

INSTANCES = 3
CLIENTS = 6

T = TypeVar("T")


class Part(Generic[T]):
    """Something that can be stopped and started again."""

    def __init__(self, make: Callable[[], AbstractContextManager[T]]) -> None:
        self._make = make
        self._stack = ExitStack()

    def start(self) -> None:
        self.running = self._stack.enter_context(self._make())

    def stop(self) -> None:
        self._stack.close()


class Instance(Part[Server]):
    """A server, always on the same port."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True)
        super().__init__(lambda: running(folder, **settings))

    @property
    def url(self) -> str:
        return self.running.url

    def kill(self) -> None:
        """All its processes at once, as a machine dies."""
        process = self.running.process
        for pid in (*workers_of(self.running), process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()
        self.stop()


@dataclass(frozen=True)
class Shared:
    """What all instances use. S3 is reached through an nginx of its own, since moto forgets all when it is stopped."""

    database: PostgreSQL
    s3: Part[str]
    storage: str

    @property
    def settings(self) -> dict[str, str]:
        return {"database": self.database.url, "storage": self.storage}


@contextmanager
def shared_s3(folder: Path, objects: S3) -> Iterator[tuple[Part[str], dict[str, str]]]:
    """S3 that can be stopped and keeps all, and what tells clients to use it."""
    port = free_port()
    passed_on = f"location / {{ proxy_pass http://127.0.0.1:{objects.port}; proxy_set_header Host $http_host; }}"
    part = Part(lambda: nginx(folder / "s3", port, served(port, passed_on)))
    part.start()
    try:
        yield part, objects.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    finally:
        part.stop()


@dataclass(frozen=True)
class Cluster:
    """Instances, and nginx in front of them."""

    instances: Sequence[Instance]
    url: str
    """Of nginx."""


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[Cluster]:
    """All at once."""
    settings = {"workers": "1", "trusted_proxies": "127.0.0.1"} | settings
    each = [Instance(folder / str(number), port=str(free_port()), **settings) for number in range(INSTANCES)]
    with ExitStack() as stack:
        for instance in each:
            stack.callback(instance.stop)
        with ThreadPoolExecutor(INSTANCES) as threads:
            list(threads.map(Instance.start, each))
        port = free_port()
        content = balanced(port, [instance.url for instance in each])
        yield Cluster(each, stack.enter_context(nginx(folder / "nginx", port, content)))


@dataclass
class Sent:
    """What clients were answered."""

    kept: set[str] = field(default_factory=set)
    """Ids of the uploads that were acknowledged."""
    refused: list[requests.Response] = field(default_factory=list)
    failed: list[requests.RequestException] = field(default_factory=list)


@contextmanager
def load(url: str) -> Iterator[Sent]:
    """Clients that send uploads until the end of the block."""
    sent, stopped = Sent(), Event()

    def send() -> None:
        while not stopped.is_set():
            try:
                response = requests.post(f"{url}/uploads", data=png("7"), timeout=60)
            except requests.RequestException as error:
                sent.failed.append(error)
                continue
            if response.status_code == 201:
                sent.kept.add(response.json()["id"])
            else:
                sent.refused.append(response)
                stopped.wait(0.1)

    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(send) for _ in range(CLIENTS)]
        try:
            yield sent
        finally:
            stopped.set()
    for client in clients:
        client.result()
