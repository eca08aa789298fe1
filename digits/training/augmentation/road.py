"""Serving's way from picture to grid, for what learns from it."""

import functools

from digits.grids import Grey, Grid, to_grid
from digits.inference.calibration import load_calibration
from digits.inference.finder import Finder, load_finder
from digits.inference.segmenter import Segmenter, load_segmenter

FOUND = 0.3
"""Of the finder's probability, from which a digit is taken for found, as in Zhou et al. 2019, "Objects as Points"."""


@functools.cache
def road() -> tuple[Finder, Segmenter]:
    """The finder and the segmenter that serve, loaded once."""
    return load_finder(load_calibration()), load_segmenter()


def likeliest_grid(grey: Grey) -> Grid | None:
    """The grid of the likeliest digit in a picture, uint8 (h, w); None where none is found."""
    finder, segmenter = road()
    found = finder.find(grey).digits
    if not found or found[0].is_digit < FOUND:
        return None
    ((_, ink),) = segmenter.cut(grey, [found[0].box])
    return to_grid(ink) if ink.any() else None
