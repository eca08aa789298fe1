"""Ctrl-C while a network is trained."""

import os
import signal
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Take Ctrl-C as Python does, even if these tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_waits_for_the_end_of_the_batch() -> None:
    from digits.training.interrupting import stop_between_batches

    with stop_between_batches() as stop:
        stop.on_train_batch_end(0, logs={})
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            stop.on_train_batch_end(1, logs={})
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_pressed_twice_it_does_not_wait() -> None:
    from digits.training.interrupting import stop_between_batches

    with stop_between_batches():
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_it_stays_ignored_where_it_is_ignored() -> None:
    from digits.training.interrupting import stop_between_batches

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stop_between_batches() as stop:
        press_ctrl_c()
        stop.on_train_batch_end(0, logs={})
    press_ctrl_c()
