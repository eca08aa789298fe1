"""What the figures were measured on, and whether something else was at work there."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from digits.settings import usable_cpus

MOST_TAKEN = 0.05
"""Share of the processors that something else may use while something is measured."""
MOST_TRIES, PAUSE_SECONDS = 10, 1.0
_KTHREADD = 2
"""The process that is the parent of the kernel's threads."""

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
        start, before = time.monotonic(), _taken_by_others()
        measured = measure()
        share = (_taken_by_others() - before) / cores / (time.monotonic() - start)
        if share <= MOST_TAKEN:
            return measured
        time.sleep(PAUSE_SECONDS)
    raise NoRest(f"Something else keeps using the processors, now {share:.0%} of them. Measure when the machine rests.")


def _taken_by_others() -> float:
    """Seconds that the processors have spent on other machines, and on processes that are not this one's or its own.

    The kernel's threads are left out, since they do what others ask for, and our processes among them.
    """
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    taken = float(getattr(psutil.cpu_times(), "steal", 0.0))
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.pid not in ours and _KTHREADD not in (process.pid, process.ppid()):
                times = process.cpu_times()
                # Once a process has ended, its time is that of its parent's children.
                taken += times.user + times.system + times.children_user + times.children_system
    return taken
