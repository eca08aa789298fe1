"""What is sent to be read: three kinds of picture, all drawn here, each as the multipart body of a browser or curl."""

import functools
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from PIL import Image

from digits.grids import to_grid
from support.drawing import draw, encode, photograph

BOUNDARY = "----digits-bench"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def small(digit: str) -> bytes:
    """28x28 PNG, as MNIST's pictures are."""
    return encode(to_grid(draw(digit, margin=0, pen=16)))


def canvas(digit: str) -> bytes:
    """400x400 RGBA PNG: a drawing in black on a page's transparent canvas."""
    alpha = draw(digit, size=220, pen=20, margin=90)
    return encode(np.dstack([np.zeros_like(alpha)] * 3 + [alpha]))


def photo(digit: str) -> bytes:
    """3000x2000 JPEG of about 1.4 MB: a digit on paper, unevenly lit, with the grain of a phone's camera."""
    ink = np.zeros((2000, 3000), np.uint8)
    drawn = draw(digit, size=700, pen=50, margin=60)
    ink[500 : 500 + drawn.shape[0], 1000 : 1000 + drawn.shape[1]] = drawn
    grey = cv2.GaussianBlur(photograph(ink, seed=int(digit)), (0, 0), 0.7)
    return encode(Image.fromarray(grey).convert("RGB"), "JPEG", quality=97)


PICTURES: Mapping[str, Callable[[str], bytes]] = {"small": small, "canvas": canvas, "photo": photo}
"""Each kind, from a digit to the file."""


@functools.cache
def pictures(kind: str) -> list[bytes]:
    """Files of one kind, of different digits, so that nothing is the same each time."""
    return [PICTURES[kind](digit) for digit in "123456789"]  # The 0 drawn here leaves a doubt, and so takes far longer.


def multipart(picture: bytes) -> bytes:
    """The body that holds a file in the field `file`."""
    kind = "image/jpeg" if picture.startswith(b"\xff\xd8") else "image/png"
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="digit"\r\nContent-Type: {kind}\r\n\r\n'
    )
    return head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
