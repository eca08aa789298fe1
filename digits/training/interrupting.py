"""Ctrl-C while a network is trained."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


class _Stop(keras.callbacks.Callback):
    """Raises KeyboardInterrupt at the end of a batch, once it is asked to."""

    def __init__(self) -> None:
        super().__init__()
        self._is_asked = False

    def ask(self, *_: Any) -> None:
        self._is_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Who asks again does not want to wait.

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        if self._is_asked:
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


@contextmanager
def stop_between_batches() -> Iterator[keras.callbacks.Callback]:
    """Yield a callback for `fit`, with which Ctrl-C waits for the end of a batch: TensorFlow can abort within one."""
    stop = _Stop()
    before = signal.getsignal(signal.SIGINT)
    if before == signal.default_int_handler:  # Else somebody else handles it, or it is ignored.
        signal.signal(signal.SIGINT, stop.ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
