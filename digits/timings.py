"""How long the stages of an answer take, for its Server-Timing, for metrics and for traces."""

from time import perf_counter
from typing import TypeVar

from digits.stepwise import Stepwise

T = TypeVar("T")


class Timings(dict[str, float]):
    """Seconds by stage, in the order in which the stages took place; a stage may take place several times."""

    def add(self, stage: str, seconds: float) -> None:
        """Add to what a stage has taken."""
        self[stage] = self.get(stage, 0.0) + seconds

    def measure(self, stage: str) -> "_Measurement":
        """Add what a `with` block takes to a stage."""
        return _Measurement(self, stage)

    def steps(self, stage: str, work: Stepwise[T]) -> Stepwise[T]:
        """Do stepwise work, and add what its steps take to a stage, without the waits between them."""
        while True:
            start = perf_counter()
            try:
                waited_for = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.add(stage, perf_counter() - start)
            yield waited_for


class _Measurement:
    """What Timings.measure returns: a class, since contextlib's generators take several times as long."""

    __slots__ = ("_stage", "_start", "_timings")

    def __init__(self, timings: Timings, stage: str) -> None:
        self._timings, self._stage = timings, stage

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._timings.add(self._stage, perf_counter() - self._start)
