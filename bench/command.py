"""What the commands that measure servers have in common."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.load import generator
from bench.machine import NoRest, machine
from bench.systems import DoesNotStart, Workplace
from digits.settings import usable_cpus
from digits.training.command_line import whole
from support.backends import postgresql, postgresql_programs


def parser_of(module: str, documentation: str | None, of_loads: bool = True) -> argparse.ArgumentParser:
    """With the options that all have, or all that put loads on servers."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=whole(1), default=usable_cpus(), metavar="N", help="%(default)s")
    if not of_loads:
        return parser
    parser.add_argument("--rounds", type=whole(1), default=3, metavar="N", help="%(default)s")
    parser.add_argument("--seconds", type=whole(1), default=4, metavar="S", help="of each load (%(default)s)")
    return parser


@contextmanager
def durable_postgresql() -> Iterator[str]:
    """URL of a PostgreSQL that waits for the disk; ends with a sentence where it is not installed."""
    if not (programs := postgresql_programs()):
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    with postgresql(programs, durable=True) as server:
        yield server.url


@contextmanager
def work(workers: int, load: str = generator()) -> Iterator[Workplace]:
    """Says what is measured on; ends with a sentence where a server does not start, or the machine does not rest."""
    print(f"{machine()}; workers: {workers}; load from {load}\n", flush=True)
    try:
        with Workplace(workers) as workplace:
            yield workplace
    except (DoesNotStart, NoRest) as error:
        sys.exit(str(error))
