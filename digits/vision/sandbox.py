"""Have pictures decoded in other processes, so that a decoder that fails costs only its picture."""

import hashlib
import json
import os
import select
import socket
import struct
import subprocess
import time
from contextlib import suppress
from typing import IO, Any

import numpy as np

from digits.errors import Busy, EmptyFile, NotAPicture, Refused, TooManyPixels, Undecodable
from digits.settings import harmless_environment
from digits.subprocesses import start
from digits.vision.decode import SHOWN_FORMATS, Picture
from digits.vision.decode_limits import DecodeConfig

REQUEST = struct.Struct("<QI")
"""What asks for a decoder: how many pixels are accepted, and the process that asks."""
LENGTH = struct.Struct("<Q")
"""What a decoder gets before each picture: its length in bytes."""
BUSY = "No picture of this kind can be decoded at present. Send it again in a few seconds."

_PATIENCE = 60
"""Seconds to wait for an answer; a decoder is stopped long before."""
IDLE_SECONDS = 10
"""Seconds after which an idle decoder is not used again."""
_MOST_PICTURES = 200
"""Pictures after which a decoder is not used again. To fork one takes as long as to decode half a photo."""
_SENT_AT_ONCE = 1 << 21
"""Bytes that are sent to a decoder without waiting for it, if the system allows as many."""
_MOST_TOLD = 4096
"""Bytes of an answer before its pixels, or of what a decoder says when it dies."""
_MOST_ROWS = DecodeConfig().max_side
_REFUSALS: dict[str, type[Refused]] = {each.__name__: each for each in (Busy, EmptyFile, NotAPicture, TooManyPixels)}
_KEPT_BYTES = 1 << 25
"""Bytes of freed memory that a decoder keeps for its next picture."""
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # Each takes 64 MB of addresses, which are limited.
    "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
}


class Sandbox:
    """Decodes pictures in processes that digits.vision.decoder forks.

    It is made before the workers are forked, so that they share its socket. What they ask for waits there while that
    process starts, even if it has to start again.
    """

    def __init__(self, max_pixels: int, module: str = "digits.vision.decoder") -> None:
        self._max_pixels, self._module = max_pixels, module
        self._requests, self._taken = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(_PATIENCE)
        self._idle: list[_Decoder] = []

    def run(self, niceness: int = 0) -> None:
        """Run the process that forks decoders, until it ends: once none is left who could ask for one."""
        environment = harmless_environment() | _ENVIRONMENT
        start(self._module, str(niceness), stdin=self._taken, stdout=subprocess.DEVNULL, env=environment).wait()

    def close(self) -> None:
        """End this process' decoders, and ask for no more."""
        for decoder in self._idle:
            decoder.close()
        self._requests.close()
        self._taken.close()

    def read_picture(self, data: bytes) -> Picture:
        """Do what decode.read_picture does, in another process.

        Raises:
            Busy: no decoder can be started.
            Refused: what read_picture refuses.
            Undecodable: the decoder died, or was stopped because it took too long.
        """
        try:
            decoder = self._idle_one() or self._new()
            try:
                picture = decoder.read_picture(data)
            except BaseException:
                decoder.close()  # What was refused may have damaged it.
                raise
        except OSError as error:
            raise Busy(BUSY) from error
        except _NoAnswer as error:
            what = f"SHA-256 {hashlib.sha256(data).hexdigest()}: {error}"
            raise Undecodable(
                "The picture's decoder failed, or took too long. Save the picture as PNG, and send that."
            ) from RuntimeError(what)
        self._idle.append(decoder)
        return picture

    def _idle_one(self) -> "_Decoder | None":
        """Take the decoder that was idle for the shortest time, if there is one that can go on."""
        while True:
            try:
                decoder = self._idle.pop()
            except IndexError:
                return None
            if decoder.can_go_on():
                return decoder
            decoder.close()

    def _new(self) -> "_Decoder":
        ours, theirs = socket.socketpair()
        decoder = _Decoder(ours)
        try:
            with theirs:
                socket.send_fds(self._requests, [REQUEST.pack(self._max_pixels, os.getpid())], [theirs.fileno()])
        except OSError:
            decoder.close()
            raise
        return decoder


class _NoAnswer(Exception):
    """A decoder gave no answer; str(error) is what it said instead."""


class _Decoder:
    """One decoder, seen from outside. What it decodes may take it over, so nothing that it says is trusted."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._answers = connection, connection.makefile("rb")
        connection.settimeout(_PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_AT_ONCE)
        self._pictures, self._answered = 0, 0.0

    def close(self) -> None:
        """End it, once it has decoded what it has."""
        self._answers.close()
        self._connection.close()

    def can_go_on(self) -> bool:
        """Whether it is neither old nor long idle, and has not died; the system may kill it if memory is short."""
        if self._pictures == _MOST_PICTURES or time.monotonic() - self._answered > IDLE_SECONDS:
            return False
        end = select.poll()
        end.register(self._connection, select.POLLIN)
        return not end.poll(0)

    def read_picture(self, data: bytes) -> Picture:
        """Have a picture decoded.

        Raises:
            Refused: as the decoder says.
            _NoAnswer: it died, or answers nonsense.
        """
        self._pictures += 1
        said = b""
        try:
            with suppress(BrokenPipeError):  # It has said why.
                self._connection.sendall(LENGTH.pack(len(data)))
                self._connection.sendall(data)
            said = self._answers.readline(_MOST_TOLD)
            picture = _picture(json.loads(said), self._answers)
        except (AttributeError, ConnectionError, KeyError, TypeError, ValueError) as error:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)  # With which it ends, if it still lives.
                said += self._answers.read(_MOST_TOLD)
            raise _NoAnswer(said.decode(errors="replace") or "it said nothing") from error
        self._answered = time.monotonic()
        return picture


def _picture(facts: Any, pixels: IO[bytes]) -> Picture:
    """Make a picture of an answer.

    Raises:
        Refused: as the decoder says.
        ValueError: there can be no such picture; other errors are raised if the facts are not in the form of answer_of.
    """
    if refusal := facts.get("refusal"):
        raise _REFUSALS[refusal](facts["detail"])
    rows, columns = facts["shape"]
    if not (0 < rows <= _MOST_ROWS and 0 < columns <= _MOST_ROWS and facts["format"] in SHOWN_FORMATS):
        raise ValueError(facts)
    grey = np.frombuffer(pixels.read(rows * columns), np.uint8).reshape(rows, columns)
    return Picture(grey, int(facts["width"]), int(facts["height"]), facts["format"])


def answer_of(picture: Picture) -> bytes:
    """Return what a decoder answers: a line of JSON, and the grey levels."""
    facts = {"width": picture.width, "height": picture.height, "format": picture.format, "shape": picture.grey.shape}
    return json.dumps(facts).encode() + b"\n" + picture.grey.tobytes()


def answer_that(refusal: Refused) -> bytes:
    """Return what is answered if there is no picture."""
    return json.dumps({"refusal": type(refusal).__name__, "detail": str(refusal)}).encode() + b"\n"
