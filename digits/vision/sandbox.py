"""Have pictures decoded in other processes, so that a decoder that fails costs only its picture."""

import hashlib
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Any, TypeVar

from digits.errors import Busy, Undecodable
from digits.settings import harmless_environment
from digits.subprocesses import start
from digits.vision.decode import Picture
from digits.vision.decoder_answers import facts_of, picture_of, png_of

Made = TypeVar("Made")
Rest = Callable[[Any, IO[bytes]], Made]
"""Reads what follows the first line of an answer."""

REQUEST = struct.Struct("<QI")
"""What asks for a decoder: how many pixels are accepted, and the process that asks."""
TASK = struct.Struct("<?Q")
"""What a decoder gets before each picture: whether to make a PNG of it, or else to read it; its length in bytes."""
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
        return self._made_of(data, False, picture_of)

    def as_png(self, data: bytes) -> bytes:
        """Do what strip.as_png does, in another process. Raises what self.read_picture raises."""
        return self._made_of(data, True, partial(png_of, max_pixels=self._max_pixels))

    def _made_of(self, data: bytes, wants_png: bool, rest: Rest[Made]) -> Made:
        try:
            decoder = self._idle_one() or self._new()
            try:
                made = decoder.made_of(data, wants_png, rest)
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
        return made

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

    def made_of(self, data: bytes, wants_png: bool, rest: Rest[Made]) -> Made:
        """Have a picture decoded. Return what `rest` makes of the answer.

        Raises:
            Refused: as the decoder says.
            _NoAnswer: it died, or answers nonsense.
        """
        self._pictures += 1
        said = b""
        try:
            with suppress(BrokenPipeError):  # It has said why.
                self._connection.sendall(TASK.pack(wants_png, len(data)))
                self._connection.sendall(data)
            said = self._answers.readline(_MOST_TOLD)
            made = rest(facts_of(said), self._answers)
        except (AttributeError, ConnectionError, KeyError, TypeError, ValueError) as error:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)  # With which it ends, if it still lives.
                said += self._answers.read(_MOST_TOLD)
            raise _NoAnswer(said.decode(errors="replace") or "it said nothing") from error
        self._answered = time.monotonic()
        return made
