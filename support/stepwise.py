"""How far work goes without holding others up."""

from digits.stepwise import Stepwise, T


def at_once(work: Stepwise[T]) -> T:
    """What comes of work that stops nowhere."""
    try:
        next(work)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("It stopped on its way.")


def takes_long(work: Stepwise[object]) -> bool:
    """Whether work stops before what takes long, and not for a future."""
    try:
        return next(work) is None
    except StopIteration:
        return False
