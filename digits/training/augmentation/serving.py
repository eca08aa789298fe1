"""Turn pictures into grids with the networks that serve, so that training sees what serving sees."""

import functools

from digits.grids import Grey, Grid, to_grid
from digits.inference.calibration import load_calibration
from digits.inference.finder import Finder, load_finder
from digits.inference.segmenter import Segmenter, load_segmenter

FOUND = 0.3
"""Probability of the finder from which a digit counts as found, as in Zhou et al. 2019, "Objects as Points"."""


@functools.cache
def serving_networks() -> tuple[Finder, Segmenter]:
    """Return the finder and the segmenter that serve; they are loaded once."""
    return load_finder(load_calibration()), load_segmenter()


def likeliest_grid(grey: Grey) -> Grid | None:
    """Return the grid of the likeliest digit in a picture, uint8 (h, w), or None if none is found."""
    finder, segmenter = serving_networks()
    found = finder.find(grey).digits
    if not found or found[0].is_digit < FOUND:
        return None
    ((_, ink),) = segmenter.cut(grey, [found[0].box])
    return to_grid(ink) if ink.any() else None
