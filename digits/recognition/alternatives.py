"""Which other numbers a picture may show, ranked by their probability."""

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST = 10
"""Most numbers that are ranked."""
LEAST = 1e-6
"""Numbers that are less probable are left out: the probabilities in answers and records are not more exact."""


class Alternative(NamedTuple):
    """A number, and the probability that it is what is written."""

    number: str
    confidence: float


def ranked(
    number: str, confidence: float, probabilities: Sequence[Sequence[float]], most: int = MOST
) -> list[Alternative]:
    """The likeliest numbers, the likeliest first: always the number that was read, with its own confidence.

    The confidence of a number is a product over its digits. So that of another number follows from how much less
    probable its digits are, and the best numbers all begin with the best beginnings: no more than `most` of these need
    to be kept from digit to digit.

    Args:
        number: all digits in reading order, with a line feed between lines.
        confidence: the probability that the number is right.
        probabilities: of the ten digits at each place, shape (n, 10).
        most: how many numbers to return at most.
    """
    best = [Alternative("", confidence)]
    place = iter(probabilities)
    for character in number:
        if character == "\n":
            best = [Alternative(f"{each.number}\n", each.confidence) for each in best]
        else:
            best = heapq.nlargest(most, _continued(best, int(character), next(place)), key=_confidence)
    first, *others = best
    return [first, *(each for each in others if each.confidence >= LEAST)]


def _continued(beginnings: list[Alternative], read: int, probabilities: Sequence[float]) -> Iterator[Alternative]:
    """Each beginning with each digit. Of equals nlargest takes the first, so the digit that was read comes first."""
    for beginning in beginnings:
        for digit in (read, *(other for other in range(10) if other != read)):
            share = probabilities[digit] / probabilities[read]
            yield Alternative(f"{beginning.number}{digit}", beginning.confidence * share)


def _confidence(alternative: Alternative) -> float:
    return alternative.confidence
