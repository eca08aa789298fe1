"""Pairs to train the segmenter on: a digit in its surroundings, and its own ink.

They are made in many processes, so this module does not import Keras.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.inference.segmenter import SIDE, surroundings
from digits.training.processes import in_parts, made_by_processes
from digits.training.scenes.scene import FINE, Digit, Scene, make_scene
from digits.training.scenes.writing import AMBIGUOUS, Writers

SHAPES: tuple[tuple[tuple[int, int], float], ...] = (((192, 192), 0.4), ((128, 320), 0.3), ((96, 96), 0.3))
"""Rows and columns of the scenes, with the share of each. They are not resized as for the finder."""
UNSURE = 0.07
"""Standard deviation of the random shift of a box's edges, as a share of its sides: about the finder's error."""
AT_MOST = 4
"""Most digits of one scene that are used."""

_AT_ONCE = 250
"""Scenes of one job."""

Pairs = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""Surroundings of digits, and the digits' own ink, both uint8 (n, 48, 48)."""


def make_pairs(writers: Writers, scenes: int, seed: int) -> Pairs:
    """Make the pairs of this many scenes."""
    jobs = in_parts(scenes, _AT_ONCE, [seed])
    made = list(made_by_processes(pairs, writers, jobs, f"Cutting digits out of {scenes:,} scenes"))
    seen, inks = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return seen, inks


def pairs(writers: Writers, job: tuple[int, list[int]]) -> Pairs:
    """Make the pairs of one job: how many scenes, and the seed."""
    count, seed = job
    rng = np.random.default_rng(seed)
    shapes, shares = [shape for shape, _ in SHAPES], [share for _, share in SHAPES]
    seen, inks = [], []
    for _ in range(count):
        scene = make_scene(shapes[rng.choice(len(shapes), p=shares)], writers, rng)
        digits = [digit for digit in scene.digits if digit.label != AMBIGUOUS]
        for place in rng.permutation(len(digits))[:AT_MOST]:
            picture, ink = _pair(scene, digits[place], rng)
            seen.append(picture)
            inks.append(ink)
    return np.array(seen, np.uint8).reshape(-1, SIDE, SIDE), np.array(inks, np.uint8).reshape(-1, SIDE, SIDE)


def _pair(scene: Scene, digit: Digit, rng: np.random.Generator) -> Pairs:
    """Return a digit's surroundings, half of the time inverted, and its own ink, both uint8 (48, 48)."""
    left, top, right, bottom = digit.box
    off = rng.normal(0, UNSURE, 4) * [right - left, bottom - top, right - left, bottom - top]
    x0, y0, x1, y1 = np.rint(np.array(digit.box) + off).astype(int).tolist()
    box = Box(x0, y0, max(2, x1 - x0), max(2, y1 - y0))
    picture, x, y, scale = surroundings(scene.picture, box)
    if rng.random() < 0.5:
        picture = 255 - picture
    # Pixel i of the picture is FINE pixels of the ink, starting at i * FINE.
    to_seen = np.array(
        [[scale / FINE, 0, (digit.ink.x / FINE - x) * scale], [0, scale / FINE, (digit.ink.y / FINE - y) * scale]]
    )
    return picture, _shrunk(digit.ink.ink, to_seen)


def _shrunk(ink: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return ink transformed by a matrix (2, 3) that maps corners of pixels, uint8 (48, 48).

    It is drawn four times as large first, so that no pixel of the ink is skipped.
    """
    fine = 4
    matrix = matrix * fine
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV wants a matrix that maps middles of pixels.
    large = cv2.warpAffine(ink, matrix, (SIDE * fine, SIDE * fine), flags=cv2.INTER_LINEAR)
    return cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)
