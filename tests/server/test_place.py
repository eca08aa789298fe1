"""A place for a worker, with processes that die when the test says so."""

import errno
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digits.metrics import exposition
from digits.server import place
from digits.server.place import LONGEST_PAUSE, Place
from digits.web.in_work import InWork


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Process:
    """As multiprocessing has it."""

    pid = 4711
    exitcode: int | None = None

    def start(self) -> None:
        pass

    def is_alive(self) -> bool:
        return self.exitcode is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(place, "time", clock)
    return clock


@pytest.fixture
def started(clock: Clock) -> list[Any]:
    """Every worker that was started."""
    return []


@pytest.fixture
def kept(clock: Clock, started: list[Any]) -> Place:
    """The second place of a server, with its first worker."""

    def make(_: InWork) -> Any:
        started.append(SimpleNamespace(idx=1, birth=clock.now, inner=Process()))
        return started[-1]

    place = Place(make)
    place.look()
    return place


def die(kept: Place, status: int = -9) -> None:
    assert kept.worker
    kept.worker.process.inner.exitcode = status
    kept.look()


def test_a_worker_that_dies_is_followed_by_another_one_at_once(kept: Place, started: list[Any]) -> None:
    kept.look()
    assert len(started) == 1
    die(kept)
    kept.look()
    assert len(started) == 2


def test_the_pauses_grow_while_workers_die_early_but_not_after_one_that_lived_or_worked(
    kept: Place, clock: Clock
) -> None:
    def pause(life: float, with_work: bool = False) -> float:
        clock.now += life
        if with_work and kept.worker:
            with kept.worker.in_work.noting("mine"):
                pass
        die(kept)
        paused = max(0, kept.due - clock.now)
        clock.now += paused
        kept.look()
        assert kept.worker
        return paused

    assert [pause(1) for _ in range(8)] == [0, 0.25, 0.5, 1, 2, 4, 5, 5]
    assert [pause(life) for life in (LONGEST_PAUSE, 1, 1)] == [0, 0, 0.25]
    assert [pause(1, with_work=True) for _ in range(3)] == [0, 0, 0]


def test_deaths_are_counted(kept: Place) -> None:
    def counted() -> bytes:
        return next(line for line in exposition().splitlines() if line.startswith(b"digits_worker_deaths_total"))

    before = counted()
    kept.look()
    assert counted() == before
    die(kept)
    assert counted() != before


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (-9, "was killed by signal 9 (Killed)."),
        (-11, "was killed by signal 11 (Segmentation fault)."),
        (1, "ended with status 1."),
        (0, "ended with status 0."),
    ],
)
def test_the_log_says_how_it_died_and_on_what(
    kept: Place, caplog: pytest.LogCaptureFixture, status: int, how: str
) -> None:
    assert kept.worker
    with kept.worker.in_work.noting("mine"):
        die(kept, status)
    die(kept)
    die(kept)
    first, _, last = caplog.messages
    assert first == f"Worker 2 (process 4711) {how} Requests in work there: mine. Another one is started now."
    assert last.endswith("Requests in work there: none. Another one is started in 0.25 s.")


@pytest.fixture
def refuse_forks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    return lambda: monkeypatch.setattr(os, "fork", refused)


def test_where_no_process_can_be_forked_it_is_tried_again(
    kept: Place,
    clock: Clock,
    refuse_forks: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse_forks()
    die(kept)
    clock.now += LONGEST_PAUSE / 2
    kept.look()
    assert not kept.worker
    assert caplog.messages[1:] == ["No worker can be started: Resource temporarily unavailable. Trying again in 5 s."]
    monkeypatch.undo()
    kept.look()
    assert kept.worker


def test_a_process_that_cannot_be_forked_leaves_nothing_open(refuse_forks: Callable[[], None]) -> None:
    real = SimpleNamespace(inner=multiprocessing.get_context("fork").Process())
    refuse_forks()
    before = len(list(Path("/dev/fd").iterdir()))
    Place(lambda _: real).look()  # type: ignore[arg-type, return-value]
    assert len(list(Path("/dev/fd").iterdir())) == before
