"""What records that are there already cost: pages of the history, filtered and ordered, and storing.

    python -m bench.history [--records 1000,1000000] [--postgresql] [--workers N] [--rounds N] [--seconds S]

Pages are fetched by one client, one after another; pictures are sent by 32. Of the records, each tenth was read as 7,
one in 1000 is labelled, and confidence is anything from 0 to 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa

from bench.bodies import multipart, pictures
from bench.command import durable_postgresql, parser_of, work
from bench.load import FIGURES, figures, steady_load
from bench.systems import DURABLE, Workplace
from bench.table import aligned
from digits.training.command_line import whole
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Record
from digits.uploads.pairing import prepare_uploads
from digits.uploads.schema import migrate
from support.records import record

CHUNK = 10_000
CLIENTS = 32
START = datetime(2026, 1, 1, tzinfo=UTC)


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.history", __doc__)
    parser.add_argument("--records", type=_counts, default=[1_000, 1_000_000], metavar="N,N", help="%(default)s")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not on SQLite")
    chosen = parser.parse_args(arguments)
    rows = [["records", "", *FIGURES]]
    with work(chosen.workers) as workplace:
        for count in chosen.records:
            with _database(workplace, chosen.postgresql) as url:
                rows += measure(workplace, url, count, chosen.rounds, chosen.seconds)
    print("\n".join(aligned(rows, 2)))


def _counts(text: str) -> list[int]:
    return [whole(1)(count) for count in text.split(",")]


@contextmanager
def _database(workplace: Workplace, on_postgresql: bool) -> Iterator[str]:
    if not on_postgresql:
        yield f"sqlite:///{workplace.folder / 'uploads.db'}"
        (workplace.folder / "uploads.db").unlink()
        return
    with durable_postgresql() as url:
        yield url


def measure(workplace: Workplace, url: str, count: int, rounds: int, seconds: float) -> Iterator[list[str]]:
    """The rows of the table."""
    fill(url, count)
    place = str(workplace.folder / "uploads")
    prepare_uploads(place, url, adopt=True)  # The records have no pictures.
    places = {"DIGITS_STORAGE": place, "DIGITS_DATABASE": url}
    system = replace(DURABLE, environment={**DURABLE.environment, **places})
    small = [multipart(picture) for picture in pictures("small")]
    with workplace.running(system) as server:
        for name, query in pages(count).items():
            loads = [steady_load(f"{server.url}/uploads?{query}", [], 1, seconds) for _ in range(rounds)]
            yield [f"{count:,}", name, *figures(loads)]
        loads = [steady_load(f"{server.url}/uploads", small, CLIENTS, seconds) for _ in range(rounds)]
        yield [f"{count:,}", "store", *figures(loads)]


def pages(count: int) -> dict[str, str]:
    """What is asked of the history, by its name: queries of 20 records."""
    middle = START + timedelta(seconds=count // 2)
    asked = {
        "digit=7": {"digit": "7"},
        "recognised=false": {"recognised": "false"},
        "labelled=true": {"labelled": "true"},
        "labelled=false": {"labelled": "false"},
        "confidence_below=0.5": {"confidence_below": "0.5"},
        "confidence_below=0.001": {"confidence_below": "0.001"},
        "since, until": {"since": middle.isoformat(), "until": (middle + timedelta(seconds=100)).isoformat()},
        "order=confidence": {"order": "confidence"},
        "order=confidence, labelled=false": {"order": "confidence", "labelled": "false"},
        "digit=7, total=true": {"digit": "7", "total": "true"},
    }
    return {"top": "", "middle": f"cursor={_key(count // 2)}"} | {
        name: urlencode(query) for name, query in asked.items()
    }


def fill(url: str, count: int) -> None:
    """Makes an empty database one with so many records."""
    engine = create_engine(url, durable=False)
    migrate(engine)
    records = SqlRecords(engine)
    for start in range(0, count, CHUNK):
        records.add([_record(place) for place in range(start, min(count, start + CHUNK))])
    with engine.connect() as connection:
        connection.execute(sa.text("ANALYZE"))  # As PostgreSQL does by itself, some time later.
        connection.commit()
    engine.dispose()


def _key(place: int) -> str:
    """As UUIDv7: in order of arrival, one a second."""
    milliseconds = int((START + timedelta(seconds=place)).timestamp() * 1000)
    return str(UUID(int=(milliseconds << 80) | 7 << 76 | 2 << 62))


def _record(place: int) -> Record:
    time = START + timedelta(seconds=place)
    usual = record(id=_key(place), created_at=time)
    # In an order that has nothing to do with that of time.
    confidence = place * 611_953 % 1_000_003 / 1_000_003
    return replace(
        usual,
        number=str(place % 10),
        digits=usual.digits[:1],
        confidence=confidence,
        recognised=confidence >= 0.5,
        label=str(place % 10) if place % 1000 == 0 else None,
        labelled_at=time if place % 1000 == 0 else None,
    )


if __name__ == "__main__":
    main()
