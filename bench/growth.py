"""How the time of one picture grows with the digits in it, and with its pixels; in process, on one core.

    python -m bench.growth

ms   the fastest of several readings; the median of some pictures
"""

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import cv2
import numpy as np
from PIL import Image

from bench.bodies import as_bytes, placed, source
from bench.machine import machine
from bench.pictures.hand import Hand, Rng
from bench.table import aligned
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.memory import keep_memory
from digits.settings import Settings
from digits.uploads.service import recognise_upload
from support import ROOT
from support.drawing import encode, photograph

DIGITS = (1, 2, 3, 5, 10)
SIDES = (100, 316, 1000, 3162, 5000)
"""Pixels along each side of a photo: 10^4 to 2.5 * 10^7 in all."""
PICTURES, TIMES = 9, 5
CANVAS_SIDE, HEIGHT = 800, 70
"""Pixels of a canvas, and of the digits on it."""


def main(arguments: list[str] | None = None) -> None:
    argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__).parse_args(arguments)
    keep_memory()
    cv2.setNumThreads(1)
    print(f"{machine()}\n", flush=True)
    recogniser = LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))
    for name, values, draw in (("digits", DIGITS, canvas), ("pixels", SIDES, photo)):
        rows = [[name, "ms"]]
        for value in values:
            shown = value if name == "digits" else value**2
            rows.append([f"{shown:,}", f"{milliseconds(_some(draw, value), recogniser):.1f}"])
        print("\n".join(aligned(rows, 0)) + "\n", flush=True)


def canvas(rng: Rng, digits: int) -> bytes:
    """A PNG with so many digits in one line."""
    text = "".join(map(str, rng.integers(0, 10, digits)))
    ink = Hand(rng, source()).write(text, HEIGHT, 0.08)
    return encode(255 - as_bytes(placed(rng, ink, (CANVAS_SIDE, CANVAS_SIDE))))


def photo(rng: Rng, side: int) -> bytes:
    """A JPEG of one digit, a third as high as the photo."""
    ink = Hand(rng, source()).write(str(rng.integers(10)), side // 3, 0.08)
    grey = photograph(as_bytes(placed(rng, ink, (side, side))), int(rng.integers(1000)))
    return encode(Image.fromarray(grey).convert("RGB"), "JPEG", quality=90)


def milliseconds(pictures: Sequence[bytes], recogniser: Recogniser) -> float:
    max_pixels = Settings.model_fields["max_pixels"].default

    def once(picture: bytes) -> float:
        start = time.perf_counter()
        recognise_upload(picture, recogniser, max_pixels)
        return time.perf_counter() - start

    return 1e3 * median(min(once(picture) for _ in range(TIMES)) for picture in pictures)


def _some(draw: Callable[[Rng, int], bytes], value: int) -> list[bytes]:
    return [draw(np.random.default_rng([value, place]), value) for place in range(PICTURES)]


if __name__ == "__main__":
    main()
