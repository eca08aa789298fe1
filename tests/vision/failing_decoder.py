"""`python -m tests.vision.failing_decoder`: the decoder's process, with a decoder that fails in all ways."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from digits.errors import EmptyFile, NotAPicture, TooManyPixels
from digits.vision.decode import Picture, read_picture
from digits.vision.decoder import DecoderConfig, decode_all
from support.drawing import draw, encode, on_paper


def loop() -> None:
    while True:
        pass


def allocate() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(10_000_000))


def sleep() -> None:
    time.sleep(60)


def fail(error: Exception) -> None:
    raise error


def picture(rows: int = 1, width: int = 1, height: int = 1, name: str = "PNG") -> Picture:
    return Picture(np.zeros((rows, 1), np.uint8), width, height, name)


def dream(large: AbstractContextManager[Any], seconds: float = 0.1) -> Picture:
    """Takes its time as no other large picture is decoded; its width and height tell when, in milliseconds."""
    with large:
        start = time.monotonic_ns() // 1_000_000
        time.sleep(seconds)
        return picture(width=start, height=time.monotonic_ns() // 1_000_000)


FAILURES: Mapping[bytes, Callable[[], Picture | None]] = {
    b"loops": loop,
    b"sleeps": sleep,
    b"allocates": allocate,
    b"is a segmentation fault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    b"is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    b"ends": lambda: os._exit(0),
    b"is a fault of ours": lambda: fail(RuntimeError("a fault of ours")),
    b"is of an unknown format": lambda: picture(name="EXE"),
    b"is too tall": lambda: picture(rows=801),
}
"""By what is sent as a picture."""
REFUSALS = {
    b"is empty": EmptyFile("The file is empty."),
    b"is too large": TooManyPixels("The picture is too large."),
    b"is no picture": NotAPicture("This is no picture."),
}


def read(data: bytes, max_pixels: int, *, large: AbstractContextManager[Any]) -> Picture:
    if data in REFUSALS:
        fail(REFUSALS[data])
    if data == b"takes a while":
        time.sleep(1)
        return read_picture(encode(on_paper(draw("7"))), max_pixels)
    if data == b"is talked about":
        os.write(2, b"2026-11-28T05:00:00.000Z ERROR nonsense\n")
        return picture()
    if data in FAILURES:
        return FAILURES[data]() or picture()
    if data == b"is large and slow":
        return dream(large, seconds=1.2)
    return dream(large) if data == b"is large" else read_picture(data, max_pixels, large=large)


if __name__ == "__main__":
    decode_all(read, DecoderConfig(cpu_seconds=1, seconds=2))
