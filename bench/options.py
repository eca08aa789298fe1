"""What options cost: small pictures, not kept, without metrics, with them, and with logs, traces, keys and rates too.

    python -m bench.options [--workers N] [--rounds N] [--seconds S]

All servers run from the start, and are loaded in turn in each round, so that what else the machine does meets all.

ratio    requests/s, to those of the server as it is installed: with metrics, without a line for each request
CPU ms   that the server's processes take for a request, which others at work disturb least; and its ratio
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from bench.bodies import multipart, pictures
from bench.command import parser_of, work
from bench.load import CONNECTIONS, FIGURES, Load, figures, metered_load
from bench.systems import OURS, Running, System, Workplace
from bench.table import aligned
from digits.admission.database import SqlKeys
from digits.admission.keys import Scope, new_key
from digits.uploads.engine import create_engine
from digits.uploads.schema import prepare_records
from digits.uploads.service import now

_NEVER_EXCEEDED = "1000000/second"


@dataclass(frozen=True, slots=True)
class Cost:
    """What came of one round."""

    load: Load
    cpu_s: float

    @property
    def cpu_ms(self) -> float:
        """For each request."""
        return 1e3 * self.cpu_s / self.load.requests


def main(arguments: list[str] | None = None) -> None:
    chosen = parser_of("bench.options", __doc__).parse_args(arguments)
    with work(chosen.workers) as workplace, _collector() as url:
        costs = measure(workplace, systems(workplace.folder, url), chosen.rounds, chosen.seconds)
    print("\n".join(aligned([["", *FIGURES, "ratio", "CPU ms", "ratio"], *_rows(costs)], 1)))


def systems(folder: Path, collector: str) -> list[System]:
    def ours(name: str, **settings: str) -> System:
        return replace(OURS, name=name, environment={**OURS.environment, **settings})

    def keyed(name: str, **settings: str) -> System:
        """Needs a key, which is made here, in a database of its own."""
        database = f"sqlite:///{folder / name}.db"
        prepare_records(database)
        token, key = new_key("bench", [Scope.RECOGNISE], now())
        SqlKeys(create_engine(database)).add(key)
        return replace(ours(name, DIGITS_DATABASE=database, **settings), token=token)

    unmetered = ("-c", "from bench.options import unmetered; unmetered()")
    return [
        replace(OURS, name="without metrics", command=(OURS.command[0], *unmetered)),
        OURS,
        ours("with an access log", DIGITS_ACCESS_LOG="true"),
        ours("with an access log, JSON", DIGITS_ACCESS_LOG="true", DIGITS_LOG="json"),
        ours("with traces", OTEL_EXPORTER_OTLP_ENDPOINT=collector),
        ours("with rates", DIGITS_RATE=_NEVER_EXCEEDED),
        keyed("with keys"),
        keyed("with keys and rates", DIGITS_RATE=_NEVER_EXCEEDED),
    ]


def unmetered() -> None:
    """Serves, and counts nothing: the product has no setting for that."""
    from prometheus_client import Counter, Gauge, Histogram

    from digits.server.main import main

    for metric, name in ((Counter, "inc"), (Gauge, "inc"), (Gauge, "dec"), (Gauge, "set"), (Histogram, "observe")):
        setattr(metric, name, lambda *_: None)
    main()


def measure(workplace: Workplace, servers: Sequence[System], rounds: int, seconds: float) -> Mapping[str, list[Cost]]:
    """By system, one for each round. Raises NoRest."""
    bodies = [multipart(picture) for picture in pictures("small")]
    costs: dict[str, list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        running = [(each, stack.enter_context(workplace.running(each))) for each in servers]
        for number in range(rounds):
            for system, server in running if number % 2 else reversed(running):
                url, meter = server.url + system.path, partial(_cpu_s, server)
                load, before, after = metered_load(url, bodies, CONNECTIONS, seconds, meter, system.token)
                costs[system.name].append(Cost(load, after - before))
    return {system.name: costs[system.name] for system in servers}


def _cpu_s(server: Running) -> float:
    times = [each.cpu_times() for each in server.processes()]
    return sum(each.user + each.system for each in times)


def _rows(costs: Mapping[str, Sequence[Cost]]) -> Iterator[list[str]]:
    usual = costs[OURS.name]
    for name, each in costs.items():
        pairs = list(zip(each, usual, strict=True))
        speed = median(one.load.per_second / other.load.per_second for one, other in pairs)
        cpu = median(one.cpu_ms / other.cpu_ms for one, other in pairs)
        cpu_ms = median(one.cpu_ms for one in each)
        yield [name, *figures([one.load for one in each]), f"{speed:.3f}", f"{cpu_ms:.2f}", f"{cpu:.3f}"]


@contextmanager
def _collector() -> Iterator[str]:
    """URL of what takes traces, and forgets them."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    main()
