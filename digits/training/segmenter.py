"""What the segmenter learns, from digits of scenes as the finder frames them, and how."""

import math
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.finder import to_input
from digits.segmenter import SIDE, STRIDE, surroundings
from digits.training.networks import segmenter
from digits.training.processes import made_by_processes
from digits.training.recipes import adamw
from digits.training.scenes.scene import FINE, Digit, Scene, make_scene
from digits.training.scenes.writing import AMBIGUOUS, Writers

SHAPES: tuple[tuple[tuple[int, int], float], ...] = (((192, 192), 0.4), ((128, 320), 0.3), ((96, 96), 0.3))
"""Rows and columns of the scenes, and the share of each: as large as pictures are, and not as the finder sees them."""
UNSURE = 0.07
"""Standard deviation of the sides of a box, in sides of the box: about as far as the finder is off."""
AT_MOST = 4
"""Digits of one scene that are learnt from."""

SCENES, EPOCHS, BATCH_SIZE = 15_000, 6, 128
RATE = 3e-3
"""The highest learning rate of AdamW."""
_AT_ONCE = 250

Pairs = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""Surroundings of digits, and their own ink: uint8 (n, 48, 48) both."""


def make_pairs(writers: Writers, scenes: int, seed: int) -> Pairs:
    """Those of so many scenes."""
    jobs = [(min(_AT_ONCE, scenes - start), [seed, start]) for start in range(0, scenes, _AT_ONCE)]
    made = list(made_by_processes(pairs, writers, jobs, f"Cutting digits out of {scenes:,} scenes"))
    seen, inks = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return seen, inks


def pairs(writers: Writers, job: tuple[int, list[int]]) -> Pairs:
    """Those of so many scenes, by a seed."""
    count, seed = job
    rng = np.random.default_rng(seed)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    shapes, shares = [shape for shape, _ in SHAPES], [share for _, share in SHAPES]
    seen, inks = [], []
    for _ in range(count):
        scene = make_scene(shapes[rng.choice(len(shapes), p=shares)], writers, rng)
        digits = [digit for digit in scene.digits if digit.label != AMBIGUOUS]
        for place in rng.permutation(len(digits))[:AT_MOST]:
            picture, ink = _pair(scene, digits[place], rng)
            seen.append(picture)
            inks.append(ink)
    return np.stack(seen), np.stack(inks)


def _pair(scene: Scene, digit: Digit, rng: np.random.Generator) -> Pairs:
    left, top, right, bottom = digit.box
    off = rng.normal(0, UNSURE, 4) * [right - left, bottom - top, right - left, bottom - top]
    x0, y0, x1, y1 = np.rint(np.array(digit.box) + off).astype(int).tolist()
    box = Box(x0, y0, max(2, x1 - x0), max(2, y1 - y0))
    picture, x, y, scale = surroundings(scene.picture, box)
    if rng.random() < 0.5:
        picture = 255 - picture
    # Pixel i of the picture is FINE pixels of the ink, from i * FINE.
    to_seen = np.array(
        [[scale / FINE, 0, (digit.ink.x / FINE - x) * scale], [0, scale / FINE, (digit.ink.y / FINE - y) * scale]]
    )
    return picture, _shrunk(digit.ink.ink, to_seen)


def _shrunk(ink: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Ink through a matrix of corners (2, 3), as uint8 (48, 48): drawn four times as large, lest pixels be left out."""
    fine = 4
    matrix = matrix * fine
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # From corners of pixels to their middles.
    large = cv2.warpAffine(ink, matrix, (SIDE * fine, SIDE * fine), flags=cv2.INTER_LINEAR)
    return cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)


def to_target(inks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (n, 48, 48) -> shares of ink, float32 (n, 24, 24, 4), as the network gives them."""
    places = SIDE // STRIDE
    blocks = inks.reshape(-1, places, STRIDE, places, STRIDE).transpose(0, 1, 3, 2, 4)
    return blocks.reshape(-1, places, places, STRIDE * STRIDE).astype(np.float32) / np.float32(255)


class Batches(keras.utils.PyDataset):
    """Pairs, in an order by seed and epoch."""

    def __init__(self, pairs: Pairs, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._seen, self._inks = pairs
        self._seed = seed
        self.shuffle(0)

    def shuffle(self, epoch: int) -> None:
        """Turns to the batches of an epoch, counted from 0."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._seen))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / BATCH_SIZE)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        chosen = self._order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
        return to_input(self._seen[chosen]), to_target(self._inks[chosen])


def train(learnt: Pairs, held_out: Pairs, epochs: int, seed: int, backup: Path) -> keras.Model:
    """The network, trained; goes on from what is in the folder `backup`, where an earlier run was stopped."""
    keras.utils.set_random_seed(seed)
    batches, network = Batches(learnt, seed), segmenter()
    network.compile(
        optimizer=adamw(epochs * len(batches), RATE), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )
    shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.shuffle(epoch))
    network.fit(
        batches,
        validation_data=Batches(held_out, seed),
        epochs=epochs,
        callbacks=[shuffle, keras.callbacks.BackupAndRestore(backup)],
        shuffle=False,
        verbose=2,
    )
    return network
