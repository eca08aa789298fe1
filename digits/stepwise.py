"""Work that can begin in the event loop and end in a thread.

It is a generator that stops where it would hold others up, and goes on wherever it is resumed: it yields a future to
be resumed once that is done, and None before what may take more than a few milliseconds.
"""

from collections.abc import Generator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

Stepwise = Generator[Future[Any] | None, None, T]
"""Returns T; raises what the work raises."""

PATIENCE = 30
"""Seconds to wait for a future. Then the work goes on without it, so that a hanging database does not hold a thread."""


def finished(work: Stepwise[T]) -> T:
    """Runs the rest of the work, waiting where it waits, and returns its result."""
    while True:
        try:
            waited_for = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if waited_for:
            wait([waited_for], PATIENCE)
