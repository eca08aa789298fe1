"""What the figures were measured on, and whether something else was at work there."""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from digits.settings import usable_cpus

MOST_TAKEN = 0.05
"""Share of the processors that something else may use while something is measured."""
MOST_TRIES, PAUSE_SECONDS = 10, 1.0

Measured = TypeVar("Measured")


def machine() -> str:
    """The processor, and how many of it may be used."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # Not Linux, or a processor that does not tell.
        model = platform.processor() or platform.machine()
    return f"{model}, cores: {usable_cpus()}"


class NoRest(Exception):
    """Something else keeps the processors busy; str(error) says what to do."""


def undisturbed(measure: Callable[[], Measured]) -> Measured:
    """What it gives, measured again where something else was at work meanwhile. Raises NoRest."""
    cores = psutil.cpu_count() or 1
    for _ in range(MOST_TRIES):
        start, busy, own = time.monotonic(), _busy(), _own()
        measured = measure()
        taken = (_busy() - busy) - (_own() - own)
        share = taken / cores / (time.monotonic() - start)
        if share <= MOST_TAKEN:
            return measured
        time.sleep(PAUSE_SECONDS)
    raise NoRest(f"Something else keeps using the processors, now {share:.0%} of them. Measure when the machine rests.")


def _busy() -> float:
    times = psutil.cpu_times()
    # The kernel's work for our own connections is in softirq, and belongs to no process.
    rest = sum(getattr(times, name, 0.0) for name in ("idle", "iowait", "guest", "softirq"))
    return sum(times) - rest


def _own() -> float:
    total = 0.0
    for process in (me := psutil.Process(), *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # Its parent's times hold its own from now on.
        total += times.user + times.system + times.children_user + times.children_system
    return total
