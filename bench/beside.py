"""Whether others hold up small pictures: eight clients send them, alone, beside four that send photos, and beside 200
that have sent half a body and stopped.

    python -m bench.beside [--workers N] [--rounds N] [--seconds S]

times   how many times as long as alone the slowest hundredth takes
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from statistics import median
from urllib.parse import urlsplit

from bench.bodies import multipart, pictures
from bench.command import parser_of, work
from bench.load import FIGURES, Load, figures, put_load, request_of, warm_load
from bench.machine import undisturbed
from bench.systems import FASTAPI, OURS, DoesNotStart, System, Workplace
from bench.table import aligned

SMALL_CLIENTS, PHOTO_CLIENTS, STALLED_CLIENTS = 8, 4, 200


def main(arguments: list[str] | None = None) -> None:
    chosen = parser_of("bench.beside", __doc__).parse_args(arguments)
    rows = [["", "", *FIGURES, "times"]]
    with work(chosen.workers) as workplace:
        for system in (OURS, FASTAPI):
            rows += _rows(system.name, measure(workplace, system, chosen.rounds, chosen.seconds))
    print("\n".join(aligned(rows, 2)))


def measure(workplace: Workplace, system: System, rounds: int, seconds: float) -> Mapping[str, list[Load]]:
    """By what went on beside, one for each round."""
    small = [multipart(picture) for picture in pictures("small")]
    beside: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "alone": nullcontext,
        "beside photos": lambda: _photos(url, seconds),
        "beside stalled": lambda: _stalled(url),
    }
    loads: dict[str, list[Load]] = defaultdict(list)
    with workplace.running(system) as server:
        url = server.url + system.path

        def measured(others: Callable[[], AbstractContextManager[None]]) -> Load:
            with others():
                return warm_load(url, small, SMALL_CLIENTS, seconds)

        for _ in range(rounds):
            for name, others in beside.items():
                loads[name].append(undisturbed(partial(measured, others)))
    return loads


@contextmanager
def _photos(url: str, seconds: float) -> Iterator[None]:
    """For longer than the load and its warming up take."""
    bodies = [multipart(picture) for picture in pictures("photo")]
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(put_load, url, bodies, PHOTO_CLIENTS, seconds + 3)
        yield
        if sending.result().requests == 0:
            raise DoesNotStart(f"{url} answers no photos.")


@contextmanager
def _stalled(url: str) -> Iterator[None]:
    """Connections that have sent their head and a byte of a longer body."""
    parts = urlsplit(url)
    begun = request_of(url, bytes(5000))[:-4999]
    connections = [socket.create_connection((parts.hostname, parts.port)) for _ in range(STALLED_CLIENTS)]
    try:
        for connection in connections:
            connection.sendall(begun)
        yield
    finally:
        for connection in connections:
            connection.close()


def _rows(name: str, loads: Mapping[str, list[Load]]) -> Iterator[list[str]]:
    alone = median(load.p99_ms for load in loads["alone"])
    for beside, each in loads.items():
        yield [name, beside, *figures(each), f"{median(load.p99_ms for load in each) / alone:.1f}"]


if __name__ == "__main__":
    main()
