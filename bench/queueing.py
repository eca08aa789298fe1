"""How long answers take at a half and at four fifths of the most that a server answers, where queues begin to show.

    python -m bench.queueing [--workers N] [--rounds N] [--seconds S]

Many clients each wait for their answer and then for a random time. So, as from people, requests come when they come,
whether others wait or not.
"""

import math
from collections.abc import Iterator
from functools import partial
from statistics import median

from bench.bodies import KINDS, multipart, pictures
from bench.command import parser_of, work
from bench.load import CONNECTIONS, FIGURES, Load, figures, put_load, steady_load
from bench.machine import undisturbed
from bench.systems import FASTAPI, OURS, System, Workplace
from bench.table import aligned

MOST_CLIENTS = 400
PAUSE_SECONDS = 0.6
"""Mean of the random times. It is short since servers close silent connections: uvicorn after 5 s."""
SHARES = (0.5, 0.8)
HEADERS = ("share", *FIGURES[:-1], "99.9% ms", FIGURES[-1])


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.queueing", __doc__)
    parser.set_defaults(rounds=1, seconds=20)
    chosen = parser.parse_args(arguments)
    rows = [["", "", *HEADERS]]
    with work(chosen.workers) as workplace:
        for kind in KINDS:
            for system in (OURS, FASTAPI):
                for share, loads in measure(workplace, system, kind, chosen.rounds, chosen.seconds):
                    rows.append([kind, system.name, *_figures(share, loads)])
    print("\n".join(aligned(rows, 2)))


def measure(
    workplace: Workplace, system: System, kind: str, rounds: int, seconds: float
) -> Iterator[tuple[float, list[Load]]]:
    """Each share of the most, and a load for each round."""
    bodies = [multipart(picture) for picture in pictures(kind)]
    with workplace.running(system) as server:
        url = server.url + system.path
        most = steady_load(url, bodies, CONNECTIONS, max(1, seconds // 4)).per_second
        for share in SHARES:
            rate = share * most
            clients = min(MOST_CLIENTS, math.ceil(PAUSE_SECONDS * rate))
            one_round = partial(put_load, url, bodies, clients, seconds, rate=rate)
            yield share, [undisturbed(one_round) for _ in range(rounds)]


def _figures(share: float, loads: list[Load]) -> list[str]:
    *usual, errors = figures(loads)
    return [f"{share:.0%}", *usual, f"{median(load.p999_ms for load in loads):.1f}", errors]


if __name__ == "__main__":
    main()
