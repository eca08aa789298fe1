"""Compiled networks, run by LiteRT."""

import threading

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter as litert

Floats = npt.NDArray[np.float32]


class Interpreter:
    """A network with one thread, to be used by one thread, for pictures of one shape: that given, or its own."""

    def __init__(self, flatbuffer: bytes, shape: tuple[int, ...] | None = None) -> None:
        self._litert = litert.Interpreter(model_content=flatbuffer, num_threads=1)
        self._input = self._litert.get_input_details()[0]["index"]
        if shape:
            self._litert.resize_tensor_input(self._input, (1, *shape))
        self._litert.allocate_tensors()
        self._output = self._litert.get_output_details()[0]["index"]

    def run(self, picture: Floats) -> Floats:
        """float32 of its shape -> what the network gives, float32."""
        self._litert.set_tensor(self._input, picture[np.newaxis])
        self._litert.invoke()
        given: Floats = self._litert.get_tensor(self._output)[0]
        return given


MOST_SHAPES = 6
"""For which a thread keeps interpreters of a network: each takes some megabytes, and pictures come in all shapes."""


class Interpreters(threading.local):
    """The interpreters of one network, one for each thread and shape; those that were not used for long are let go."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._flatbuffer = flatbuffer
        self._of: dict[tuple[int, ...], Interpreter] = {}

    def run(self, picture: Floats) -> Floats:
        """float32 (h, w, 1) -> what the network gives, float32."""
        interpreter = self._of.pop(picture.shape, None) or Interpreter(self._flatbuffer, picture.shape)
        self._of[picture.shape] = interpreter  # Now the last, and the first is the one not used for longest.
        if len(self._of) > MOST_SHAPES:
            del self._of[next(iter(self._of))]
        return interpreter.run(picture)
