"""Rate limits: how many requests each key or address may send in a window of time."""

import ipaddress
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from digits.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

MOST_COUNTED = 100_000
"""Whose requests a worker counts at once, in some 20 MB. Beyond that, the oldest windows begin anew."""
REDIS_SECONDS = 0.5
"""How long Redis may take to answer."""
REDIS_PAUSE = 5
"""Seconds for which Redis is left alone after it did not answer."""
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a sender stands in its window."""

    limit: int
    used: int
    reset: int
    """Seconds until the next window."""

    @property
    def remaining(self) -> int:
        """How many more requests may follow."""
        return max(0, self.limit - self.used)

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit


class Counter(Protocol):
    """Counts the requests of each sender; a window begins with the first."""

    def hit(self, sender: str, seconds: int) -> tuple[int, float] | None:
        """Count one. Return how many there are in this window of so many seconds, and the seconds until its end.

        None if it is not known.
        """


class RateLimit:
    """So many requests of each sender in so many seconds."""

    def __init__(self, limit: int, seconds: int, counter: Counter, *, waits: bool = False) -> None:
        self._limit, self._seconds, self._counter = limit, seconds, counter
        self.waits = waits
        """Whether the counter is across a network, so that the event loop must not wait for it."""

    def hit(self, sender: str) -> Standing | None:
        """Count a request of this sender; None if it cannot be counted."""
        counted = self._counter.hit(sender, self._seconds)
        if counted is None:
            return None
        used, left = counted
        return Standing(self._limit, used, max(1, round(left)))


class MemoryCounter:
    """Counts in this process."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}
        """By sender, the end of its window and the count. All windows last as long, so the oldest end first."""
        self._lock = Lock()

    def hit(self, sender: str, seconds: int) -> tuple[int, float]:
        """Count one."""
        now = time.monotonic()
        with self._lock:
            end, count = self._windows.get(sender, (0.0, 0))
            if end <= now:
                self._windows.pop(sender, None)
                self._make_room(now)
                end, count = now + seconds, 0
            self._windows[sender] = (end, count + 1)
        return count + 1, end - now

    def _make_room(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest][0] > now and len(self._windows) < MOST_COUNTED:
                return
            del self._windows[oldest]


class RedisCounter:
    """Counts in Redis, for all workers and machines. If it does not answer, nothing is counted, and the log says so."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._until = 0.0

    def hit(self, sender: str, seconds: int) -> tuple[int, float] | None:
        """Count one, in one round trip."""
        from redis import RedisError

        if time.monotonic() < self._until:
            return None
        key = f"digits:rate:{sender}"
        try:
            with self._redis.pipeline() as pipe:
                pipe.set(key, 0, ex=seconds, nx=True)
                pipe.incr(key)
                pipe.pttl(key)
                _, count, milliseconds = pipe.execute()
        except RedisError as error:
            self._until = time.monotonic() + REDIS_PAUSE
            log.warning("Requests are not limited, since Redis does not answer: %s", error)
            return None
        return count, milliseconds / 1000


def open_rate_limit(settings: Settings) -> RateLimit | None:
    """The rate limit of a worker, if there is one. Without Redis each worker allows its share."""
    if settings.rate is None:
        return None
    limit, _, period = settings.rate.partition("/")
    if settings.rate_storage is None:
        share = -(-int(limit) // settings.workers)
        return RateLimit(share, _SECONDS[period], MemoryCounter())
    from redis import Redis

    redis = Redis.from_url(
        settings.rate_storage, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=None
    )
    return RateLimit(int(limit), _SECONDS[period], RedisCounter(redis), waits=True)


@lru_cache(1024)
def sender_of(address: str) -> str:
    """Return who is counted for an address: itself, or the network of an IPv6 one, which is what a client is given."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
