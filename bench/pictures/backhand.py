"""A hand of its own: somebody who leans to the left, and whose 1 is an angle, whose 8 is open, whose 9 has a loop."""

from collections.abc import Iterator

import numpy as np

from bench.pictures import papers
from bench.pictures.hand import Hand, Ink, Rng, Strokes, drawn
from bench.pictures.surfaces import File

SLANT = -0.45
"""To the left, by 24 degrees; MNIST's writers lean to the right."""
SINGLE = 0.6
"""Share of the pictures that show one digit; others show a number of up to four."""

STROKES: dict[str, Strokes] = {
    "0": [
        [(50, 5), (25, 20), (18, 50), (25, 80), (50, 95), (75, 80), (82, 50), (75, 20), (50, 5)],
        [(24, 14), (76, 86)],
    ],
    "1": [[(14, 66), (60, 5), (60, 95)]],
    "2": [[(18, 8), (78, 8), (20, 95), (84, 95)]],
    "3": [
        [(24, 20), (50, 5), (70, 18), (46, 40), (74, 60), (60, 84), (30, 80), (22, 96), (50, 100)],
    ],
    "4": [[(64, 6), (28, 40), (34, 52), (76, 44)], [(66, 6), (66, 95)]],
    "5": [[(84, 6), (24, 6)], [(30, 20), (28, 44), (64, 44), (72, 72), (50, 94), (16, 84)]],
    "6": [[(30, 4), (30, 95), (70, 90), (72, 62), (32, 60)]],
    "7": [[(16, 30), (18, 8), (80, 8), (66, 40), (58, 95)], [(28, 50), (90, 48)]],
    "8": [[(20, 6), (74, 70), (66, 94), (34, 94), (26, 70), (80, 6)]],
    "9": [[(74, 14), (46, 6), (26, 26), (40, 48), (72, 40), (76, 8), (74, 70), (50, 98), (18, 86), (40, 72), (80, 62)]],
}
"""Points in a square of 100, as in support/drawing.py."""


def photos(seed: int, count: int) -> Iterator[tuple[str, File]]:
    """Numbers in this hand, photographed, each with what is written; a photo depends on the seed and its place only."""
    for place in range(count):
        rng = np.random.default_rng([seed, place])
        length = 1 if rng.random() < SINGLE else rng.integers(2, 5)
        text = "".join(map(str, rng.integers(0, 10, length)))
        hand = Hand(rng, _written)
        hand.slant = rng.normal(SLANT, 0.05)
        yield text, papers.photo(rng, text, hand)


def _written(rng: Rng, digit: str, height: int, pen: float) -> Ink:
    return drawn(rng, STROKES[digit], height, pen)
