"""Work that can begin in the event loop and end in a thread.

Such work is a generator that pauses where it would block others, and may be resumed in another thread. It yields a
future when it must wait for it, and None before a step that may take more than a few milliseconds.
"""

from collections.abc import Generator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

Stepwise = Generator[Future[Any] | None, None, T]
"""A generator that returns T, and raises what the work raises."""

PATIENCE = 30
"""Seconds to wait for a future. Then the work is resumed all the same, so that a hanging database blocks no thread."""


def finished(work: Stepwise[T]) -> T:
    """Run the work to its end, waiting for each future that it yields, and return its result."""
    while True:
        try:
            waited_for = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if waited_for:
            wait([waited_for], PATIENCE)
