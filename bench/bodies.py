"""What is sent to be read: three kinds of picture, each a mix that a seed chose, as multipart bodies of a browser.

The digits are by MNIST's writers where MNIST_NPZ names the file, as in bench.synthetic, else drawn from strokes. So
there are clear and doubtful ones, as people send them; on canvases and in photos there are one to three in a picture.
"""

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from bench.pictures.hand import Hand, Ink, Rng, Source, from_mnist, from_strokes
from digits.grids import SIDE, to_grid
from support.drawing import Array, encode, photograph

BOUNDARY = "----digits-bench"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PICTURES = 60
"""Of each kind."""


class Labelled(NamedTuple):
    number: str
    data: bytes


def small(rng: Rng, text: str, hand: Hand) -> bytes:
    """28x28 PNG, as MNIST's pictures are."""
    return encode(to_grid(as_bytes(hand.write(text, 4 * SIDE, rng.uniform(0.06, 0.14)))))


def canvas(rng: Rng, text: str, hand: Hand) -> bytes:
    """400x400 RGBA PNG: a drawing in black on a page's transparent canvas, or in white on black."""
    alpha = as_bytes(placed(rng, hand.write(text, int(rng.integers(80, 300)), rng.uniform(0.05, 0.12)), (400, 400)))
    if rng.random() < 0.5:
        return encode(np.dstack([np.zeros_like(alpha)] * 3 + [alpha]))
    return encode(np.dstack([alpha] * 3 + [np.full_like(alpha, 255)]))


def photo(rng: Rng, text: str, hand: Hand) -> bytes:
    """3000x2000 JPEG of about 1.4 MB: digits on paper, unevenly lit, with the grain of a phone's camera."""
    written = hand.write(text, int(rng.integers(200, 1500)), rng.uniform(0.04, 0.1))
    ink = as_bytes(placed(rng, written, (2000, 3000)))
    grey = cv2.GaussianBlur(photograph(ink, int(rng.integers(1000))), (0, 0), 0.7)
    return encode(Image.fromarray(grey).convert("RGB"), "JPEG", quality=97)


def as_bytes(ink: Ink) -> Array:
    return np.rint(255 * ink).astype(np.uint8)


def placed(rng: Rng, ink: Ink, shape: tuple[int, int]) -> Ink:
    """Anywhere on a sheet of this shape, with a margin of a twentieth; ink that is too large is made smaller."""
    most = min(0.9 * room / side for room, side in zip(shape, ink.shape, strict=True))
    if most < 1:
        ink = cv2.resize(ink, None, fx=most, fy=most, interpolation=cv2.INTER_AREA)
    height, width = ink.shape
    y, x = (
        int(rng.uniform(0.05 * room, 0.95 * room - side)) for room, side in zip(shape, (height, width), strict=True)
    )
    return np.pad(ink, ((y, shape[0] - y - height), (x, shape[1] - x - width)))


class Kind(NamedTuple):
    digits: int
    """In a picture at most; as many of each number of digits."""
    draw: Callable[[Rng, str, Hand], bytes]


KINDS: Mapping[str, Kind] = {"small": Kind(1, small), "canvas": Kind(3, canvas), "photo": Kind(3, photo)}


@functools.cache
def mix(kind: str, count: int = PICTURES) -> list[Labelled]:
    """Pictures of one kind in the order of a seed; the first ones are the same whatever the count."""
    labelled = []
    for place in range(count):
        rng = np.random.default_rng([len(kind), place])
        text = "".join(map(str, rng.integers(0, 10, rng.integers(1, KINDS[kind].digits + 1))))
        labelled.append(Labelled(text, KINDS[kind].draw(rng, text, Hand(rng, source()))))
    return labelled


@functools.cache
def source() -> Source:
    """Who writes the digits."""
    path = os.environ.get("MNIST_NPZ")
    return from_mnist(Path(path)) if path else from_strokes


def pictures(kind: str) -> list[bytes]:
    """The files of a mix."""
    return [labelled.data for labelled in mix(kind)]


def multipart(picture: bytes) -> bytes:
    """The body that holds a file in the field `file`."""
    kind = "image/jpeg" if picture.startswith(b"\xff\xd8") else "image/png"
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="digit"\r\nContent-Type: {kind}\r\n\r\n'
    )
    return head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
