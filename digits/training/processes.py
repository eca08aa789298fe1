"""Examples are made by many processes, and the same for a seed however many there are."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

import cv2

from digits.settings import usable_cpus

Given = TypeVar("Given")
Job = TypeVar("Job")
Made = TypeVar("Made")


def in_parts(count: int, at_once: int, seed: list[int]) -> list[tuple[int, list[int]]]:
    """Jobs that make so many together: how many each makes, and its seed."""
    return [(min(at_once, count - start), [*seed, start]) for start in range(0, count, at_once)]


def made_by_processes(
    make: Callable[[Given, Job], Made], given: Given, jobs: Sequence[Job], title: str
) -> Iterator[Made]:
    """What `make` makes of each job, in order. Each process gets what is `given` once. Shows how far it is."""
    from keras.utils import Progbar

    print(title, flush=True)
    bar = Progbar(len(jobs), unit_name="part")
    spawning = multiprocessing.get_context("spawn")  # A fork would copy other threads' locks, and not the threads.
    with ProcessPoolExecutor(usable_cpus(), spawning, _keep, (given,)) as processes:
        for part in processes.map(partial(_with_given, make), jobs):
            bar.add(1)
            yield part


_given: Any = None


def _keep(given: object) -> None:
    global _given  # noqa: PLW0603 - This is what a process is given once.
    _given = given
    cv2.setNumThreads(1)


def _with_given(make: Callable[[Any, Job], Made], job: Job) -> Made:
    return make(_given, job)
