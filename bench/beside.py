"""Whether others hold up small pictures: eight clients send them, alone, beside four that send photos, and beside 200
that have sent half a body and stopped.

    python -m bench.beside [--workers N] [--rounds N] [--seconds S]

times   how many times as long as alone the slowest hundredth takes
"""

import argparse
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from statistics import median
from urllib.parse import urlsplit

from bench.bodies import CONTENT_TYPE, multipart, pictures
from bench.load import FIGURES, Load, figures, generator, put_load, warm_load
from bench.machine import NoRest, machine, undisturbed
from bench.systems import FASTAPI, OURS, DoesNotStart, System, Workplace
from bench.table import aligned
from digits.settings import usable_cpus
from digits.training.arguments import whole

SMALL_CLIENTS, PHOTO_CLIENTS, STALLED_CLIENTS = 8, 4, 200


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.beside", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=whole(1), default=usable_cpus(), metavar="N", help="%(default)s")
    parser.add_argument("--rounds", type=whole(1), default=3, metavar="N", help="%(default)s")
    parser.add_argument("--seconds", type=whole(1), default=4, metavar="S", help="of each load (%(default)s)")
    chosen = parser.parse_args(arguments)
    print(f"{machine()}; workers: {chosen.workers}; load from {generator()}\n", flush=True)
    rows = [["", "", *FIGURES, "times"]]
    try:
        with Workplace(chosen.workers) as workplace:
            for system in (OURS, FASTAPI):
                rows += _rows(system.name, measure(workplace, system, chosen.rounds, chosen.seconds))
    except (DoesNotStart, NoRest) as error:
        sys.exit(str(error))
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
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {CONTENT_TYPE}\r\n"
    connections = [socket.create_connection((parts.hostname, parts.port)) for _ in range(STALLED_CLIENTS)]
    try:
        for connection in connections:
            connection.sendall(f"{head}Content-Length: 5000\r\n\r\n-".encode())
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
