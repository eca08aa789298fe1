"""What records that are there already cost: the history from its top and its middle, and storing.

python -m bench.history [--records 1,10000,1000000] [--workers N] [--rounds N] [--seconds S]
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from bench.bodies import multipart, pictures
from bench.command import parser_of, work
from bench.load import FIGURES, figures, steady_load
from bench.systems import DURABLE, STORED, Workplace
from bench.table import aligned
from digits.records import Record, SqlRecords, create_engine, migrate
from digits.training.arguments import whole
from tests.test_records import record

CONNECTIONS = 8
CHUNK = 10_000


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.history", __doc__)
    parser.add_argument("--records", type=_counts, default=[1, 10_000, 1_000_000], metavar="N,N", help="%(default)s")
    chosen = parser.parse_args(arguments)
    rows = [["records", "", *FIGURES]]
    with work(chosen.workers) as workplace:
        for count in chosen.records:
            rows += measure(workplace, count, chosen.rounds, chosen.seconds)
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
    usual = record(id=_key(place), created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=place))
    return replace(usual, number="7", digits=usual.digits[:1])


if __name__ == "__main__":
    main()
