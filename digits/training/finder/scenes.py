"""Scenes to train the finder on. They are made in many processes, so this module does not import Keras."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.inference.detections import SIGNS
from digits.inference.network_input import MARGIN, Shape, letterboxed
from digits.training.processes import in_parts, made_by_processes
from digits.training.scenes.scene import make_scene
from digits.training.scenes.writing import Writers

SHAPES = (
    ((96, 96), 0.34),
    ((64, 128), 0.12),
    ((128, 64), 0.04),
    ((128, 128), 0.12),
    ((64, 160), 0.08),
    ((32, 288), 0.05),
    ((192, 192), 0.12),
    ((128, 288), 0.06),
    ((96, 384), 0.05),
    ((192, 96), 0.02),
)
"""Rows and columns of the pictures, with the share of each. Most are those of a glance, which cost least."""
FIRST_SIGN = 10
"""Label of the first of SIGNS; those of the others follow."""
OF_OTHER_SHAPE = 0.3
"""Share of the scenes that are lower or narrower than their shape, since real pictures seldom fill it."""
_AT_ONCE = 250
"""Scenes of one job."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Scenes of one shape, as the finder sees them."""

    pictures: npt.NDArray[np.uint8]
    """uint8 (n, h, w)"""
    digits: list[npt.NDArray[np.float32]]
    """For each picture, its digits and signs, float32 (k, 5): label, left, top, right and bottom in pixels."""


def make_scenes(writers: Writers, count: int, seed: int) -> list[Seen]:
    """Make about `count` scenes, divided among SHAPES by their shares."""
    jobs = []
    for number, (shape, share) in enumerate(SHAPES):
        wanted = max(1, round(count * share))
        jobs += [(shape, *part) for part in in_parts(wanted, _AT_ONCE, [seed, number])]
    of_shape: dict[Shape, list[Seen]] = {shape: [] for shape, _ in SHAPES}
    for (shape, *_), part in zip(
        jobs, made_by_processes(scenes_of, writers, jobs, f"Drawing {count:,} scenes"), strict=True
    ):
        of_shape[shape].append(part)
    return [
        Seen(np.concatenate([part.pictures for part in parts]), [each for part in parts for each in part.digits])
        for parts in of_shape.values()
    ]


def scenes_of(writers: Writers, job: tuple[Shape, int, list[int]]) -> Seen:
    """Make the scenes of one job: their shape, how many, and the seed."""
    shape, count, seed = job
    rng = np.random.default_rng(seed)
    pictures, digits = zip(*(_seen(shape, writers, rng) for _ in range(count)), strict=True)
    return Seen(np.stack(pictures), list(digits))


def _seen(
    shape: Shape, writers: Writers, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Make a scene as the finder sees it, and its digits and signs as in Seen."""
    sides = np.array(shape) / (1 + 2 * MARGIN)
    if rng.random() < OF_OTHER_SHAPE:
        sides[rng.integers(2)] *= rng.uniform(0.5, 1)
    height, width = np.rint(sides).astype(int).tolist()
    scene = make_scene((height, width), writers, rng)
    picture, place = letterboxed(scene.picture, [shape])
    rows = [(digit.label, *digit.box) for digit in scene.digits]
    rows += [(FIRST_SIGN + SIGNS.index(sign), *box) for sign, box in scene.signs]
    labelled = np.array(rows, np.float32).reshape(-1, 5)
    labelled[:, 1:] = place.in_network(labelled[:, 1:])
    return picture, labelled
