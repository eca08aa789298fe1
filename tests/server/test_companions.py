"""Processes beside the workers."""

import errno
import os
import threading
from queue import SimpleQueue
from typing import NoReturn

import pytest

from digits.server import companions
from support.server import until


def test_a_companion_that_cannot_be_started_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: SimpleQueue[tuple[str, ...]] = SimpleQueue()

    def start(*arguments: str) -> NoReturn:
        tried.put(arguments)
        if tried.qsize() == 2:
            threading.Event().wait()  # As a companion that runs.
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(companions, "start", start)
    monkeypatch.setattr(companions, "_REST_SECONDS", 0)
    companions.tell_metrics("127.0.0.1", 9100)
    until(lambda: tried.qsize() == 2, 5)
    assert tried.get() == tried.get() == ("digits.server.metrics_port", "127.0.0.1", "9100")
    assert caplog.messages == [
        "digits.server.metrics_port cannot be started: Resource temporarily unavailable. Trying again."
    ]
