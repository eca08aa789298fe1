"""The memory of the server's processes: what malloc keeps, and the files in which the workers count."""

import contextlib
import ctypes
import os
import tempfile

from digits.errors import StartError

SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Linux' folder in memory. Files elsewhere may be on a full disk, and to count there would kill a worker (SIGBUS)."""

KEPT_BYTES = 1 << 23
"""Bytes of freed memory that malloc keeps for the next picture instead of returning them to the system."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_memory() -> None:
    """Let malloc keep freed memory: getting it from the system for each picture can take longer than reading one.

    All threads share it: if each had an arena of its own, each would keep as much. This is for glibc; other libraries
    have no such settings.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(_M_ARENA_MAX, 1)


def metrics_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the workers' metrics, to be removed at the end.

    Raises:
        StartError: no place for it can be written.
    """
    prefix = f"digits-metrics-{os.getpid()}-"
    for place in (SHARED_MEMORY, None):
        try:
            return tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True)
        except OSError as error:
            refusal = error
    raise StartError(f"No temporary folder can be made: {refusal.strerror}. Set TMPDIR to one that can be written.")
