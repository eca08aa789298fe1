"""What it costs to keep small pictures, on each storage and database, beside ?store=false, alternating in one run.

    python -m bench.stores [--workers N] [--rounds N] [--seconds S]

PostgreSQL, which waits for the disk, and moto's server of S3, which is written in Python and keeps all in its memory,
run on the same machine: what they take of it is not left to ours. Both must be installed, as for `make test`.

ratio    requests per second with ?store=false divided by the row's
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median
from uuid import uuid4

import sqlalchemy as sa

from bench.bodies import multipart, pictures
from bench.command import durable_postgresql, parser_of, work
from bench.load import CONNECTIONS, FIGURES, Load, figures, steady_load
from bench.systems import DURABLE, OURS, System, Workplace
from bench.table import aligned
from support.backends import S3, s3


def main(arguments: list[str] | None = None) -> None:
    chosen = parser_of("bench.stores", __doc__).parse_args(arguments)
    loads: dict[str, list[Load]] = defaultdict(list)
    small = [multipart(picture) for picture in pictures("small")]
    with work(chosen.workers) as workplace, durable_postgresql() as database, s3() as objects:
        for _ in range(chosen.rounds):
            for system in (OURS, *combinations(database, objects)):
                loads[system.name].append(measured(workplace, system, small, chosen.seconds))
    print("\n".join(aligned(list(rows(loads)), 1)))


def combinations(database: str, objects: S3) -> Iterator[System]:
    """Our server on each storage with each database."""
    for place in ("folder", "S3"):
        for name, url in (("SQLite", "sqlite:///uploads.db"), ("PostgreSQL", database)):
            storage = in_bucket(objects) if place == "S3" else {}
            environment = {**DURABLE.environment, **storage, "DIGITS_DATABASE": url}
            yield replace(DURABLE, name=f"{place} and {name}", environment=environment)


def in_bucket(objects: S3) -> dict[str, str]:
    """Settings for a new bucket, since one belongs to the database that it was used with."""
    return objects.environment | {"DIGITS_STORAGE": objects.bucket(f"bench-{uuid4()}")}


def measured(workplace: Workplace, system: System, bodies: list[bytes], seconds: float) -> Load:
    empty(system.environment.get("DIGITS_DATABASE", ""))
    with workplace.running(system) as server:
        return steady_load(server.url + system.path, bodies, CONNECTIONS, seconds)


def empty(url: str) -> None:
    """Empties a database on PostgreSQL, since it belongs to the storage that it was used with."""
    if not url.startswith("postgresql"):
        return
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


def rows(loads: Mapping[str, list[Load]]) -> Iterator[list[str]]:
    """The table: what is kept where, its figures, and how many times as fast it is not to keep it."""
    yield ["", *FIGURES, "ratio"]
    fastest = median(load.per_second for load in loads[OURS.name])
    for name, each in loads.items():
        yield [name, *figures(each), f"{fastest / median(load.per_second for load in each):.2f}"]


if __name__ == "__main__":
    main()
