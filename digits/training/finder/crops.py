"""Cut digits out of scenes, and also what was wrongly taken for a digit or framed wrongly."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from digits.box import Box
from digits.grids import SIDE, Grids, to_grid
from digits.inference.detections import Sight
from digits.inference.finder import Finder
from digits.inference.recogniser import RecogniserConfig
from digits.training.augmentation.serving import serving_networks
from digits.training.data.datasets import Labelled
from digits.training.processes import in_parts, made_by_processes
from digits.training.scenes.scene import Digit, Scene, make_scene
from digits.training.scenes.writing import Writers

SHAPES = ((192, 192), (128, 320), (96, 96), (128, 128))
"""Rows and columns of the scenes, each equally likely."""
OTHER = 0.5
"""IoU with a digit's box up to which a box is not that digit; from RecogniserConfig.same on it is.

A box around two digits has an IoU of about 0.5 with either.
"""
WRONGLY_FRAMED = 0.3
"""Share of the digits for which a wrong box is added, between it and the next one or around both."""
_AT_ONCE = 500
"""Scenes of one job."""


def sights(finder: Finder, writers: Writers, scenes: int, seed: list[int]) -> Iterator[tuple[Scene, Sight]]:
    """Yield random scenes, each with what the finder sees at one look, either a glance or a closer one."""
    rng, shapes = np.random.default_rng(seed), (finder.config.glance, finder.config.shapes)
    for _ in range(scenes):
        scene = make_scene(SHAPES[rng.integers(len(SHAPES))], writers, rng)
        height, width = scene.picture.shape
        yield scene, finder.look(scene.picture, Box(0, 0, width, height), shapes[rng.integers(2)])


def found_in_scenes(writers: Writers, count: int, seed: int) -> tuple[Labelled, Grids]:
    """Return the digits cut out of this many scenes, and the grids that are none.

    They depend on the seed, not on the number of processes.
    """
    jobs = in_parts(count, _AT_ONCE, [seed])
    made = list(made_by_processes(crops, writers, jobs, f"Reading {count:,} scenes"))
    right, wrong = zip(*made, strict=True)
    return Labelled(*(np.concatenate(arrays) for arrays in zip(*right, strict=True))), np.concatenate(wrong)


def crops(writers: Writers, job: tuple[int, list[int]]) -> tuple[Labelled, Grids]:
    """Return, for one job, the digits cut out of its scenes, and grids of what is none; unclear cases are left out."""
    count, seed = job
    rng = np.random.default_rng([*seed, 1])
    finder, segmenter = serving_networks()
    right: list[Grids] = []
    digits: list[int] = []
    wrong: list[Grids] = []
    for scene, sight in sights(finder, writers, count, seed):
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
    """Return the digit in this box, False if there is none, or None if that is unclear."""
    shares = [_broad(box).iou(_broad(framed(digit))) for digit in scene.digits]
    most = max(shares, default=0.0)
    if most <= OTHER:
        return False
    digit = scene.digits[shares.index(most)]
    return digit if most >= RecogniserConfig().same and digit.label >= 0 else None


def _broad(box: Box) -> Box:
    """Widen a box to at least half its height. In the narrow box of a 1, one pixel would change the IoU too much."""
    more = max(0, box.height // 2 - box.width)
    return Box(box.x - more // 2, box.y, box.width + more, box.height)


def framed(digit: Digit) -> Box:
    """Return the box of a digit in whole pixels."""
    left, top, right, bottom = map(round, digit.box)
    return Box(left, top, max(1, right - left), max(1, bottom - top))


def _wrongly_framed(scene: Scene, rng: np.random.Generator) -> list[Box]:
    """Boxes that are shifted to between a digit and the next, or include both."""
    boxes = []
    for digit in scene.digits:
        if digit.label < 0 or rng.random() > WRONGLY_FRAMED:
            continue
        left, top, right, bottom = digit.box
        across = right - left
        if rng.random() < 0.5:  # Half of it and half of the next.
            left, right = left + across * rng.uniform(0.45, 0.6), right + across * rng.uniform(0.45, 0.6)
        else:  # Around both.
            right += across * rng.uniform(0.9, 1.4)
        x0, y0, x1, y1 = (round(side) for side in (left, top, right, bottom))
        boxes.append(Box(x0, y0, max(2, x1 - x0), max(2, y1 - y0)))
    return boxes
