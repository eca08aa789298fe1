"""How many the models that ship read right of every kind of picture that bench draws."""

import pytest

from bench.pictures.hand import from_strokes
from bench.readers import InProcess
from bench.synthetic import SETS, made
from digits.inference.recogniser import LiteRTRecogniser

pytestmark = pytest.mark.slow

PICTURES = 12
PIXELS = 25_000_000

OTHER_PROCESSORS = 1
"""Pictures in doubt that another processor, which rounds otherwise, may read differently."""

# Of PICTURES, those whose whole number is read right; of those without a number, those that are not recognised.
RIGHT = {
    "photos": 12,
    "shrunk": 12,
    "canvas": 12,
    "cells": 12,
    "bordered": 12,
    "midgrey": 12,
    "halves": 12,
    "numbers": 12,
    "lines": 11,
    "tiles": 12,
    "touching": 12,
    "broken": 12,
    "ruled": 12,
    "desk": 12,
    "shadow": 11,
    "blackcanvas": 12,
    "underlined": 12,
    "punctuated": 12,
    "tight": 12,
    "letters": 12,
    "drawings": 10,
    "things": 12,
    "blank": 12,
}


def test_every_set_is_counted() -> None:
    assert set(RIGHT) == set(SETS)


@pytest.mark.parametrize(("name", "expected"), RIGHT.items(), ids=RIGHT)
def test_what_ships_reads_as_many_of_every_kind(shipped: LiteRTRecogniser, name: str, expected: int) -> None:
    reader = InProcess(shipped, PIXELS)
    right = 0
    for _, label, file in made([name], PICTURES, 0, from_strokes):
        reading = reader.read(file.data)
        right += reading.number == label if label else not reading.recognised
    assert right >= expected - OTHER_PROCESSORS
    assert right <= expected + OTHER_PROCESSORS, f"More are right than before: write {right} in place of {expected}."
