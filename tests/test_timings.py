"""How long stages take, told by a clock that the tests set."""

from concurrent.futures import Future

import pytest

from digits import timings
from digits.stepwise import Stepwise, finished
from digits.timings import Timings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timings, "perf_counter", clock)
    return clock


def test_the_times_of_a_stage_are_added_up(clock: Clock) -> None:
    taken = Timings()
    for stage, seconds in (("find", 2), ("infer", 1), ("find", 3)):
        with taken.measure(stage):
            clock.now += seconds
    assert list(taken.items()) == [("find", 5), ("infer", 1)]


def test_a_stage_that_fails_has_taken_its_time_too(clock: Clock) -> None:
    def damaged() -> Stepwise[str]:
        clock.now += 2
        yield from ()
        raise ValueError("damaged")

    taken = Timings()
    with pytest.raises(ValueError, match="damaged"):
        finished(taken.steps("decode", damaged()))
    assert taken == {"decode": 2}


def test_of_stepwise_work_only_the_steps_count(clock: Clock) -> None:
    def work() -> Stepwise[str]:
        clock.now += 1
        yield None
        clock.now += 2
        yield waited_for
        clock.now += 4
        return "done"

    waited_for: Future[None] = Future()
    taken = Timings()
    steps = taken.steps("find", work())
    assert next(steps) is None
    clock.now += 100
    assert next(steps) is waited_for
    clock.now += 100
    waited_for.set_result(None)
    assert finished(steps) == "done"
    assert taken == {"find": 7}
