"""What malloc keeps of the memory that was freed. This is for glibc; other libraries have no such settings."""

import contextlib
import ctypes

KEPT_BYTES = 1 << 23
"""Bytes of freed memory that malloc keeps for the next picture instead of returning them to the system. Larger blocks
are returned at once."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_memory() -> None:
    """Let malloc keep freed memory: getting it from the system for each picture can take longer than reading one.

    All threads share it: if each had an arena of its own, each would keep as much.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return what malloc keeps beyond KEPT_BYTES: after large pictures a third of the process. It takes 10 ms then."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(KEPT_BYTES)
