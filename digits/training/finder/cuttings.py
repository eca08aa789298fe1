"""What finding and cutting make of scenes: digits, and what was taken for digits or framed wrongly."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from digits.box import Box
from digits.grids import SIDE, Grids, to_grid
from digits.inference.finder import CLOSER, GLANCE, Finder, Sight
from digits.inference.recogniser import SAME
from digits.training.augmentation.road import road
from digits.training.data.datasets import Labelled
from digits.training.processes import in_parts, made_by_processes
from digits.training.scenes.scene import Digit, Scene, make_scene
from digits.training.scenes.writing import Writers

SHAPES = ((192, 192), (128, 320), (96, 96), (128, 128))
"""Rows and columns of the scenes."""
OTHER = 0.5
"""Likeness of its box to a digit's up to which what was cut out is none; from SAME on it is that digit.

Of two digits cut out together, either has about half of both.
"""
WRONGLY_FRAMED = 0.3
"""How often a box between two digits or around both is added."""
_AT_ONCE = 500


def looked_at(finder: Finder, writers: Writers, scenes: int, seed: list[int]) -> Iterator[tuple[Scene, Sight]]:
    """So many scenes, and what is seen in each with one look, a first or a closer one."""
    rng = np.random.default_rng(seed)
    for _ in range(scenes):
        scene = make_scene(SHAPES[rng.integers(len(SHAPES))], writers, rng)
        height, width = scene.picture.shape
        yield scene, finder.look(scene.picture, Box(0, 0, width, height), (GLANCE, CLOSER)[rng.integers(2)])


def found_in_scenes(writers: Writers, count: int, seed: int) -> tuple[Labelled, Grids]:
    """Of so many scenes what is a digit, and what is none; the same for a seed, however many processes there are."""
    jobs = in_parts(count, _AT_ONCE, [seed])
    made = list(made_by_processes(cuttings, writers, jobs, f"Reading {count:,} scenes"))
    right, wrong = zip(*made, strict=True)
    return Labelled(*(np.concatenate(arrays) for arrays in zip(*right, strict=True))), np.concatenate(wrong)


def cuttings(writers: Writers, job: tuple[int, list[int]]) -> tuple[Labelled, Grids]:
    """Of so many scenes, by a seed: what is a digit, and grids of what is none. What is in between is left out."""
    count, seed = job
    rng = np.random.default_rng([*seed, 1])
    finder, segmenter = road()
    right: list[Grids] = []
    digits: list[int] = []
    wrong: list[Grids] = []
    for scene, sight in looked_at(finder, writers, count, seed):
        boxes = [candidate.box for candidate in sight.digits] + _wrongly_framed(scene, rng)
        for box, ink in segmenter.cut(scene.picture, boxes):
            if ink.any() and (digit := is_digit(scene, box)) is not None:
                (right if digit else wrong).append(to_grid(ink))
                if digit:
                    digits.append(digit.label)
    return Labelled(_as_grids(right), np.array(digits, np.uint8)), _as_grids(wrong)


def _as_grids(grids: list[Grids]) -> Grids:
    return np.array(grids, np.uint8).reshape(-1, SIDE, SIDE)


def is_digit(scene: Scene, box: Box) -> Digit | Literal[False] | None:
    """The digit that was cut out of this box, False where it is none, and None where nobody could tell."""
    shares = [_broad(box).likeness(_broad(framed(digit))) for digit in scene.digits]
    most = max(shares, default=0.0)
    if most <= OTHER:
        return False
    digit = scene.digits[shares.index(most)]
    return digit if most >= SAME and digit.label >= 0 else None


def _broad(box: Box) -> Box:
    """At least half as wide as it is high: of a 1's box, a pixel on either side would be most of it."""
    more = max(0, box.height // 2 - box.width)
    return Box(box.x - more // 2, box.y, box.width + more, box.height)


def framed(digit: Digit) -> Box:
    """Its box in whole pixels."""
    left, top, right, bottom = map(round, digit.box)
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def _wrongly_framed(scene: Scene, rng: np.random.Generator) -> list[Box]:
    boxes = []
    for digit in scene.digits:
        if digit.label < 0 or rng.random() > WRONGLY_FRAMED:
            continue
        left, top, right, bottom = digit.box
        across = right - left
        if rng.random() < 0.5:  # Between it and the next.
            left, right = left + across * rng.uniform(0.45, 0.6), right + across * rng.uniform(0.45, 0.6)
        else:  # Around both.
            right += across * rng.uniform(0.9, 1.4)
        x0, y0, x1, y1 = (round(side) for side in (left, top, right, bottom))
        boxes.append(Box(x0, y0, max(2, x1 - x0), max(2, y1 - y0)))
    return boxes
