"""How fast pictures are answered over HTTP, beside other servers with the same model, alternating in one run.

    python -m bench.serving [--workers N] [--rounds N] [--seconds S] [--bodies photo,canvas] [--without litserve,flask]

What it needs besides `make dev`: .venv/bin/pip install -r requirements/bench.txt
Robyn, which needs an older uvloop than the others, is measured where it is installed: .venv/bin/pip install robyn
Load comes from wrk where it is installed, else from Python. A round in which something else took more than a twentieth
of the processors is measured again.

ratio    requests per second, this project's with ?store=false divided by the row's
right    how many pictures of the mix are answered with the number that is in them
start s  from the command to the first picture that was read
MB       memory of all its processes, what they share counted once; and of the largest process, all that it sees
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from statistics import median

import requests

from bench.bodies import CONTENT_TYPE, KINDS, mix, multipart, pictures
from bench.ceiling import steady_ceiling
from bench.command import parser_of, work
from bench.load import CONNECTIONS, FIGURES, Load, figures, steady_load
from bench.systems import OURS, SYSTEMS, System, Workplace
from bench.table import NONE, aligned

CEILING = "ceiling"

Loads = dict[tuple[str, str], list[Load]]
"""By kind of picture and system, one for each round."""
Starts = dict[str, list[tuple[float, float, float]]]
"""By system: seconds to start, and memory."""
Rights = dict[tuple[str, str], int]
"""By kind of picture and system, how many it reads right."""


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.serving", __doc__)
    parser.add_argument("--bodies", type=_of(list(KINDS)), default=list(KINDS), help=", ".join(KINDS))
    parser.add_argument("--without", type=_of(list(SYSTEMS)[1:]), default=[], help=", ".join(list(SYSTEMS)[1:]))
    chosen = parser.parse_args(arguments)
    left_out = chosen.without if find_spec("robyn") else [*chosen.without, "robyn"]
    systems = [system for key, system in SYSTEMS.items() if key not in left_out]
    with work(chosen.workers) as workplace:
        loads, starts, rights = measure(workplace, systems, chosen.bodies, chosen.rounds, chosen.seconds)
    for kind in chosen.bodies:
        print("\n".join(aligned([[kind, *FIGURES, "ratio", "right"], *_speeds(loads, rights, kind)], 1)) + "\n")
    print("\n".join(aligned([["", "start s", "MB in all", "MB of one"], *_starts(starts)], 1)))


def measure(
    workplace: Workplace, systems: Sequence[System], kinds: Sequence[str], rounds: int, seconds: float
) -> tuple[Loads, Starts, Rights]:
    """Starts each system anew in each round, and stops it before the next."""
    loads: Loads = defaultdict(list)
    starts: Starts = defaultdict(list)
    rights: Rights = {}
    for _ in range(rounds):
        for system in systems:
            with workplace.running(system) as server:
                for kind in kinds:
                    if system.answer and (kind, system.name) not in rights:
                        rights[kind, system.name] = read_right(server.url, system, kind)
                    bodies = [multipart(picture) for picture in pictures(kind)]
                    load = steady_load(server.url + system.path, bodies, CONNECTIONS, seconds)
                    loads[kind, system.name].append(load)
                starts[system.name].append((server.start_s, *server.memory_mb()))
        for kind in kinds:
            loads[kind, CEILING].append(steady_ceiling(pictures(kind), workplace.workers, seconds))
    return loads, starts, rights


def read_right(url: str, system: System, kind: str) -> int:
    """How many pictures of a mix a server reads right."""
    right = 0
    for number, picture in mix(kind):
        sent = requests.post(url + system.path, multipart(picture), headers={"Content-Type": CONTENT_TYPE}, timeout=60)
        right += sent.ok and str(sent.json()[system.answer]) == number
    return right


def _speeds(loads: Loads, rights: Rights, kind: str) -> Iterator[list[str]]:
    ours = median(load.per_second for load in loads[kind, OURS.name])
    for (of_kind, name), each in loads.items():
        if of_kind == kind:
            rate = median(load.per_second for load in each)
            right = rights.get((kind, name))
            told = NONE if right is None else f"{right} of {len(mix(kind))}"
            yield [name, *figures(each), f"{ours / rate:.2f}" if rate else NONE, told]


def _starts(starts: Starts) -> Iterator[list[str]]:
    for name, each in starts.items():
        seconds, total, largest = (median(column) for column in zip(*each, strict=True))
        yield [name, f"{seconds:.2f}", f"{total:.0f}", f"{largest:.0f}"]


def _of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Some of these, separated by commas."""

    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in names]:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; choose from {', '.join(names)}")
        return chosen

    return parse


if __name__ == "__main__":
    main()
