"""`python -m digits.vision.decoder`, which the server runs, forks decoders: processes that decode pictures.

It is asked for them at its standard input, a socket. Forking is safe, as it has no threads; and since it was started
afresh, it holds no connections and no secrets of the server. A decoder decodes one picture after another. The kernel
stops it if one takes too much time or memory, and lets it open nothing.
"""

import ctypes
import faulthandler
import fcntl
import gc
import math
import os
import resource
import signal
import socket
import sys
import time
import traceback
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

import cv2
import pillow_heif
from PIL import AvifImagePlugin, Image

from digits.errors import Busy, Refused
from digits.vision.decode import Picture, read_picture
from digits.vision.decoder_answers import with_picture, with_png, with_refusal
from digits.vision.sandbox import BUSY, IDLE_SECONDS, REQUEST, TASK
from digits.vision.strip import as_png

_PR_SET_NO_NEW_PRIVS = 38
_FIRST_TO_DIE = 1000
_STDOUT, _STDERR = 1, 2


class Read(Protocol):
    """Does what decode.read_picture does."""

    def __call__(self, data: bytes, max_pixels: int, *, large: AbstractContextManager[Any]) -> Picture:
        """Hold `large` while a large picture is decoded."""


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """What one decoder may use. On an AMD EPYC, the costliest pictures of 25 megapixels take 1.5 s and 410 MB."""

    pixels: int = 25_000_000
    """If more are accepted, a decoder may use as much more time and memory."""
    cpu_seconds: int = 5
    """For each picture, in all threads."""
    png_cpu_seconds: int = 10
    """The same if a PNG is made of it: a photo of 25 megapixels takes 4 s, as HEIC 6."""
    bytes: int = 512_000_000
    """Of memory, beside what it has when it is forked."""
    seconds: int = 30
    """For each picture, however busy the machine is."""

    def for_pixels(self, most: int) -> "DecoderConfig":
        """Return what a decoder of pictures of so many pixels may use."""
        share = max(1, most / self.pixels)
        return replace(
            self,
            cpu_seconds=math.ceil(share * self.cpu_seconds),
            png_cpu_seconds=math.ceil(share * self.png_cpu_seconds),
            bytes=math.ceil(share * self.bytes),
        )


def decode_all(read: Read = read_picture, config: DecoderConfig = DecoderConfig()) -> None:
    """Fork a decoder for each connection that comes, until nobody is left who could send one."""
    _prepare()
    requests = socket.socket(fileno=sys.stdin.fileno())
    locks = os.memfd_create("large pictures")
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, REQUEST.size, 1)
        if not request:
            return
        max_pixels, worker = REQUEST.unpack(request)
        with socket.socket(fileno=descriptors[0]) as connection:
            try:
                is_decoder = not os.fork()
            except OSError:
                connection.sendall(with_refusal(Busy(BUSY)))
                continue
            if is_decoder:
                requests.close()
                turn = _Turn(locks, worker, config.seconds)
                _decode(connection, max_pixels, turn, read, config.for_pixels(max_pixels))


def _prepare() -> None:
    """Make what all decoders inherit."""
    # Pictures are still decoded when the server is told to stop; it stops when its socket is closed.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # So that decoders leave no zombies.
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with suppress(OSError):  # If memory runs out, a decoder dies, not a worker.
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_DIE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.preinit()  # Decoders cannot import, since they cannot open files.
    AvifImagePlugin.DEFAULT_MAX_THREADS = pillow_heif.options.DECODE_THREADS  # Each takes 8 MB of addresses.
    cv2.setNumThreads(1)
    gc.freeze()


def _decode(
    connection: socket.socket, max_pixels: int, turn: AbstractContextManager[None], read: Read, config: DecoderConfig
) -> NoReturn:
    """Decode pictures until no more come, and end. If that fails, say why."""
    try:
        os.dup2(_STDOUT, _STDERR)  # Where libraries write what they find in a picture; stdout is closed to all.
        _bound(connection, config)
        with connection.makefile("rb") as sent:
            while task := sent.read(TASK.size):
                wants_png, length = TASK.unpack(task)
                _allow_time(config.png_cpu_seconds if wants_png else config.cpu_seconds, config.seconds)
                data = sent.read(length)
                try:
                    if wants_png:
                        with turn:
                            answer = with_png(as_png(data, max_pixels))
                    else:
                        answer = with_picture(read(data, max_pixels, large=turn))
                except Refused as refusal:
                    answer = with_refusal(refusal)
                connection.sendall(answer)
                signal.alarm(2 * IDLE_SECONDS)  # To end then; it is not used for long before.
    except BaseException:
        with suppress(OSError):
            connection.sendall(traceback.format_exc().encode())
    finally:
        os._exit(0)


def _bound(connection: socket.socket, config: DecoderConfig) -> None:
    """Limit what this process can do. If it dies, it says on the connection where it was."""
    faulthandler.enable(connection, all_threads=False)
    for stopped_by in (signal.SIGXCPU, signal.SIGALRM):
        faulthandler.register(stopped_by, connection, all_threads=False, chain=True)
    pages, *_ = Path("/proc/self/statm").read_text().split()
    most = int(pages) * resource.getpagesize() + config.bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _allow_time(cpu_seconds: int, seconds: int) -> None:
    """Stop this process if it does not come back here in time."""
    signal.alarm(seconds)
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_seconds, resource.RLIM_INFINITY))


class _Turn:
    """Lets one decoder of a worker go on at a time, with so many seconds from then on. The turn of a dead one ends."""

    def __init__(self, locks: int, worker: int, seconds: int) -> None:
        self._locks, self._worker, self._seconds = locks, worker, seconds

    def __enter__(self) -> None:
        signal.alarm(0)  # It is not the picture's fault if others take long. Whoever sent it does not wait for ever.
        fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, self._worker)
        signal.alarm(self._seconds)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, self._worker)


if __name__ == "__main__":
    os.nice(int(sys.argv[1]))
    decode_all()
