"""What records that are there already cost: the history from its top and its middle, and storing.

python -m bench.history [--records 1,10000,1000000] [--workers N] [--rounds N] [--seconds S]
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from bench.bodies import multipart, pictures
from bench.load import FIGURES, figures, generator, steady_load
from bench.machine import NoRest, machine
from bench.systems import DURABLE, STORED, DoesNotStart, Workplace
from bench.table import aligned
from digits.box import Box
from digits.records import Digit, Record, SqlRecords, create_engine, migrate
from digits.settings import usable_cpus
from digits.training.arguments import whole

CONNECTIONS = 8
CHUNK = 10_000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.history", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=_counts, default=[1, 10_000, 1_000_000], metavar="N,N", help="%(default)s")
    parser.add_argument("--workers", type=whole(1), default=usable_cpus(), metavar="N", help="%(default)s")
    parser.add_argument("--rounds", type=whole(1), default=3, metavar="N", help="%(default)s")
    parser.add_argument("--seconds", type=whole(1), default=4, metavar="S", help="of each load (%(default)s)")
    chosen = parser.parse_args(arguments)
    print(f"{machine()}; workers: {chosen.workers}; load from {generator()}\n", flush=True)
    rows = [["records", "", *FIGURES]]
    try:
        with Workplace(chosen.workers) as workplace:
            for count in chosen.records:
                rows += measure(workplace, count, chosen.rounds, chosen.seconds)
    except (DoesNotStart, NoRest) as error:
        sys.exit(str(error))
    print("\n".join(aligned(rows, 2)))


def _counts(text: str) -> list[int]:
    return [whole(1)(count) for count in text.split(",")]


def measure(workplace: Workplace, count: int, rounds: int, seconds: float) -> Iterator[list[str]]:
    """The rows of the table."""
    database = workplace.folder / f"{count}.db"
    fill(database, count)
    small = [multipart(picture) for picture in pictures("small")]
    for system in (STORED, DURABLE):
        filled = replace(system, environment={**system.environment, "DIGITS_DATABASE": f"sqlite:///{database}"})
        asked = {"store, " + system.name.rpartition(" ")[2]: (system.path, small)}
        if system is STORED:
            asked = {"top": ("/uploads", []), "middle": (f"/uploads?cursor={_key(count // 2)}", []), **asked}
        with workplace.running(filled) as server:
            for name, (path, bodies) in asked.items():
                loads = [steady_load(server.url + path, bodies, CONNECTIONS, seconds) for _ in range(rounds)]
                yield [f"{count:,}", name, *figures(loads)]


def fill(database: Path, count: int) -> None:
    engine = create_engine(f"sqlite:///{database}", durable=False)
    migrate(engine)
    records = SqlRecords(engine)
    for start in range(0, count, CHUNK):
        records.add([_record(place) for place in range(start, min(count, start + CHUNK))])
    engine.dispose()


def _key(place: int) -> str:
    """As UUIDv7: in order of arrival."""
    return str(UUID(int=((0x0199 << 32 | place) << 80) | 7 << 76 | 2 << 62))


def _record(place: int) -> Record:
    digit = Digit(7, 0.9, (0.01,) * 7 + (0.9, 0.02, 0.01), Box(5, 4, 16, 20))
    return Record(
        id=_key(place),
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=place),
        sha256=f"{place:064x}",
        format="PNG",
        width=28,
        height=28,
        bytes=300,
        model="mnist-neural@00000000",
        number="7",
        confidence=0.9,
        recognised=True,
        digits=(digit,),
    )


if __name__ == "__main__":
    main()
