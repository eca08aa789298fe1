"""Whether photos hold up small pictures: eight clients send small ones, alone and while four others send photos.

python -m bench.beside [--workers N] [--rounds N] [--seconds S]
"""

import argparse
import sys
import threading
from statistics import median

from bench.bodies import multipart, pictures
from bench.load import Load, generator, put_load, steady_load
from bench.machine import NoRest, machine
from bench.systems import FASTAPI, OURS, DoesNotStart, System, Workplace
from bench.table import aligned
from digits.settings import usable_cpus
from digits.training.arguments import whole

SMALL_CLIENTS, PHOTO_CLIENTS = 8, 4
HEADERS = ("99% ms alone", "beside photos", "times", "requests/s alone", "beside photos", "errors")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.beside", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=whole(1), default=usable_cpus(), metavar="N", help="%(default)s")
    parser.add_argument("--rounds", type=whole(1), default=3, metavar="N", help="%(default)s")
    parser.add_argument("--seconds", type=whole(1), default=4, metavar="S", help="of each load (%(default)s)")
    chosen = parser.parse_args(arguments)
    print(f"{machine()}; workers: {chosen.workers}; load from {generator()}\n", flush=True)
    rows = [["", *HEADERS]]
    try:
        with Workplace(chosen.workers) as workplace:
            rows += [
                [system.name, *_figures(measure(workplace, system, chosen.rounds, chosen.seconds))]
                for system in (OURS, FASTAPI)
            ]
    except (DoesNotStart, NoRest) as error:
        sys.exit(str(error))
    print("\n".join(aligned(rows, 1)))


def measure(workplace: Workplace, system: System, rounds: int, seconds: float) -> list[tuple[Load, Load]]:
    """Small pictures alone, and beside photos."""
    small, photos = ([multipart(picture) for picture in pictures(kind)] for kind in ("small", "photo"))
    pairs = []
    with workplace.running(system) as server:
        url = server.url + system.path
        for _ in range(rounds):
            alone = steady_load(url, small, SMALL_CLIENTS, seconds)
            others = threading.Thread(target=put_load, args=(url, photos, PHOTO_CLIENTS, seconds + 2))
            others.start()
            # The first second is the photos' to fill the server.
            beside = steady_load(url, small, SMALL_CLIENTS, seconds)
            others.join()
            pairs.append((alone, beside))
    return pairs


def _figures(pairs: list[tuple[Load, Load]]) -> list[str]:
    alone, beside = (median(load.p99_ms for load in loads) for loads in zip(*pairs, strict=True))
    speeds = [median(load.per_second for load in loads) for loads in zip(*pairs, strict=True)]
    errors = sum(load.errors for pair in pairs for load in pair)
    return [f"{alone:.1f}", f"{beside:.1f}", f"{beside / alone:.1f}", *(f"{each:,.0f}" for each in speeds), str(errors)]


if __name__ == "__main__":
    main()
