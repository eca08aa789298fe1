"""Run compiled networks with LiteRT."""

import contextlib
import math
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter as litert

Floats = npt.NDArray[np.float32]

_STDERR = 2
_greeting = threading.Lock()
_greeted = threading.Event()


@contextlib.contextmanager
def _greeting_unheard() -> Iterator[None]:
    """Let stderr lead nowhere while this process allocates its first tensors.

    LiteRT then says that it has created a delegate, in three pieces, between which others' lines may come. It has no
    setting for that: https://github.com/tensorflow/tensorflow/issues/58050
    """
    if _greeted.is_set() or sys.stderr is None:
        yield
        return
    with _greeting, Path(os.devnull).open("wb") as nowhere:
        stderr = os.dup(_STDERR)
        try:
            os.dup2(nowhere.fileno(), _STDERR)
            yield
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            _greeted.set()


class Interpreter:
    """A network for pictures of one shape, the given one or its own. Only one thread may use it, and it starts none."""

    def __init__(self, flatbuffer: bytes, shape: tuple[int, ...] | None = None) -> None:
        self._litert = litert.Interpreter(model_content=flatbuffer, num_threads=1)
        self._input = self._litert.get_input_details()[0]["index"]
        if shape:
            self._litert.resize_tensor_input(self._input, (1, *shape))
        with _greeting_unheard():
            self._litert.allocate_tensors()
        self._output = self._litert.get_output_details()[0]["index"]

    def run(self, picture: Floats) -> Floats:
        """Run the network on one picture, float32 of its shape, and return its output, float32."""
        self._litert.set_tensor(self._input, picture[np.newaxis])
        self._litert.invoke()
        given: Floats = self._litert.get_tensor(self._output)[0]
        return given


MOST_IDLE_PIXELS = 450_000
"""Pixels of input for which interpreters of a network are kept while idle, at 100 bytes a pixel: pictures come in all
shapes."""


class Interpreters:
    """The interpreters of one network, for all threads: one for each picture that is read at a time."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._flatbuffer = flatbuffer
        self._idle: list[tuple[tuple[int, ...], Interpreter]] = []
        """By shape, in the order of their last use."""
        self._lock = threading.Lock()

    def run(self, picture: Floats) -> Floats:
        """Run the network on one picture, float32 (h, w, 1), and return its output, float32."""
        interpreter = self._idle_one(picture.shape) or Interpreter(self._flatbuffer, picture.shape)
        output = interpreter.run(picture)
        with self._lock:
            self._idle.append((picture.shape, interpreter))
            while sum(math.prod(shape) for shape, _ in self._idle) > MOST_IDLE_PIXELS:
                del self._idle[0]
        return output

    def _idle_one(self, shape: tuple[int, ...]) -> Interpreter | None:
        """Take the last used interpreter of this shape, if there is one."""
        with self._lock:
            for place in reversed(range(len(self._idle))):
                if self._idle[place][0] == shape:
                    return self._idle.pop(place)[1]
        return None
