"""The requests that a worker is computing, noted where its parent can read them once the worker has died."""

import mmap
import struct
from collections import deque
from typing import Self

_SLOT = struct.Struct("64s")
"""The longest X-Request-ID that is kept; nothing if its first byte is zero."""
_BYTES = mmap.PAGESIZE
"""Room for more requests than a worker has threads."""


class InWork:
    """Ids of requests, in memory that is shared with processes that are forked later."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _BYTES)
        self._free = deque(range(0, _BYTES, _SLOT.size))

    def __reduce__(self) -> tuple[type["InWork"], tuple[()]]:
        """Where workers are not forked, each has memory of its own, and its parent learns nothing."""
        return InWork, ()

    def noting(self, request_id: str) -> "_Note":
        """Note a request as long as the context lasts, in which a thread computes its answer."""
        return _Note(self._memory, self._free, request_id)

    @property
    def has_begun(self) -> bool:
        """Whether a request has ever been noted."""
        return bool(self._memory[:].strip(b"\0"))

    def request_ids(self) -> list[str]:
        """Return the ids of the requests that are computed now, or were when the worker died."""
        return [slot.rstrip(b"\0").decode() for (slot,) in _SLOT.iter_unpack(self._memory) if slot[0]]


class _Note:
    """Not a generator, since an exception takes that several microseconds; the event loop's work ends with one."""

    __slots__ = ("_at", "_free", "_memory", "_request_id")

    def __init__(self, memory: mmap.mmap, free: deque[int], request_id: str) -> None:
        self._memory, self._free, self._request_id = memory, free, request_id

    def __enter__(self) -> Self:
        self._at = at = self._free.pop()
        _SLOT.pack_into(self._memory, at, self._request_id.encode())
        return self

    def __exit__(self, *_: object) -> None:
        self._memory[self._at] = 0
        self._free.append(self._at)
