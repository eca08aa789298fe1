"""Make training examples in many processes. The result depends on the seed, not on the number of processes."""

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
    """Split `count` into jobs of at most `at_once`: for each, how many it makes and its seed."""
    return [(min(at_once, count - start), [*seed, start]) for start in range(0, count, at_once)]


def made_by_processes(
    make: Callable[[Given, Job], Made], given: Given, jobs: Sequence[Job], title: str
) -> Iterator[Made]:
    """Yield the result of `make(given, job)` for each job, in order, and show a progress bar.

    There is one process for each CPU. `given` is sent to each process once, not with each job.
    """
    from keras.utils import Progbar

    print(title, flush=True)
    bar = Progbar(len(jobs), unit_name="part")
    spawning = multiprocessing.get_context("spawn")  # A fork would copy other threads' locks, but not the threads.
    with ProcessPoolExecutor(usable_cpus(), spawning, _keep, (given,)) as processes:
        for part in processes.map(partial(_with_given, make), jobs):
            bar.add(1)
            yield part


_given: Any = None
"""In a worker process: what all its jobs share."""


def _keep(given: object) -> None:
    global _given  # noqa: PLW0603 - Set once, when the process starts.
    _given = given
    cv2.setNumThreads(1)


def _with_given(make: Callable[[Any, Job], Made], job: Job) -> Made:
    return make(_given, job)
