"""What several instances behind nginx answer, and what the parts that they share cost, alternating in one run.

    python -m bench.instances [--workers N] [--rounds N] [--seconds S]

Each instance has one worker, unless told otherwise. PostgreSQL, which waits for the disk, moto's server of S3, which is
written in Python and keeps all in its memory, Redis and nginx, set up as docs/scaling.md has it, run on the same
machine. All must be installed, as for `make test`.

CPU ms   that each program takes for a request: what does not depend on how many share the machine
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from statistics import median

import psutil

from bench.bodies import multipart, pictures
from bench.command import durable_postgresql, parser_of, work
from bench.load import CONNECTIONS, FIGURES, Load, figures, metered_load
from bench.stores import empty, in_bucket
from bench.systems import DURABLE, OURS, System, Workplace
from bench.table import aligned
from support.backends import S3, redis, s3
from support.nginx import PROGRAM, balanced, nginx
from support.server import free_port

PROGRAMS = {
    "server": "app.py",
    "nginx": "nginx",
    "PostgreSQL": "postgres",
    "S3": "moto.server",
    "Redis": "redis-server",
}
"""Whose CPU is told, and how their commands are known."""
_NEVER_EXCEEDED = "1000000/second"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Instances of a server."""

    name: str
    system: System
    behind_nginx: int = 0
    """How many; otherwise there is one alone."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What came of one round."""

    load: Load
    cpu_s: Mapping[str, float]

    def cpu_ms(self, program: str) -> float:
        """For each request."""
        return 1e3 * self.cpu_s[program] / self.load.requests


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.instances", __doc__)
    parser.set_defaults(workers=1)
    chosen = parser.parse_args(arguments)
    if not PROGRAM:
        sys.exit("nginx is not installed: apt-get install nginx-light")
    costs: dict[str, list[Cost]] = defaultdict(list)
    with work(chosen.workers) as workplace, durable_postgresql() as database, s3() as objects, redis() as counter:
        for _ in range(chosen.rounds):
            for each in arrangements(database, objects, counter):
                empty(database)
                costs[each.name].append(measured(workplace, each, chosen.seconds))
    print("\n".join(aligned(list(rows(costs)), 1)))


def arrangements(database: str, objects: S3, counter: str) -> Iterator[Arrangement]:
    """What is measured beside each other."""

    def shared(kept: System, **settings: str) -> System:
        places = in_bucket(objects) | {"DIGITS_DATABASE": database}
        return replace(kept, environment={**kept.environment, **places, **settings})

    rated = {"DIGITS_RATE": _NEVER_EXCEEDED, "DIGITS_RATE_STORAGE": counter}
    yield Arrangement("SQLite and a folder", DURABLE)
    yield Arrangement("PostgreSQL and S3", shared(DURABLE))
    yield Arrangement("PostgreSQL, S3 and Redis", shared(DURABLE, **rated))
    for kind, system in (("", DURABLE), (", store=false", OURS)):
        for count in (1, 2, 3):
            yield Arrangement(f"{count} behind nginx{kind}", shared(system, **rated), count)


def measured(workplace: Workplace, arrangement: Arrangement, seconds: float) -> Cost:
    """Raises NoRest."""
    bodies = [multipart(picture) for picture in pictures("small")]
    system = arrangement.system
    with ExitStack() as stack:
        each = [stack.enter_context(workplace.running(system)) for _ in range(arrangement.behind_nginx or 1)]
        url = each[0].url
        if arrangement.behind_nginx:
            port = free_port()
            content = balanced(port, [running.url for running in each])
            url = stack.enter_context(nginx(workplace.folder / "nginx", port, content))
        load, before, after = metered_load(url + system.path, bodies, CONNECTIONS, seconds, cpu_s)
        return Cost(load, {program: after[program] - before[program] for program in PROGRAMS})


def cpu_s() -> Mapping[str, float]:
    """Seconds that each of the programs has used by now."""
    taken = dict.fromkeys(PROGRAMS, 0.0)
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            command, times = " ".join(process.cmdline()), process.cpu_times()
            for program, part in PROGRAMS.items():
                if part in command:
                    taken[program] += times.user + times.system
    return taken


def rows(costs: Mapping[str, Sequence[Cost]]) -> Iterator[list[str]]:
    """The table: figures of each arrangement, and the CPU of each program."""
    yield ["", *FIGURES, *(f"{program} ms" for program in PROGRAMS)]
    for name, each in costs.items():
        taken = (median(cost.cpu_ms(program) for cost in each) for program in PROGRAMS)
        yield [name, *figures([cost.load for cost in each]), *(f"{ms:.2f}" for ms in taken)]


if __name__ == "__main__":
    main()
