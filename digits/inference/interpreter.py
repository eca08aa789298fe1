"""Run compiled networks with LiteRT."""

import threading

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter as litert

Floats = npt.NDArray[np.float32]


class Interpreter:
    """A network for pictures of one shape, the given one or its own. Only one thread may use it, and it starts none."""

    def __init__(self, flatbuffer: bytes, shape: tuple[int, ...] | None = None) -> None:
        self._litert = litert.Interpreter(model_content=flatbuffer, num_threads=1)
        self._input = self._litert.get_input_details()[0]["index"]
        if shape:
            self._litert.resize_tensor_input(self._input, (1, *shape))
        self._litert.allocate_tensors()
        self._output = self._litert.get_output_details()[0]["index"]

    def run(self, picture: Floats) -> Floats:
        """Run the network on one picture, float32 of its shape, and return its output, float32."""
        self._litert.set_tensor(self._input, picture[np.newaxis])
        self._litert.invoke()
        given: Floats = self._litert.get_tensor(self._output)[0]
        return given


MOST_SHAPES = 6
"""Interpreters that a thread keeps for a network: each takes some megabytes, and pictures come in all shapes."""


class Interpreters(threading.local):
    """The interpreters of one network, one for each thread and shape. A thread drops its least recently used ones."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._flatbuffer = flatbuffer
        self._of: dict[tuple[int, ...], Interpreter] = {}

    def run(self, picture: Floats) -> Floats:
        """Run the network on one picture, float32 (h, w, 1), and return its output, float32."""
        interpreter = self._of.pop(picture.shape, None) or Interpreter(self._flatbuffer, picture.shape)
        self._of[picture.shape] = interpreter  # Now the last; the first is the least recently used.
        if len(self._of) > MOST_SHAPES:
            del self._of[next(iter(self._of))]
        return interpreter.run(picture)
